// Runs in the browser of the live tests: publishes by WHIP, plays by WHEP, watches with the viewer SDK, and listens.
import { selectedTracks } from '../../client/src/sdk/selection.ts';
import { ViewerConnection } from '../../client/src/sdk/viewer-connection.ts';

const SAMPLE_RATE_HZ = 16_000;
const peers = new Map();
const viewers = new Map();
const negotiations = { count: 0 };

const setRemote = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (...args) {
  negotiations.count += 1;
  return setRemote.apply(this, args);
};

/** Leads to another UDP port of this machine, and only there. */
const through = (sdp, port) =>
  sdp.replace(/a=candidate:.* tcp .*\r\n/gi, '').replace(/(a=candidate:.* udp \d+ \S+ )\d+/gi, `$1${port}`);

const until = async (what, ms) => {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const value = await what();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
};

// ---- publishing -----------------------------------------------------------------------------------------------------

async function media({ audio = true, video = true }) {
  return await navigator.mediaDevices.getUserMedia({
    audio: audio && { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    video: video && { width: 320, height: 240, frameRate: 15, ...video },
  });
}

const post = (url, token, body, type = 'application/sdp') =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': type, ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body,
  });

/** Whether Chromium can send a codec (a MIME type). */
globalThis.canSend = (codec) =>
  RTCRtpSender.getCapabilities('video').codecs.some(({ mimeType }) => mimeType === codec);

/** Has a track sent as one codec, and no other offered. */
function sendAs(transceiver, codec) {
  const { codecs } = RTCRtpSender.getCapabilities('video');
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => [codec, 'video/rtx'].includes(mimeType)));
}

/** Publishes the fake camera and microphone. Returns what the server answered and whether media flows. */
globalThis.publish = async (name, { url, token, port, codec, connectWithinMs = 15_000, ...what }) => {
  const stream = await media(what);
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of stream.getTracks()) {
    const transceiver = pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    if (codec && track.kind === 'video') sendAs(transceiver, codec);
  }
  await pc.setLocalDescription();
  const answer = await post(url, token, pc.localDescription.sdp);
  const text = await answer.text();
  const result = { status: answer.status, text, location: answer.headers.get('location') };
  if (answer.status !== 201) {
    for (const track of stream.getTracks()) track.stop();
    pc.close();
    return result;
  }
  await pc.setRemoteDescription({ type: 'answer', sdp: port ? through(text, port) : text });
  peers.set(name, { pc, stream, token, port, location: result.location, etag: answer.headers.get('etag') });
  const isConnected = await until(() => pc.connectionState === 'connected', connectWithinMs);
  return { ...result, state: isConnected ? 'connected' : pc.connectionState };
};

/** Ends a publisher: with DELETE, or as if its machine had lost its power. */
globalThis.unpublish = async (name, { sayGoodbye = true } = {}) => {
  const { pc, stream, token, location } = peers.get(name);
  peers.delete(name);
  let status;
  if (sayGoodbye) {
    const headers = { authorization: `Bearer ${token}` };
    status = (await fetch(location, { method: 'DELETE', headers })).status;
  }
  for (const track of stream.getTracks()) track.stop();
  pc.close();
  return status;
};

/** Sends no media at all for a while: no silence either. */
globalThis.blackOut = async (name, ms) => {
  const senders = peers.get(name).pc.getSenders();
  const setActive = (active) =>
    Promise.all(
      senders.map((sender) => {
        const parameters = sender.getParameters();
        for (const encoding of parameters.encodings) encoding.active = active;
        return sender.setParameters(parameters);
      }),
    );
  await setActive(false);
  await new Promise((resolve) => setTimeout(resolve, ms));
  await setActive(true);
};

