import { LivedubError } from './errors.ts';

/**
 * What happens when a channel is full:
 * - `block`: the writer waits (never used towards RTP);
 * - `drop-oldest`: the oldest items make room;
 * - `latest-wins`: everything waiting is replaced by the new item;
 * - `coalesce`: the newest waiting item and the new one become one, by `merge`;
 * - `fail`: the write is refused with LIVEDUB_E_CHANNEL_OVERFLOW.
 */
export type OverflowPolicy = 'block' | 'drop-oldest' | 'latest-wins' | 'coalesce' | 'fail';

export interface BoundedChannelOptions<T> {
  /** Shown in errors and metrics. */
  name: string;
  /** How much may wait, in the unit of `sizeOf` (media ms for frames of sound, items by default). */
  capacity: number;
  policy: OverflowPolicy;
  /** Size of one item. Default: 1. */
  sizeOf?: (item: T) => number;
  /** For `coalesce`: makes one item of two, or returns undefined where they cannot be joined (then the writer waits). */
  merge?: (waiting: T, incoming: T) => T | undefined;
  /** Items that wait and that the incoming one makes needless are dropped, full or not. Default: none. */
  supersedes?: (incoming: T, waiting: T) => boolean;
}

interface Waiter {
  readonly wake: () => void;
}

/**
 * A queue with a limit and a named overflow policy, for any number of writers and one reader.
 *
 * One item is always taken in when the channel is empty, even if it is larger than the capacity: nothing can get stuck.
 */
export class BoundedChannel<T> implements AsyncIterable<T> {
  readonly name: string;
  readonly capacity: number;
  readonly policy: OverflowPolicy;
  #items: T[] = [];
  #head = 0;
  #size = 0;
  #dropped = 0;
  #closed = false;
  #failure: unknown;
  #readers: Waiter[] = [];
  #writers: Waiter[] = [];
  readonly #sizeOf: (item: T) => number;
  readonly #supersedes: ((incoming: T, waiting: T) => boolean) | undefined;
  readonly #merge: ((waiting: T, incoming: T) => T | undefined) | undefined;

  constructor(options: BoundedChannelOptions<T>) {
    this.name = options.name;
    this.capacity = options.capacity;
    this.policy = options.policy;
    this.#sizeOf = options.sizeOf ?? (() => 1);
    this.#merge = options.merge;
    this.#supersedes = options.supersedes;
  }

  /** How much waits, in the unit of `sizeOf`. */
  get size(): number {
    return this.#size;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Items lost to the policy so far. */
  get dropped(): number {
    return this.#dropped;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Writes one item; with policy `block` it resolves once there is room.
   * @throws LIVEDUB_E_CLOSED after close, LIVEDUB_E_CHANNEL_OVERFLOW with policy `fail`, the signal's reason on abort
   */
  async push(item: T, signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.tryPush(item)) return;
      await this.#wait(this.#writers, signal);
    }
  }

  /** Writes one item at once; false when the channel is full and its policy is to wait. */
  tryPush(item: T): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new LivedubError('LIVEDUB_E_CLOSED', `${this.name} is closed.`);
    if (this.#supersedes) this.#dropSuperseded(item, this.#supersedes);
    const size = this.#sizeOf(item);
    if (this.length > 0 && this.#size + size > this.capacity && !this.#makeRoom(item, size)) return false;
    if (this.#coalesced) {
      this.#coalesced = false;
    } else {
      this.#items.push(item);
      this.#size += size;
    }
    this.#readers.shift()?.wake();
    return true;
  }

  #dropSuperseded(item: T, supersedes: (incoming: T, waiting: T) => boolean): void {
    const kept = this.#items.slice(this.#head).filter((waiting) => !supersedes(item, waiting));
    if (kept.length === this.length) return;
    this.#dropped += this.length - kept.length;
    this.#items = kept;
    this.#head = 0;
    this.#size = kept.reduce((sum, waiting) => sum + this.#sizeOf(waiting), 0);
  }

  #coalesced = false;

  #makeRoom(item: T, size: number): boolean {
    switch (this.policy) {
      case 'block':
        return false;
      case 'fail':
        throw new LivedubError('LIVEDUB_E_CHANNEL_OVERFLOW', `${this.name} is full (${this.capacity}).`);
      case 'latest-wins':
        this.#dropped += this.length;
        this.#items = [];
        this.#head = 0;
        this.#size = 0;
        return true;
      case 'drop-oldest':
        while (this.length > 0 && this.#size + size > this.capacity) {
          this.#take();
          this.#dropped += 1;
        }
        return true;
      case 'coalesce': {
        const last = this.#items.length - 1;
        const merged = this.#merge?.(this.#items[last] as T, item);
        if (merged === undefined) return false;
        this.#size += this.#sizeOf(merged) - this.#sizeOf(this.#items[last] as T);
        this.#items[last] = merged;
        this.#coalesced = true;
        return true;
      }
    }
  }

  /** Reads one item; undefined once the channel is closed and empty. */
  async shift(signal?: AbortSignal): Promise<T | undefined> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      if (this.length > 0) {
        const item = this.#take();
        this.#writers.shift()?.wake();
        return item;
      }
      if (this.#closed) return undefined;
      await this.#wait(this.#readers, signal);
    }
  }

  #take(): T {
    const item = this.#items[this.#head] as T;
    this.#items[this.#head] = undefined as T;
    this.#head += 1;
    this.#size -= this.#sizeOf(item);
    if (this.#head > 32 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** No more writes; what waits can still be read. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#wakeAll();
  }

  /** Ends the channel for readers and writers with an error and forgets what waits. Idempotent. */
  fail(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#closed = true;
    this.#items = [];
    this.#head = 0;
    this.#size = 0;
    this.#wakeAll();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = await this.shift();
      if (item === undefined) return;
      yield item;
    }
  }

  #wakeAll(): void {
    for (const waiter of [...this.#readers.splice(0), ...this.#writers.splice(0)]) waiter.wake();
  }

  #wait(list: Waiter[], signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = list.indexOf(waiter);
        if (at >= 0) list.splice(at, 1);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        wake: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      list.push(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
