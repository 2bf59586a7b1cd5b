import { setTimeout as sleep } from 'node:timers/promises';
import { toLivedubError } from '../../../pipeline/errors.ts';
import { FaceThread, type FaceThreadOptions } from '../../face/face-thread-client.ts';

export interface SharedFaceThreadOptions {
  /** Aborting ends the thread. */
  readonly signal: AbortSignal;
  /** See FaceThreadOptions. Not told by an `open` of the caller's own. */
  readonly onMoved?: FaceThreadOptions['onMoved'];
  /** Default: FaceThread.open. */
  readonly open?: (signal: AbortSignal) => Promise<FaceThread>;
  /** The thread is ended when nobody has used it for so long, ms. Default 10 000. */
  readonly idleMs?: number;
}

const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
/** A thread that lived for so long was no failure to begin with, ms. */
const STEADY_MS = 60_000;

/** The one face thread of a worker, for all its channels: there while somebody uses it, and again when it has died. */
export class SharedFaceThread {
  readonly #signal: AbortSignal;
  readonly #open: (signal: AbortSignal) => Promise<FaceThread>;
  readonly #idleMs: number;
  readonly #users = new Set<object>();
  #thread: Promise<FaceThread> | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Settles when those that were told to end have: a process that goes before them crashes. */
  #ending: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #retryAtMs = 0;

  constructor(options: SharedFaceThreadOptions) {
    this.#signal = options.signal;
    const { onMoved } = options;
    this.#open = options.open ?? ((signal) => FaceThread.open({ signal, ...(onMoved ? { onMoved } : {}) }));
    this.#idleMs = options.idleMs ?? 10_000;
  }

  /**
   * The thread, for as long as `user` does not `release` it. Waits a while after one that failed.
   * @throws why it cannot be opened; the signal's reason
   */
  async acquire(user: object, signal: AbortSignal): Promise<FaceThread> {
    signal.throwIfAborted();
    this.#users.add(user);
    clearTimeout(this.#idle);
    const waitMs = this.#retryAtMs - performance.now();
    if (this.#thread === undefined && waitMs > 0) await sleep(waitMs, undefined, { signal });
    signal.throwIfAborted();
    this.#thread ??= this.#start();
    return await this.#thread;
  }

  /** Idempotent. */
  release(user: object): void {
    if (!this.#users.delete(user) || this.#users.size > 0) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#end(), this.#idleMs);
    this.#idle.unref();
  }

  /** Ends the thread. Idempotent. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#end();
    await this.#ending;
  }

  #start(): Promise<FaceThread> {
    const startedMs = performance.now();
    const thread = this.#open(this.#signal);
    const gone = (mayComeBack: boolean): void => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      if (performance.now() - startedMs > STEADY_MS) this.#failures = 0;
      // What is missing does not come by trying again soon.
      const waitMs = mayComeBack ? MIN_RETRY_MS * 2 ** this.#failures : MAX_RETRY_MS;
      this.#retryAtMs = performance.now() + Math.min(MAX_RETRY_MS, waitMs);
      this.#failures += 1;
    };
    thread.then(
      (opened) => {
        const { died } = opened;
        const bury = () => {
          gone(true);
          this.#ending = Promise.all([this.#ending, opened.close()]);
        };
        if (died.aborted) bury();
        else died.addEventListener('abort', bury, { once: true });
      },
      (error: unknown) => gone(toLivedubError(error).retryable),
    );
    return thread;
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.then(
      (opened) => opened.close(),
      () => undefined,
    );
  }
}