globalThis.restartIce = async (name) => {
  const peer = peers.get(name);
  const { pc, token, location, port } = peer;
  const offer = await pc.createOffer({ iceRestart: true });
  await pc.setLocalDescription(offer);
  const lines = offer.sdp.split('\r\n');
  const line = (start) => lines.find((next) => next.startsWith(start));
  const fragment = [line('a=ice-ufrag'), line('a=ice-pwd'), line('m='), line('a=mid'), ''].join('\r\n');
  const response = await fetch(location, {
    method: 'PATCH',
    headers: {
      'content-type': 'application/trickle-ice-sdpfrag',
      'if-match': '*',
      authorization: `Bearer ${token}`,
    },
    body: fragment,
  });
  const answer = await response.text();
  const value = (start) =>
    answer
      .split('\r\n')
      .find((next) => next.startsWith(start))
      ?.slice(start.length);
  const sdp = pc.remoteDescription.sdp
    .replaceAll(/a=ice-ufrag:.*/g, `a=ice-ufrag:${value('a=ice-ufrag:')}`)
    .replaceAll(/a=ice-pwd:.*/g, `a=ice-pwd:${value('a=ice-pwd:')}`);
  await pc.setRemoteDescription({ type: 'answer', sdp: port ? through(sdp, port) : sdp });
  const etag = response.headers.get('etag');
  const changed = etag !== peer.etag;
  peer.etag = etag;
  return { status: response.status, changed };
};

// ---- playing and watching ---------------------------------------------------------------------------------------------

