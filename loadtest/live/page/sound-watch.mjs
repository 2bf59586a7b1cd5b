import { wallMs } from './wall.mjs';

/** Runs on the audio thread: the level of every block, a hundred milliseconds at a time. */
const WORKLET = `
registerProcessor('levels', class extends AudioWorkletProcessor {
  constructor({ processorOptions: { blockSamples } }) {
    super();
    this.blockSamples = blockSamples;
    this.squares = 0;
    this.count = 0;
    this.levels = [];
    this.firstFrame = undefined;
  }
  process([[input]]) {
    this.firstFrame ??= currentFrame;
    for (const sample of input ?? []) this.squares += sample * sample;
    this.count += 128;
    if (this.count < this.blockSamples) return true;
    this.levels.push(Math.max(-120, Math.round(10 * Math.log10(this.squares / this.count + 1e-12))));
    this.squares = 0;
    this.count = 0;
    if (this.levels.length * this.blockSamples < 4800) return true;
    this.port.postMessage({ firstFrame: this.firstFrame, levels: this.levels });
    this.levels = [];
    this.firstFrame = undefined;
    return true;
  }
});`;

const RATE_HZ = 48_000;

let shared;

/** One AudioContext for the page, as in the player. */
function context() {
  shared ??= (async () => {
    const made = new AudioContext({ latencyHint: 'interactive', sampleRate: RATE_HZ });
    await made.audioWorklet.addModule(URL.createObjectURL(new Blob([WORKLET], { type: 'text/javascript' })));
    await made.resume();
    return made;
  })();
  return shared;
}

/**
 * Listens to a received track the way the player does (a muted element, and Web Audio) and keeps its level over time. A
 * block's time is when the sound device is given its first sample: `AudioContext.getOutputTimestamp()`.
 */
export class SoundWatch {
  #node;
  #element;
  #source;
  /** `[wall time of the first block in ms, levels in dBFS]` for every tenth of a second. */
  #batches = [];

  /** @param {number} blockSamples a multiple of 128 */
  static async open(track, blockSamples) {
    const watch = new SoundWatch();
    const audio = await context();
    const stream = new MediaStream([track]);
    watch.#element = Object.assign(new Audio(), { muted: true, srcObject: stream });
    watch.#element.play().catch(() => {});
    watch.#source = audio.createMediaStreamSource(stream);
    watch.#node = new AudioWorkletNode(audio, 'levels', { processorOptions: { blockSamples } });
    watch.#node.port.onmessage = ({ data: { firstFrame, levels } }) => {
      const { contextTime, performanceTime } = audio.getOutputTimestamp();
      const aheadMs = (firstFrame / RATE_HZ - contextTime) * 1000;
      watch.#batches.push([wallMs(performanceTime + aheadMs), levels]);
    };
    watch.blockMs = (blockSamples * 1000) / RATE_HZ;
    watch.#source.connect(watch.#node).connect(audio.destination);
    return watch;
  }

  /** Wall time of the first block since a wall time that is louder than a level; undefined while there is none. */
  firstLoudMs(sinceMs, dbfs) {
    for (const [atMs, levels] of this.#batches) {
      const at = levels.findIndex((level, i) => atMs + i * this.blockMs >= sinceMs && level > dbfs);
      if (at >= 0) return atMs + at * this.blockMs;
    }
    return undefined;
  }

  levels() {
    return { blockMs: this.blockMs, batches: this.#batches };
  }

  /** Forgets what was heard. */
  restart() {
    this.#batches = [];
  }

  close() {
    this.#node.disconnect();
    this.#source.disconnect();
    this.#element.srcObject = null;
  }
}
