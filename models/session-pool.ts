import { availableParallelism } from 'node:os';
import { LivedubError } from '../pipeline/errors.ts';
import type { EngineCall } from '../pipeline/ports/engine.ts';

/** What happens to a job that finds the queue full. */
export type PoolOverflow =
  /** The newcomer fails. */
  | 'reject'
  /** The job that would run last fails, so that a live job displaces a waiting upload. */
  | 'shed-last';

export interface SessionPoolOptions {
  /** Jobs that run at once over all engines. Default: the number of cores. */
  readonly concurrency?: number;
  /** Jobs that may wait. Default 256. */
  readonly limit?: number;
  /** Default `shed-last`. */
  readonly overflow?: PoolOverflow;
  /** Monotonic clock, ms. Default `performance.now`. */
  readonly nowMs?: () => number;
}

/** Who asks, and how many of its jobs its sessions can run side by side. */
export interface PoolLane {
  /** Name in the statistics, e.g. `moonshine-tiny-en`. */
  readonly engine: string;
  /** Jobs of this engine that run at once. Default 1: one session, one thread. */
  readonly atMost?: number;
}

/** Handed to a running job. */
export interface PoolSlot {
  readonly signal: AbortSignal;
  /** Books time spent in native compute; an upper bound of the CPU time it took. */
  addComputeMs(ms: number): void;
}

export interface EngineUse {
  jobs: number;
  /** From joining the queue to starting. */
  waitedMs: number;
  /** While holding a slot. */
  wallMs: number;
  /** In native compute on one thread: what the engine itself costs. */
  cpuMs: number;
}

export interface SessionPoolStats {
  readonly waiting: number;
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly shed: number;
  readonly engines: Readonly<Record<string, Readonly<EngineUse>>>;
}

interface Job {
  readonly order: number;
  readonly live: boolean;
  readonly deadlineMs: number;
  readonly lane: PoolLane;
  readonly queuedMs: number;
  start(): void;
  fail(error: LivedubError): void;
}

const goesBefore = (a: Job, b: Job): number =>
  a.live !== b.live
    ? a.live
      ? -1
      : 1
    : a.deadlineMs !== b.deadlineMs
      ? a.deadlineMs - b.deadlineMs
      : a.order - b.order;

/**
 * Bounds how much engine work runs at once and decides what goes next: live before upload, earlier deadline first,
 * first come first served among equals. One pool serves all channels and engines of a process.
 */
