// Tells when packets arrive, track by track: the browser's statistics are only as new as 50 ms.

const WORKER = `
onrtctransform = ({ transformer: { readable, writable, options } }) => {
  readable.pipeThrough(new TransformStream({
    transform(frame, controller) {
      postMessage({ key: options.key, atMs: Date.now() });
      controller.enqueue(frame);
    },
  })).pipeTo(writable);
};`;

/** Every connection that this page opens, so that the receivers of a track can be found. */
const connections = new Set();

export function watchConnections() {
  const Original = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Original {
    constructor(...options) {
      super(...options);
      connections.add(this);
    }
  };
}

function receiverOf(track) {
  for (const connection of connections) {
    const found = connection.getReceivers().find((receiver) => receiver.track === track);
    if (found) return found;
  }
  throw new Error('no receiver has this track');
}

/** First packet and first decoded sound of tracks since a moment. */
export class PacketWatch {
  #worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' })));
  #receivers = new Map();
  /** Arrival of the newest and of the first packet since `mark`, by track key. */
  #first = new Map();

  constructor() {
    this.#worker.onmessage = ({ data: { key, atMs } }) => {
      if (!this.#first.has(key)) this.#first.set(key, atMs);
    };
  }

  add(key, track) {
    const receiver = receiverOf(track);
    receiver.transform = new RTCRtpScriptTransform(this.#worker, { key });
    this.#receivers.set(key, receiver);
  }

  /** Forgets what has come. */
  mark() {
    this.#first.clear();
  }

  firstPacketMs(key) {
    return this.#first.get(key);
  }

  /** RTP time of the newest sound that was handed to the player of a track. */
  playedRtpTime(key) {
    return this.#receivers.get(key)?.getSynchronizationSources()[0]?.rtpTimestamp;
  }

  close() {
    this.#worker.terminate();
  }
}
