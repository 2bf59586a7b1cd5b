import { type Clock, systemClock, systemTicker, type Ticker } from '../pipeline/clock.ts';

export interface DelayLineOptions<T> {
  /** How long each item waits after its arrival, ms. */
  readonly delayMs: number;
  readonly onRelease: (item: T) => void;
  /** Bytes of an item, for `maxBytes`. */
  readonly bytesOf: (item: T) => number;
  /**
   * True for the first packet of a keyframe. With it the items are pictures: after a loss nothing comes out before the
   * next keyframe. Default: items stand for themselves (sound).
   */
  readonly isKeyframeStart?: (item: T) => boolean;
  /** Pictures were dropped and no keyframe waits: one is wanted from the source. Default: nothing. */
  readonly onKeyframeWanted?: () => void;
  /** Most bytes that wait; the oldest are dropped beyond. Default 64 MiB: 15 s of 30 Mbit/s. */
  readonly maxBytes?: number;
  /** Longest span that waits, whatever `delayMs` says, ms; the oldest are dropped beyond. Default 20 000. */
  readonly maxMs?: number;
  /** How often it looks what is due, ms. Default 5. */
  readonly granularityMs?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: the system's. */
  readonly ticker?: Ticker;
}

interface Waiting<T> {
  readonly item: T;
  readonly arrivalMs: number;
  readonly bytes: number;
}

/** Lets items out a set time after they came in, in order. Bounded in bytes and ms; overflow drops the oldest, counted. */
export class DelayLine<T> {
  readonly #options: DelayLineOptions<T>;
  readonly #clock: Clock;
  readonly #ticker: Ticker;
  readonly #maxBytes: number;
  readonly #maxMs: number;
  #delayMs: number;
  #queue: Waiting<T>[] = [];
  #head = 0;
  #bytes = 0;
  #dropped = 0;
  /** Pictures only: what is next has lost its reference. */
  #needsKeyframe = false;
  #stopTicking: (() => void) | undefined;
  #closed = false;

  constructor(options: DelayLineOptions<T>) {
    this.#options = options;
    this.#delayMs = options.delayMs;
    this.#clock = options.clock ?? systemClock;
    this.#ticker = options.ticker ?? systemTicker;
    this.#maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
    this.#maxMs = options.maxMs ?? 20_000;
  }

  get delayMs(): number {
    return this.#delayMs;
  }

  /** Items that wait. */
  get length(): number {
    return this.#queue.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Items that were never let out: overflow, a shorter delay, or no reference. */
  get dropped(): number {
    return this.#dropped;
  }

  push(item: T): void {
    if (this.#closed) return;
    const bytes = this.#options.bytesOf(item);
    const nowMs = this.#clock.nowMs();
    this.#queue.push({ item, arrivalMs: nowMs, bytes });
    this.#bytes += bytes;
    let isOver = false;
    while (this.length > 1 && (this.#bytes > this.#maxBytes || nowMs - this.#first.arrivalMs > this.#maxMs)) {
      this.#dropFirst();
      isOver = true;
    }
    if (isOver) this.#lostReference();
    this.#stopTicking ??= this.#ticker.every(this.#options.granularityMs ?? 5, () => this.poll());
  }

  /**
   * Acts on what waits, too. A longer delay holds everything back by the difference. A shorter one drops at once what
   * would be overdue; of pictures also what follows up to the next keyframe.
   */
  setDelay(delayMs: number): void {
    const isShorter = delayMs < this.#delayMs;
    this.#delayMs = delayMs;
    if (!isShorter) return;
    const dueMs = this.#clock.nowMs() - delayMs;
    let isCut = false;
    while (this.length > 0 && this.#first.arrivalMs < dueMs) {
      this.#dropFirst();
      isCut = true;
    }
    if (isCut) this.#lostReference();
  }

  /** Lets out what is due. Called by its timer. */
  poll(): void {
    const dueMs = this.#clock.nowMs() - this.#delayMs;
    while (this.length > 0 && this.#first.arrivalMs <= dueMs) {
      const { item } = this.#first;
      if (this.#needsKeyframe && this.#options.isKeyframeStart?.(item) === true) this.#needsKeyframe = false;
      if (this.#needsKeyframe) {
        this.#dropFirst();
      } else {
        this.#takeFirst();
        this.#options.onRelease(item);
      }
    }
    if (this.length === 0) this.#idle();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#queue = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#idle();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.clear();
  }

  get #first(): Waiting<T> {
    return this.#queue[this.#head]!;
  }

  /** Drops up to the next keyframe that waits, and asks for one where there is none. */
  #lostReference(): void {
    const { isKeyframeStart } = this.#options;
    if (isKeyframeStart === undefined) return;
    while (this.length > 0 && !isKeyframeStart(this.#first.item)) this.#dropFirst();
    if (this.length > 0) return;
    const isNew = !this.#needsKeyframe;
    this.#needsKeyframe = true;
    if (isNew) this.#options.onKeyframeWanted?.();
  }

  #dropFirst(): void {
    this.#takeFirst();
    this.#dropped += 1;
  }

  #takeFirst(): void {
    this.#bytes -= this.#first.bytes;
    this.#head += 1;
    if (this.#head > 256 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  #idle(): void {
    this.#stopTicking?.();
    this.#stopTicking = undefined;
  }
}
