import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../server/contract.ts';

export interface ProgressLineOptions {
  stream: NodeJS.WriteStream;
  /** Least time between two plain lines where the stream is no terminal, ms. Default 5000. */
  plainEveryMs?: number;
}

const PHASES: Readonly<Record<Progress['phase'], string>> = {
  sample: 'making the sample clip',
  prepare: 'opening the input and the engines',
  dub: 'dubbing',
  finish: 'writing the result',
};

/** Progress of a dub: a bar with media time, speed and lag on a terminal, a plain line now and then elsewhere. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #plainEveryMs: number;
  #bar: SingleBar | undefined;
  #phase: Progress['phase'] | undefined;
  #lastPlainMs = Number.NEGATIVE_INFINITY;

  constructor(options: ProgressLineOptions) {
    this.#stream = options.stream;
    this.#plainEveryMs = options.plainEveryMs ?? 5000;
  }

  update(progress: Progress): void {
    const isNew = progress.phase !== this.#phase;
    if (isNew) {
      this.#phase = progress.phase;
      this.#closeBar();
      if (progress.phase !== 'dub') this.#stream.write(`${PHASES[progress.phase]} …\n`);
    }
    // Writing the result goes on being told where it takes long: a picture is being marked.
    if (progress.phase !== 'dub' && (isNew || progress.phase !== 'finish')) return;
    if (this.#stream.isTTY) this.#drawBar(progress);
    else this.#plain(progress);
  }

  /** Leaves the line. Idempotent. */
  end(): void {
    this.#closeBar();
  }

  #drawBar(progress: Progress): void {
    const { mediaTimeUs, durationUs } = progress;
    if (!this.#bar) {
      const format =
        durationUs === undefined
          ? '{media} · {speed}× · lag {lag} s'
          : '{bar} {media} / {total} · {speed}× · lag {lag} s';
      this.#bar = new SingleBar(
        { format, stream: this.#stream, hideCursor: true, clearOnComplete: false, barsize: 30 },
        Presets.shades_classic,
      );
      this.#bar.start(durationUs ?? 0, 0, this.#values(progress));
    }
    this.#bar.update(Math.min(mediaTimeUs, durationUs ?? mediaTimeUs), this.#values(progress));
  }

  #values({ mediaTimeUs, durationUs, speed, lagMs }: Progress): Record<string, string> {
    return {
      media: clockTime(mediaTimeUs),
      total: clockTime(durationUs ?? 0),
      speed: speed.toFixed(1),
      lag: (lagMs / 1000).toFixed(1),
    };
  }

  #plain(progress: Progress): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastPlainMs < this.#plainEveryMs) return;
    this.#lastPlainMs = nowMs;
    const { media, total, speed, lag } = this.#values(progress);
    const of = progress.durationUs === undefined ? '' : ` of ${total}`;
    if (progress.phase === 'finish') {
      this.#stream.write(`finishing the picture ${media}${of}\n`);
      return;
    }
    this.#stream.write(`dubbing ${media}${of} · ${speed}× · lag ${lag} s\n`);
  }

  #closeBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

function clockTime(us: number): string {
  const seconds = Math.floor(us / 1e6);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