function show(tracks) {
  const video = document.createElement('video');
  Object.assign(video, {
    autoplay: true,
    muted: true,
    playsInline: true,
    srcObject: new MediaStream(tracks),
  });
  document.body.append(video);
  const frames = [];
  const onFrame = () => {
    frames.push(Date.now());
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
  return { video, frames };
}

globalThis.play = async (name, { url, port, connectWithinMs = 15_000 }) => {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const tracks = new Map();
  pc.addEventListener('track', ({ track }) => tracks.set(track.kind, track));
  pc.addTransceiver('audio', { direction: 'recvonly' });
  pc.addTransceiver('video', { direction: 'recvonly' });
  await pc.setLocalDescription();
  const answer = await post(url, undefined, pc.localDescription.sdp);
  const text = await answer.text();
  if (answer.status !== 201) return { status: answer.status, text };
  await pc.setRemoteDescription({ type: 'answer', sdp: port ? through(text, port) : text });
  const isConnected = await until(() => pc.connectionState === 'connected', connectWithinMs);
  viewers.set(name, {
    tracks,
    shown: show([...tracks.values()]),
    recorders: new Map(),
    stats: async () => ({
      report: await pc.getStats(),
      keys: new Map([...tracks].map(([k, t]) => [t.id, k])),
    }),
    close: () => pc.close(),
  });
  return { status: 201, state: isConnected ? 'connected' : pc.connectionState };
};

/** Watches a channel as the player does. */
globalThis.watch = async (name, { url, port }) => {
  const NativeSocket = globalThis.WebSocket;
  if (port) {
    // The address that the server names leads through the bad network.
    globalThis.WebSocket = class extends NativeSocket {
      set onmessage(listener) {
        super.onmessage = (message) => {
          const event = JSON.parse(message.data);
          if (event.kind === 'welcome') {
            const { iceCandidates } = event.transport;
            event.transport.iceCandidates = iceCandidates
              .filter(({ protocol }) => protocol === 'udp')
              .map((candidate) => ({ ...candidate, port }));
          }
          listener({ data: JSON.stringify(event) });
        };
      }
    };
  }
  const viewer = { tracks: new Map(), events: [], recorders: new Map(), lost: false };
  try {
    await new Promise((resolve, reject) => {
      viewer.connection = new ViewerConnection({
        address: new URL(url),
        onEvent: (event) => {
          if (event.kind !== 'tick') viewer.events.push({ at: Date.now(), ...event });
        },
        onTracks: (tracks) => {
          viewer.tracks = tracks;
          viewer.onTracks?.();
        },
        onReady: resolve,
        onLost: (problem) => {
          viewer.lost = true;
          reject(new Error(problem?.message ?? 'lost'));
        },
      });
    });
  } finally {
    globalThis.WebSocket = NativeSocket;
  }
  viewer.stats = () => viewer.connection.stats();
  viewer.close = () => viewer.connection.close();
  viewers.set(name, viewer);
  return [...viewer.tracks.keys()];
};

globalThis.select = async (name, selection) => {
  const viewer = viewers.get(name);
  const full = {
    language: null,
    mode: 'interpret',
    captions: null,
    video: true,
    premixed: false,
    face: true,
    ...selection,
  };
  const startMs = performance.now();
  await viewer.connection.select(full);
  const tookMs = performance.now() - startMs;
  const picture = viewer.tracks.get(selectedTracks(full, viewer.tracks).picture);
  if (picture) {
    if (viewer.shown) viewer.shown.video.srcObject = new MediaStream([picture]);
    else viewer.shown = show([picture]);
  }
  return tookMs;
};

/** Selects, and waits for a packet of a track. Returns how long that took from the request on, ms. */
globalThis.switchTo = async (name, selection, key) => {
  const packets = async () => (await globalThis.trackStats(name))[key]?.packetsReceived ?? 0;
  const before = await packets();
  const startMs = performance.now();
  const selecting = globalThis.select(name, selection);
  const end = startMs + 15_000;
  while ((await packets()) === before && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const tookMs = performance.now() - startMs;
  await selecting;
  return tookMs;
};

globalThis.isLost = (name) => viewers.get(name).lost;
globalThis.trackKeys = (name) => [...viewers.get(name).tracks.keys()];
globalThis.events = (name, kinds) => viewers.get(name).events.filter(({ kind }) => kinds.includes(kind));
globalThis.hangUp = (name) => {
  viewers.get(name).close();
  viewers.delete(name);
};
globalThis.negotiations = () => negotiations.count;

/** When pictures were shown, ms since the epoch. */
globalThis.framesShown = (name) => viewers.get(name).shown.frames;

/**
 * Takes down the pictures that are shown from now on: luma, `size` × `size` of the whole, by RTP timestamp. The same picture of
 * two tracks of a channel has the same.
 */
globalThis.takePictures = (name, size) => {
  const viewer = viewers.get(name);
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const pictures = new Map();
  viewer.pictures = pictures;
  const { video } = viewer.shown;
  const onFrame = (_now, { rtpTimestamp, mediaTime }) => {
    if (viewer.pictures !== pictures) return;
    video.requestVideoFrameCallback(onFrame);
    // A page that is late gets a later picture than the one it is told of.
    const frame = new VideoFrame(video);
    const isToldOf = Math.abs(frame.timestamp - mediaTime * 1e6) < 500;
    if (isToldOf) context.drawImage(frame, 0, 0, size, size);
    frame.close();
    if (!isToldOf) return;
    const { data } = context.getImageData(0, 0, size, size);
    const luma = [];
    for (let i = 0; i < data.length; i += 4)
      luma.push(Math.round(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]));
    pictures.set(rtpTimestamp, luma);
  };
  video.requestVideoFrameCallback(onFrame);
};
/** Those taken down, and no more from now on. */
globalThis.picturesTaken = (name) => {
  const viewer = viewers.get(name);
  const taken = [...viewer.pictures];
  viewer.pictures = undefined;
  return taken;
};

/** The picture that is shown, for a while, as a WebM of nearly what came, base64. */
globalThis.recordPicture = async (name, forMs) => {
  const [track] = viewers.get(name).shown.video.srcObject.getVideoTracks();
  const recorder = new MediaRecorder(new MediaStream([track]), {
    mimeType: 'video/webm;codecs=vp8',
    videoBitsPerSecond: 6_000_000,
  });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, forMs));
  await new Promise((resolve) => {
    recorder.onstop = resolve;
    recorder.stop();
  });
  const reader = new FileReader();
  await new Promise((resolve) => {
    reader.onload = resolve;
    reader.readAsDataURL(new Blob(parts));
  });
  return reader.result.slice(reader.result.indexOf(',') + 1);
};

