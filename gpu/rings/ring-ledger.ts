import { LivedubError } from '../../pipeline/errors.ts';

/**
 * What happens to a writer who finds the ring full of what readers have not released: `block` makes it wait, `drop-oldest` writes on
 * and laps them.
 */
export type RingPolicy = 'block' | 'drop-oldest';

/** What went to and from the ring's memory since it was opened. On the processor a copy counts as well. */
export interface RingCounts {
  readonly uploads: number;
  readonly uploadedBytes: number;
  readonly readBacks: number;
  readonly readBackBytes: number;
  /** Slots that were written over before every reader had released them. */
  readonly dropped: number;
}

export interface RingReader {
  /** The oldest that is not released. */
  readonly next: number;
  /**
   * Waits until `count` from `next` on are there. They stay `next` until they are released.
   * @returns their first number; undefined when the ring is closed and they will never come
   * @throws LIVEDUB_E_RING_LAPPED when the first was written over; the reader then goes on with the oldest there is. What the signal
   *   says.
   */
  ready(count: number, signal: AbortSignal): Promise<number | undefined>;
  /** Lets go of all that come before. A writer that waits goes on. */
  releaseUntil(sequence: number): void;
  /** A reader that is closed holds nobody up. Idempotent. */
  close(): void;
}

/** Numbers of a ring's slots: who may write, who may read, who waits. Where their contents lie is another's business. */
export class RingLedger {
  readonly slots: number;
  readonly policy: RingPolicy;
  /** Number that the next one written will have. */
  #next = 0;
  #dropped = 0;
  #closed = false;
  /** What each reader needs first. */
  readonly #positions = new Map<RingReader, number>();
  readonly #waiting = new Set<() => void>();
  readonly #name: string;

  /** @param options.name for messages */
  constructor(options: { readonly slots: number; readonly policy: RingPolicy; readonly name: string }) {
    this.slots = options.slots;
    this.policy = options.policy;
    this.#name = options.name;
  }

  get next(): number {
    return this.#next;
  }

  get oldest(): number {
    return Math.max(0, this.#next - this.slots);
  }

  get dropped(): number {
    return this.#dropped;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether `count` can be written now. */
  hasRoom(count: number): boolean {
    if (count > this.slots) throw this.#refusal(`has ${this.slots} slots, not ${count}`);
    if (this.#closed) throw new LivedubError('LIVEDUB_E_CLOSED', `The ${this.#name} is closed.`);
    if (this.policy === 'drop-oldest') return true;
    return [...this.#positions.values()].every((position) => this.#next + count - position <= this.slots);
  }

  /** @throws LIVEDUB_E_CLOSED, what the signal says */
  async room(count: number, signal: AbortSignal): Promise<void> {
    while (!this.hasRoom(count)) await this.#changed(signal);
    signal.throwIfAborted();
  }

  /** Numbers `count` that were written; returns the first. */
  wrote(count: number): number {
    const first = this.#next;
    this.#next += count;
    const oldest = this.oldest;
    const needed = Math.min(Number.POSITIVE_INFINITY, ...this.#positions.values());
    if (needed < oldest) this.#dropped += oldest - Math.max(needed, oldest - count);
    this.#wake();
    return first;
  }

  /**
   * That these can be read.
   * @throws LIVEDUB_E_RING_LAPPED, LIVEDUB_E_BAD_REQUEST for one that was not written yet, LIVEDUB_E_CLOSED
   */
  require(first: number, count = 1): void {
    if (this.#closed) throw new LivedubError('LIVEDUB_E_CLOSED', `The ${this.#name} is closed.`);
    if (first < this.oldest) throw this.#lapped(first);
    if (first + count > this.#next) throw this.#refusal(`ends before ${this.#next}`);
  }

  /** @param from default: the next to be written */
  reader(from: number = this.#next): RingReader {
    const positions = this.#positions;
    const at = () => positions.get(reader) ?? this.#next;
    const reader: RingReader = {
      get next() {
        return at();
      },
      ready: async (count, signal) => {
        while (at() + count > this.#next && !this.#closed) await this.#changed(signal);
        signal.throwIfAborted();
        const first = at();
        if (this.#closed) return undefined;
        if (first >= this.oldest) return first;
        positions.set(reader, this.oldest);
        throw this.#lapped(first);
      },
      releaseUntil: (sequence) => {
        if (!positions.has(reader) || sequence <= at()) return;
        positions.set(reader, Math.min(sequence, this.#next));
        this.#wake();
      },
      close: () => {
        if (positions.delete(reader)) this.#wake();
      },
    };
    positions.set(reader, from);
    return reader;
  }

  close(): void {
    this.#closed = true;
    this.#positions.clear();
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #changed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  #lapped(sequence: number): LivedubError {
    const told = `The ${this.#name} begins at ${this.oldest}; ${sequence} was written over.`;
    return new LivedubError('LIVEDUB_E_RING_LAPPED', told);
  }

  #refusal(what: string): LivedubError {
    return new LivedubError('LIVEDUB_E_BAD_REQUEST', `The ${this.#name} ${what}.`);
  }
}
