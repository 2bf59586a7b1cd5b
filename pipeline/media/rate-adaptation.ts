export interface RateAdaptationOptions {
  /** Losses within a second that halve the rate. Default 3. */
  readonly maxLosses?: number;
  /** Every so many pictures one is taken at least: 2 or 4. Default 4. */
  readonly maxDivisor?: number;
  /** So long without a loss, and the rate is doubled again, ms. Doubles each time that proves too soon. Default 5000. */
  readonly recoverMs?: number;
}

const WINDOW_MS = 1000;
const MAX_RECOVER_MS = 60_000;

/** Which pictures of a stream are worked on while something is too slow for all: every one, every 2nd, or every 4th. */
export class RateAdaptation {
  readonly #maxLosses: number;
  readonly #maxDivisor: number;
  readonly #leastRecoverMs: number;
  #recoverMs: number;
  #divisor = 1;
  #count = 0;
  #losses: number[] = [];
  #changedMs = Number.NEGATIVE_INFINITY;
  #lostMs = Number.NEGATIVE_INFINITY;
  #wasRaised = false;
  #isExhausted = false;

  constructor(options: RateAdaptationOptions = {}) {
    this.#maxLosses = options.maxLosses ?? 3;
    this.#maxDivisor = options.maxDivisor ?? 4;
    this.#leastRecoverMs = options.recoverMs ?? 5000;
    this.#recoverMs = this.#leastRecoverMs;
  }

  /** Every so many pictures one is taken: 1, 2 or 4. */
  get divisor(): number {
    return this.#divisor;
  }

  /** Even the lowest rate is too much. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** Asked for each picture: whether it is worked on. */
  takes(nowMs: number): boolean {
    const quietSinceMs = Math.max(this.#changedMs, this.#lostMs);
    if (this.#divisor > 1 && nowMs - quietSinceMs >= this.#recoverMs) {
      this.#change(this.#divisor / 2, nowMs);
      this.#wasRaised = true;
    }
    const takes = this.#count % this.#divisor === 0;
    this.#count += 1;
    return takes;
  }

  /** A picture was lost, or came too late. */
  lost(nowMs: number): void {
    this.#lostMs = nowMs;
    this.#losses = this.#losses.filter((ms) => nowMs - ms < WINDOW_MS);
    this.#losses.push(nowMs);
    if (this.#losses.length < this.#maxLosses) return;
    if (this.#divisor >= this.#maxDivisor) {
      this.#isExhausted = true;
      return;
    }
    const wasTooSoon = this.#wasRaised && nowMs - this.#changedMs < 2 * this.#leastRecoverMs;
    this.#recoverMs = wasTooSoon ? Math.min(MAX_RECOVER_MS, this.#recoverMs * 2) : this.#leastRecoverMs;
    this.#wasRaised = false;
    this.#change(this.#divisor * 2, nowMs);
  }

  /** Tries again at the lowest rate. */
  retry(nowMs: number): void {
    this.#isExhausted = false;
    this.#change(this.#maxDivisor, nowMs);
  }

  #change(divisor: number, nowMs: number): void {
    this.#divisor = divisor;
    this.#changedMs = nowMs;
    this.#losses = [];
    this.#count = 0;
  }
}