/** What the browser counts, by track. */
globalThis.trackStats = async (name) => {
  const { report, keys } = await viewers.get(name).stats();
  const found = {};
  for (const entry of report.values()) {
    if (entry.type !== 'inbound-rtp') continue;
    const key = keys.get(entry.trackIdentifier);
    if (key) found[key] = { ...entry, mimeType: report.get(entry.codecId)?.mimeType };
  }
  return found;
};

globalThis.sendStats = async (name) => {
  const found = {};
  for (const entry of (await peers.get(name).pc.getStats()).values()) {
    if (entry.type === 'outbound-rtp') found[entry.kind] = { ...entry };
  }
  return found;
};

/**
 * Looks ten times a second at a track and notes the longest time in which no packet of it came, ms. A look that itself came
 * late says nothing of the server and is not counted.
 */
globalThis.watchForGaps = (name, key) => {
  const gaps = { longestMs: 0, stop: undefined };
  let last;
  let lastLookMs = performance.now();
  const timer = setInterval(async () => {
    const { lastPacketReceivedTimestamp: at } = (await globalThis.trackStats(name))[key] ?? {};
    const nowMs = performance.now();
    if (at !== undefined && last !== undefined) gaps.longestMs = Math.max(gaps.longestMs, at - last);
    if (at !== undefined) last = at;
    lastLookMs = nowMs;
  }, 100);
  gaps.stop = () => {
    clearInterval(timer);
    return { longestMs: gaps.longestMs, lastLookMs };
  };
  const viewer = viewers.get(name);
  viewer.gaps ??= new Map();
  viewer.gaps.set(key, gaps);
};
globalThis.longestGapMs = (name, key) => viewers.get(name).gaps.get(key).stop().longestMs;

// ---- listening ----------------------------------------------------------------------------------------------------------

const TAP = `registerProcessor('tap', class extends AudioWorkletProcessor {
  process([[plane]]) { if (plane) this.port.postMessage(plane.slice()); return true; }
});`;
let listening;

function audioContext() {
  listening ??= (async () => {
    const context = new AudioContext({ sampleRate: SAMPLE_RATE_HZ });
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([TAP], { type: 'text/javascript' })));
    await context.resume();
    return context;
  })();
  return listening;
}

/** Takes down the sound of a track from now on. */
globalThis.listen = async (name, key) => {
  const viewer = viewers.get(name);
  const context = await audioContext();
  const stream = new MediaStream([viewer.tracks.get(key)]);
  // Chromium decodes a remote track only while an element plays it.
  const element = Object.assign(new Audio(), { muted: true, srcObject: stream });
  element.play().catch(() => undefined);
  const tap = new AudioWorkletNode(context, 'tap', {
    numberOfOutputs: 0,
    channelCount: 1,
    channelCountMode: 'explicit',
  });
  const planes = [];
  const recorder = { planes, element, startedAtMs: undefined };
  tap.port.onmessage = ({ data }) => {
    recorder.startedAtMs ??= Date.now();
    planes.push(data);
  };
  context.createMediaStreamSource(stream).connect(tap);
  viewer.recorders.set(key, recorder);
};

/** What was heard so far: 16 kHz mono, 16 bits, base64. */
globalThis.heard = (name, key) => {
  const { planes, startedAtMs } = viewers.get(name).recorders.get(key);
  const samples = planes.reduce((sum, plane) => sum + plane.length, 0);
  const pcm = new Int16Array(samples);
  let at = 0;
  for (const plane of planes) {
    for (const sample of plane) pcm[at++] = Math.max(-1, Math.min(1, sample)) * 32767;
  }
  const bytes = new Uint8Array(pcm.buffer);
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000)
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return { base64: btoa(text), startedAtMs };
};
