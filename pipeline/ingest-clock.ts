import type { Clock } from './clock.ts';

export interface IngestClockOptions {
  clock: Clock;
  /** How fast "now" may be moved after the packets: µs per second. Default: 5000 (0.5 %). */
  slewUsPerSecond?: number;
  /** A difference beyond this is no drift: "now" jumps there, ms. Default: 400. */
  jumpMs?: number;
  /** The least delayed packet of this long stands for the network, ms. Default: 2000. */
  windowMs?: number;
  /** "Now" is told only so long after the first packet, ms: a backlog may come first, all at once. Default: 200. */
  settleMs?: number;
}

/**
 * Which media time is "now" on a live ingest. Follows the packets that were delayed least, slowly, so that a sender whose
 * clock runs a little fast or slow never adds up to a lag; goes on by itself when packets stop.
 */
export class IngestClock {
  readonly #clock: Clock;
  readonly #slewUsPerSecond: number;
  readonly #jumpUs: number;
  readonly #windowMs: number;
  readonly #settleMs: number;
  /** Media time minus arrival: what is added to the clock to get "now". */
  #offsetUs: number | undefined;
  #targetUs = 0;
  #firstMs = 0;
  #movedMs = 0;
  #windowStartMs = 0;
  #windowBestUs = Number.NEGATIVE_INFINITY;

  constructor(options: IngestClockOptions) {
    this.#clock = options.clock;
    this.#slewUsPerSecond = options.slewUsPerSecond ?? 5000;
    this.#jumpUs = (options.jumpMs ?? 400) * 1000;
    this.#windowMs = options.windowMs ?? 2000;
    this.#settleMs = options.settleMs ?? 200;
  }

  /** Whether a packet came yet. */
  get started(): boolean {
    return this.#offsetUs !== undefined;
  }

  /** Media time now, µs; undefined until shortly after the first packet. */
  get nowUs(): number | undefined {
    const nowMs = this.#clock.nowMs();
    if (this.#offsetUs === undefined || nowMs - this.#firstMs < this.#settleMs) return undefined;
    return this.#at(nowMs);
  }

  /**
   * Tells of a packet.
   * @param mediaTimeUs its media time
   * @param arrivalMs when it came, on the clock's scale
   */
  observe(mediaTimeUs: number, arrivalMs: number): void {
    const offsetUs = mediaTimeUs - arrivalMs * 1000;
    if (this.#offsetUs === undefined) {
      this.#offsetUs = offsetUs;
      this.#targetUs = offsetUs;
      this.#firstMs = arrivalMs;
      this.#movedMs = arrivalMs;
      this.#windowStartMs = arrivalMs;
      this.#windowBestUs = offsetUs;
      return;
    }
    this.#at(arrivalMs);
    // Nothing arrives before it was sent: a packet far ahead of "now" proves that "now" is wrong.
    if (offsetUs - this.#offsetUs > this.#jumpUs) this.#offsetUs = offsetUs;
    this.#targetUs = Math.max(this.#targetUs, offsetUs);
    this.#windowBestUs = Math.max(this.#windowBestUs, offsetUs);
    if (arrivalMs - this.#windowStartMs < this.#windowMs) return;
    this.#targetUs = this.#windowBestUs;
    if (Math.abs(this.#targetUs - this.#offsetUs) > this.#jumpUs) this.#offsetUs = this.#targetUs;
    this.#windowStartMs = arrivalMs;
    this.#windowBestUs = offsetUs;
  }

  /** Moves a little towards the packets and says what media time it is. */
  #at(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#movedMs);
    this.#movedMs = Math.max(this.#movedMs, nowMs);
    const stepUs = (elapsedMs * this.#slewUsPerSecond) / 1000;
    const offUs = this.#targetUs - this.#offsetUs!;
    this.#offsetUs! += Math.sign(offUs) * Math.min(Math.abs(offUs), stepUs);
    return Math.round(this.#offsetUs! + nowMs * 1000);
  }
}
