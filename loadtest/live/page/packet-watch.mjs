// Tells when packets arrive, track by track: the browser's statistics are only as new as 50 ms.

const WORKER = `
onrtctransform = ({ transformer: { readable, writable, options } }) => {
  readable.pipeThrough(new TransformStream({
    transform(frame, controller) {
      postMessage({ trackId: options.trackId, atMs: Date.now(), rtpTime: frame.getMetadata().rtpTimestamp });
      controller.enqueue(frame);
    },
  })).pipeTo(writable);
};`;

/** Receivers of all connections that were opened while packets are watched, by track. */
const receivers = new Map();
/** Arrival of the first packet since `mark` (wall time, ms) and its RTP time, by track id. */
const first = new Map();

/** Watches every connection that this page opens from now on. Chromium takes a transform only while a track is new. */
export function watchPackets() {
  const worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' })));
  worker.onmessage = ({ data: { trackId, atMs, rtpTime } }) => {
    if (!first.has(trackId)) first.set(trackId, { atMs, rtpTime });
  };
  const Original = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Original {
    constructor(...options) {
      super(...options);
      this.addEventListener('track', ({ receiver }) => {
        receivers.set(receiver.track, receiver);
        receiver.transform = new RTCRtpScriptTransform(worker, { trackId: receiver.track.id });
      });
    }
  };
}

/** Forgets what has come. */
export function mark() {
  first.clear();
}

export function firstPacketMs(track) {
  return first.get(track.id)?.atMs;
}

/** Whether a packet that came since `mark` has been decoded and handed to the player. */
export function isPlayed(track) {
  const played = receivers.get(track)?.getSynchronizationSources()[0]?.rtpTimestamp;
  const from = first.get(track.id)?.rtpTime;
  // RTP times are 32 bits and wrap around.
  return played !== undefined && from !== undefined && ((played - from) | 0) >= 0;
}
