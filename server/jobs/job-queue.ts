import { LivedubError } from '../../pipeline/errors.ts';

export interface JobQueueOptions {
  /** Jobs that may wait. Default 16. */
  limit?: number;
  /** Jobs that run side by side. Default 1. */
  concurrency?: number;
}

interface Entry {
  readonly run: () => Promise<void>;
  readonly drop: () => void;
}

/** First come, first served, with a limit on how many may wait. */
export class JobQueue {
  readonly #limit: number;
  readonly #concurrency: number;
  readonly #waiting: Entry[] = [];
  #running = 0;
  #closed = false;
  readonly #idle: (() => void)[] = [];

  constructor(options: JobQueueOptions = {}) {
    this.#limit = options.limit ?? 16;
    this.#concurrency = options.concurrency ?? 1;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  get running(): number {
    return this.#running;
  }

  /**
   * @param run does the job; must not reject
   * @param drop called instead of `run` when the job is taken out before it began
   * @returns takes the job out again; false when it runs or has ended
   * @throws LivedubError LIVEDUB_E_QUEUE_FULL, LIVEDUB_E_CLOSED
   */
  add(run: () => Promise<void>, drop: () => void): () => boolean {
    if (this.#closed) throw new LivedubError('LIVEDUB_E_CLOSED', 'The server is stopping.');
    const starts = this.#running < this.#concurrency;
    if (!starts && this.#waiting.length >= this.#limit) {
      throw new LivedubError('LIVEDUB_E_QUEUE_FULL', `The queue is full: ${this.#limit} jobs are waiting.`);
    }
    const entry: Entry = { run, drop };
    if (starts) void this.#start(entry);
    else this.#waiting.push(entry);
    return () => this.#takeOut(entry);
  }

  /** Drops what waits; resolves when what runs has ended. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const entry of this.#waiting.splice(0)) entry.drop();
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #takeOut(entry: Entry): boolean {
    const index = this.#waiting.indexOf(entry);
    if (index < 0) return false;
    this.#waiting.splice(index, 1);
    entry.drop();
    return true;
  }

  async #start(entry: Entry): Promise<void> {
    this.#running += 1;
    try {
      await entry.run();
    } finally {
      this.#running -= 1;
      const next = this.#waiting.shift();
      if (next) void this.#start(next);
      else if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
