import { levelDbfs } from '../sdk/balance.ts';

const EVERY_MS = 100;
/** A meter that falls slowly can be read. */
const FALL_DB = 3;

/** Tells the loudness of a stream's sound ten times a second until it is closed. */
export class LevelWatch {
  readonly #context = new AudioContext({ sampleRate: 48_000 });
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(stream: MediaStream, onLevel: (dbfs: number) => void) {
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 4096;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    let level = -120;
    const samples = new Float32Array(analyser.fftSize);
    void this.#context.resume().catch(() => {});
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      level = Math.max(levelDbfs(samples), level - FALL_DB);
      onLevel(level);
    }, EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    void this.#context.close().catch(() => {});
  }
}
