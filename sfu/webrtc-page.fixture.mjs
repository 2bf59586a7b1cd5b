// Runs in the browser of webrtc.test.ts: publishes by WHIP, plays by WHEP and by mediasoup-client.
import { Device } from 'mediasoup-client';

const connections = new Map();

const until = async (what, ms = 10_000) => {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const value = await what();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${ms} ms: ${what}`);
};

/** Gives the codecs at these payload types numbers that the offer leaves free. */
function renumber(sdp, payloadTypes) {
  const free = Array.from({ length: 29 }, (_, i) => i + 35).filter(
    (number) => !new RegExp(`a=rtpmap:${number} `).test(sdp),
  );
  return payloadTypes.reduce((text, from) => {
    const to = free.pop();
    return text
      .replaceAll(new RegExp(`(a=(?:rtpmap|fmtp|rtcp-fb):)${from}\\b`, 'g'), `$1${to}`)
      .replaceAll(new RegExp(`(m=[^\\r]* )${from}\\b`, 'g'), `$1${to}`)
      .replaceAll(new RegExp(`apt=${from}\\b`, 'g'), `apt=${to}`);
  }, sdp);
}

async function exchange(pc, path, payloadTypes = []) {
  const { sdp } = await pc.createOffer();
  await pc.setLocalDescription({ type: 'offer', sdp: renumber(sdp, payloadTypes) });
  const answer = await fetch(path, { method: 'POST', body: pc.localDescription.sdp });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  await pc.setRemoteDescription({ type: 'answer', sdp: text });
  return { offer: pc.localDescription.sdp, answer: text };
}

globalThis.publish = async (name, path, codecs = ['video/VP8']) => {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    video: { width: 320, height: 240, frameRate: 20 },
  });
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  connections.set(name, pc);
  for (const track of stream.getTracks()) {
    const transceiver = pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    if (track.kind === 'video') {
      const all = RTCRtpSender.getCapabilities('video').codecs;
      transceiver.setCodecPreferences([
        ...codecs.flatMap((mime) => all.filter((codec) => codec.mimeType === mime)),
        ...all.filter((codec) => codec.mimeType === 'video/rtx'),
      ]);
    }
  }
  const sdp = await exchange(pc, path);
  await until(() => pc.connectionState === 'connected');
  return sdp;
};

function show(stream) {
  const video = document.createElement('video');
  Object.assign(video, { autoplay: true, muted: true, playsInline: true, srcObject: stream });
  document.body.append(video);
  return video;
}

globalThis.play = async (name, path, payloadTypes) => {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  connections.set(name, pc);
  pc.addTransceiver('audio', { direction: 'recvonly' });
  pc.addTransceiver('video', { direction: 'recvonly' });
  const streams = new Set();
  pc.addEventListener('track', ({ streams: [stream] }) => streams.add(stream));
  const sdp = await exchange(pc, path, payloadTypes);
  await until(() => pc.connectionState === 'connected');
  for (const stream of streams) show(stream);
  return { ...sdp, streams: streams.size };
};

globalThis.join = async (name) => {
  const { routerRtpCapabilities, transport } = await (await fetch('/viewer')).json();
  const device = await Device.factory();
  await device.load({ routerRtpCapabilities });
  const receive = device.createRecvTransport(transport);
  receive.on('connect', ({ dtlsParameters }, done, failed) =>
    fetch('/viewer/connect', { method: 'POST', body: JSON.stringify(dtlsParameters) }).then(done, failed),
  );
  const body = JSON.stringify(device.recvRtpCapabilities);
  const tracks = await (await fetch('/viewer/join', { method: 'POST', body })).json();
  const consumers = await Promise.all(
    tracks.map((track) => receive.consume({ ...track, streamId: 'programme' })),
  );
  show(new MediaStream(consumers.map(({ track }) => track)));
  connections.set(name, receive);
  return tracks.map(({ key }) => key);
};

globalThis.stats = async (name) => {
  const found = { state: connections.get(name).connectionState };
  for (const report of (await connections.get(name).getStats()).values()) {
    if (report.type === 'inbound-rtp' || report.type === 'outbound-rtp') found[report.kind] = { ...report };
  }
  return found;
};

globalThis.restartIce = async (name, path) => {
  const pc = connections.get(name);
  const offer = await pc.createOffer({ iceRestart: true });
  await pc.setLocalDescription(offer);
  const lines = offer.sdp.split('\r\n');
  const line = (start) => lines.find((next) => next.startsWith(start));
  const fragment = [line('a=ice-ufrag'), line('a=ice-pwd'), line('m='), line('a=mid'), ''].join('\r\n');
  const answer = await (await fetch(path, { method: 'PATCH', body: fragment })).text();
  const value = (start) =>
    answer
      .split('\r\n')
      .find((next) => next.startsWith(start))
      ?.slice(start.length);
  const sdp = pc.remoteDescription.sdp
    .replaceAll(/a=ice-ufrag:.*/g, `a=ice-ufrag:${value('a=ice-ufrag:')}`)
    .replaceAll(/a=ice-pwd:.*/g, `a=ice-pwd:${value('a=ice-pwd:')}`);
  await pc.setRemoteDescription({ type: 'answer', sdp });
  return answer;
};

globalThis.hangUp = (name) => connections.get(name).close();
