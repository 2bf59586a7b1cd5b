import { levelDbfs } from '../sdk/balance.ts';

const EVERY_MS = 100;

/** Tells the loudness of a stream's sound ten times a second until it is closed. */
export class LevelWatch {
  readonly #context = new AudioContext({ sampleRate: 48_000 });
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(stream: MediaStream, onLevel: (dbfs: number) => void) {
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 4096;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    void this.#context.resume().catch(() => {});
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      onLevel(levelDbfs(samples));
    }, EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    void this.#context.close().catch(() => {});
  }
}
