import type { Clock } from '../../../pipeline/clock.ts';

export interface ReleaseQueueOptions<T> {
  readonly release: (item: T) => void;
  readonly clock: Clock;
  /** `ready()` waits while the newest item lies so far in the future, ms. Default 2000. */
  readonly aheadMs?: number;
  /** Most items that wait; beyond it the oldest are released early. Default 4096. */
  readonly capacity?: number;
}

interface Waiting<T> {
  readonly mediaTimeUs: number;
  readonly item: T;
}

/** How often it is checked whether the sender's clock runs faster than ours. */
const WINDOW_MS = 10_000;
/** What is gained on our clock is worked off by so much a window, beyond so much of it. */
const STEP_MS = 20;
const TOLERANCE_MS = 150;

/**
 * Lets items out by their media time at the pace of real time. What comes in a burst at the start (it was gathered while
 * the input was looked at) stays waiting, which makes it a buffer against the network's jitter; what comes late goes out
 * at once and leaves the pace as it is.
 */
export class ReleaseQueue<T> {
  readonly #release: (item: T) => void;
  readonly #clock: Clock;
  readonly #aheadMs: number;
  readonly #capacity: number;
  readonly #waiting: Waiting<T>[] = [];
  #anchorMs: number | undefined;
  #anchorUs = 0;
  #timer: NodeJS.Timeout | undefined;
  #wakers: (() => void)[] = [];
  #closed = false;
  #windowEndMs = 0;
  #windowSlackMs = Number.POSITIVE_INFINITY;
  #firstSlackMs: number | undefined;

  constructor(options: ReleaseQueueOptions<T>) {
    this.#release = options.release;
    this.#clock = options.clock;
    this.#aheadMs = options.aheadMs ?? 2000;
    this.#capacity = options.capacity ?? 4096;
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(mediaTimeUs: number, item: T): void {
    if (this.#closed) return;
    if (this.#anchorMs === undefined) {
      this.#anchorMs = this.#clock.nowMs();
      this.#anchorUs = mediaTimeUs;
      this.#windowEndMs = this.#anchorMs + WINDOW_MS;
    }
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1]!.mediaTimeUs > mediaTimeUs) at -= 1;
    this.#waiting.splice(at, 0, { mediaTimeUs, item });
    this.#followSender(mediaTimeUs);
    while (this.#waiting.length > this.#capacity) this.#release(this.#waiting.shift()!.item);
    this.#run();
  }

  /** Resolves when more may be pushed, or when the queue is closed. */
  async ready(): Promise<void> {
    while (!this.#closed && this.#slackMs(this.#waiting.at(-1)?.mediaTimeUs) > this.#aheadMs) {
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }

  /** Resolves when everything is out, or when the queue is closed. */
  async drained(): Promise<void> {
    while (!this.#closed && this.#waiting.length > 0) {
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }

  /** Drops what waits. Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
    this.#wake();
  }

  #dueMs(mediaTimeUs: number): number {
    return this.#anchorMs! + (mediaTimeUs - this.#anchorUs) / 1000;
  }

  #slackMs(mediaTimeUs: number | undefined): number {
    return mediaTimeUs === undefined
      ? Number.NEGATIVE_INFINITY
      : this.#dueMs(mediaTimeUs) - this.#clock.nowMs();
  }

  /** A sender with a faster clock would fill the queue over the hours. */
  #followSender(mediaTimeUs: number): void {
    const slackMs = this.#slackMs(mediaTimeUs);
    this.#windowSlackMs = Math.min(this.#windowSlackMs, slackMs);
    if (this.#clock.nowMs() < this.#windowEndMs) return;
    this.#firstSlackMs ??= Math.max(0, this.#windowSlackMs);
    if (this.#windowSlackMs > this.#firstSlackMs + TOLERANCE_MS) this.#anchorMs! -= STEP_MS;
    this.#windowEndMs = this.#clock.nowMs() + WINDOW_MS;
    this.#windowSlackMs = Number.POSITIVE_INFINITY;
  }

  readonly #run = (): void => {
    clearTimeout(this.#timer);
    const nowMs = this.#clock.nowMs();
    let released = false;
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      if (this.#dueMs(head.mediaTimeUs) > nowMs + 0.5) break;
      this.#waiting.shift();
      released = true;
      this.#release(head.item);
      if (this.#closed) return;
    }
    if (released) this.#wake();
    const next = this.#waiting[0];
    if (next === undefined) return;
    this.#timer = setTimeout(this.#run, Math.max(1, this.#dueMs(next.mediaTimeUs) - nowMs));
  };

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }
}
