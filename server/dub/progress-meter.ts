import type { PipelineObserver, PlacedUtterance } from '../../pipeline/observer.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { DubProgress } from './dub-file.ts';

export interface ProgressMeterOptions {
  /** 0 when the input does not say. */
  durationUs: number;
  onProgress?: (progress: DubProgress) => void;
}

/** Tells how far a dub has come: the slowest language counts. */
export class ProgressMeter implements PipelineObserver {
  readonly #o: ProgressMeterOptions;
  readonly #positions = new Map<LanguageCode, number>();
  readonly #startedMs = performance.now();
  #lagMs = 0;
  last: DubProgress = { phase: 'dub', mediaTimeUs: 0, speed: 0, lagMs: 0 };

  constructor(options: ProgressMeterOptions) {
    this.#o = options;
  }

  utterance(placed: PlacedUtterance): void {
    this.#lagMs = placed.latenessMs;
  }

  progress(language: LanguageCode, mediaTimeUs: number): void {
    this.#positions.set(language, mediaTimeUs);
    const slowestUs = Math.min(...this.#positions.values());
    const wallSeconds = (performance.now() - this.#startedMs) / 1000;
    this.last = {
      phase: 'dub',
      mediaTimeUs: slowestUs,
      ...(this.#o.durationUs > 0 ? { durationUs: this.#o.durationUs } : {}),
      speed: slowestUs / 1e6 / wallSeconds,
      lagMs: this.#lagMs,
    };
    this.#o.onProgress?.(this.last);
  }
}
