import type { Clock, Ticker } from './clock.ts';
import type { EncodedFrame } from './frames.ts';

export interface SilenceFillerOptions {
  clock: Clock;
  ticker: Ticker;
  /** Takes the packets made up. */
  push: (frame: EncodedFrame) => void;
  /** Packets that are late by less are still waited for, ms. Default: 700. */
  patienceMs?: number;
  /** How much silence is made up, ms: enough to close a segment. Default: 1500. */
  lengthMs?: number;
}

const TICK_MS = 20;

/**
 * Lets silence follow the last packet when an ingest stops in the middle of a sentence, so that what was said is recognised
 * and spoken although nothing comes after it.
 */
export class SilenceFiller {
  readonly #o: Required<SilenceFillerOptions>;
  readonly #stop: () => void;
  #last: EncodedFrame | undefined;
  #arrivedMs = 0;
  #madeUpMs = 0;

  constructor(options: SilenceFillerOptions) {
    this.#o = { patienceMs: 700, lengthMs: 1500, ...options };
    this.#stop = options.ticker.every(TICK_MS, () => this.#tick());
  }

  /** A real packet came. */
  saw(frame: EncodedFrame): void {
    this.#last = frame;
    this.#arrivedMs = this.#o.clock.nowMs();
    this.#madeUpMs = 0;
  }

  /** Idempotent. */
  close(): void {
    this.#stop();
  }

  #tick(): void {
    if (!this.#last) return;
    const { clock, patienceMs, lengthMs, push } = this.#o;
    const wantedMs = Math.min(lengthMs, clock.nowMs() - this.#arrivedMs - patienceMs);
    for (; this.#madeUpMs < wantedMs; this.#madeUpMs += TICK_MS) {
      const before: EncodedFrame = this.#last;
      this.#last = {
        kind: 'encoded',
        codec: 'opus',
        mediaTimeUs: before.mediaTimeUs + before.durationUs,
        durationUs: TICK_MS * 1000,
        keyframe: true,
        data: new Uint8Array(0),
      };
      push(this.#last);
    }
  }
}