export class SessionPool {
  readonly #concurrency: number;
  readonly #limit: number;
  readonly #overflow: PoolOverflow;
  readonly #nowMs: () => number;
  readonly #waiting: Job[] = [];
  readonly #runningOf = new Map<string, number>();
  readonly #use = new Map<string, EngineUse>();
  #running = 0;
  #order = 0;
  #completed = 0;
  #failed = 0;
  #cancelled = 0;
  #shed = 0;
  #closed: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(options: SessionPoolOptions = {}) {
    this.#concurrency = Math.max(1, options.concurrency ?? availableParallelism());
    this.#limit = options.limit ?? 256;
    this.#overflow = options.overflow ?? 'shed-last';
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /**
   * Runs `work` when its turn comes. Aborting removes a waiting job at once; a running one is asked through
   * `slot.signal` and keeps its slot until it settles.
   * @throws LIVEDUB_E_ABORTED, LIVEDUB_E_CHANNEL_OVERFLOW, LIVEDUB_E_CLOSED, or whatever `work` throws
   */
  run<T>(call: EngineCall, lane: PoolLane, work: (slot: PoolSlot) => Promise<T>): Promise<T> {
    if (this.#closed)
      return Promise.reject(new LivedubError('LIVEDUB_E_CLOSED', 'The engine pool is closed.'));
    if (call.signal.aborted) return Promise.reject(this.#abortError(call.signal));
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => {
        const at = this.#waiting.indexOf(job);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        this.#cancelled++;
        reject(this.#abortError(call.signal));
      };
      const job: Job = {
        order: this.#order++,
        live: call.priority === 'live',
        deadlineMs: call.deadlineMs ?? Number.POSITIVE_INFINITY,
        lane,
        queuedMs: this.#nowMs(),
        start: () => {
          call.signal.removeEventListener('abort', onAbort);
          this.#runJob(job, call.signal, work).then(resolve, reject);
        },
        fail: (error) => {
          call.signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      call.signal.addEventListener('abort', onAbort, { once: true });
      this.#enqueue(job);
      this.#pump();
    });
  }

  stats(): SessionPoolStats {
    return {
      waiting: this.#waiting.length,
      running: this.#running,
      completed: this.#completed,
      failed: this.#failed,
      cancelled: this.#cancelled,
      shed: this.#shed,
      engines: Object.fromEntries([...this.#use].map(([engine, use]) => [engine, { ...use }])),
    };
  }

  /** Books compute of an engine that runs outside the queue (work far shorter than its place in it would take). */
  book(engine: string, cpuMs: number): void {
    const use = this.#useOf(engine);
    use.jobs++;
    use.wallMs += cpuMs;
    use.cpuMs += cpuMs;
  }

  /** Fails what waits and resolves when what runs has settled. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      for (const job of this.#waiting.splice(0)) {
        job.fail(new LivedubError('LIVEDUB_E_CLOSED', 'The engine pool was closed.'));
      }
      if (this.#running === 0) resolve();
      else this.#drained = resolve;
    });
    return this.#closed;
  }

  #enqueue(job: Job): void {
    let at = this.#waiting.length;
    while (at > 0 && goesBefore(job, this.#waiting[at - 1]!) < 0) at--;
    this.#waiting.splice(at, 0, job);
  }

  #pump(): void {
    while (this.#running < this.#concurrency) {
      const at = this.#waiting.findIndex(
        ({ lane }) => (this.#runningOf.get(lane.engine) ?? 0) < (lane.atMost ?? 1),
      );
      if (at < 0) break;
      this.#waiting.splice(at, 1)[0]!.start();
    }
    while (this.#waiting.length > this.#limit) {
      // The newcomer is the youngest, wherever its class and deadline put it.
      const at =
        this.#overflow === 'shed-last'
          ? this.#waiting.length - 1
          : this.#waiting.reduce((best, job, i) => (job.order > this.#waiting[best]!.order ? i : best), 0);
      const [job] = this.#waiting.splice(at, 1);
      this.#shed++;
      job!.fail(
        new LivedubError(
          'LIVEDUB_E_CHANNEL_OVERFLOW',
          `${this.#limit} engine jobs already wait (${this.#overflow}).`,
        ),
      );
    }
  }

  async #runJob<T>(job: Job, signal: AbortSignal, work: (slot: PoolSlot) => Promise<T>): Promise<T> {
    const { engine } = job.lane;
    const use = this.#useOf(engine);
    const startedMs = this.#nowMs();
    use.jobs++;
    use.waitedMs += startedMs - job.queuedMs;
    this.#running++;
    this.#runningOf.set(engine, (this.#runningOf.get(engine) ?? 0) + 1);
    try {
      const result = await work({
        signal,
        addComputeMs: (ms) => {
          use.cpuMs += ms;
        },
      });
      this.#completed++;
      return result;
    } catch (error) {
      if (signal.aborted) this.#cancelled++;
      else this.#failed++;
      throw error;
    } finally {
      use.wallMs += this.#nowMs() - startedMs;
      this.#running--;
      this.#runningOf.set(engine, this.#runningOf.get(engine)! - 1);
      if (this.#closed && this.#running === 0) this.#drained?.();
      this.#pump();
    }
  }

  #useOf(engine: string): EngineUse {
    let use = this.#use.get(engine);
    if (!use) {
      use = { jobs: 0, waitedMs: 0, wallMs: 0, cpuMs: 0 };
      this.#use.set(engine, use);
    }
    return use;
  }

  #abortError(signal: AbortSignal): LivedubError {
    return new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: signal.reason });
  }
}
