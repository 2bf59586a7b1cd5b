import { LivedubError, toLivedubError } from '../../../pipeline/errors.ts';
import type { EngineCall } from '../../../pipeline/ports/engine.ts';
import type { PoolSlot, SessionPool } from '../../session-pool.ts';

export interface BatchesOptions<Job, Result> {
  readonly pool: SessionPool;
  /** Manifest id. */
  readonly engine: string;
  /** Answers jobs, in their order. */
  readonly run: (jobs: readonly Job[], slot: PoolSlot) => Promise<readonly Result[]>;
  /** Jobs in one run. Default 8. */
  readonly most?: number;
  /** Jobs that may wait; one more is refused. Default 64. */
  readonly limit?: number;
}

interface Waiting<Job, Result> {
  readonly job: Job;
  readonly call: EngineCall;
  settle(result: Result | LivedubError): void;
}

/** Runs what several callers ask for at about the same time as one batch: live calls first, then in the order they came. */
export class Batches<Job, Result> {
  readonly #options: Required<BatchesOptions<Job, Result>>;
  #waiting: Waiting<Job, Result>[] = [];
  #pumping = false;
  #closed = false;

  constructor(options: BatchesOptions<Job, Result>) {
    this.#options = { most: 8, limit: 64, ...options };
  }

  /** @throws LIVEDUB_E_ABORTED, LIVEDUB_E_CHANNEL_OVERFLOW, LIVEDUB_E_CLOSED, or what `run` throws */
  add(job: Job, call: EngineCall): Promise<Result> {
    const { engine, limit } = this.#options;
    return new Promise<Result>((resolve, reject) => {
      if (this.#closed) return reject(closed(engine));
      if (call.signal.aborted) return reject(aborted(call.signal));
      if (this.#waiting.length >= limit) {
        return reject(
          new LivedubError('LIVEDUB_E_CHANNEL_OVERFLOW', `${limit} faces already wait for ${engine}.`),
        );
      }
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        waiting.settle(aborted(call.signal));
      };
      const waiting: Waiting<Job, Result> = {
        job,
        call,
        settle: (result) => {
          call.signal.removeEventListener('abort', onAbort);
          if (result instanceof LivedubError) reject(result);
          else resolve(result);
        },
      };
      call.signal.addEventListener('abort', onAbort, { once: true });
      const before = this.#waiting.findLastIndex(
        (other) => other.call.priority === 'live' || call.priority !== 'live',
      );
      this.#waiting.splice(before + 1, 0, waiting);
      void this.#pump();
    });
  }

  /** What waits fails. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.settle(closed(this.#options.engine));
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    // Whoever else asks in this turn of the loop comes along.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) await this.#runBatch(this.#waiting.splice(0, this.#options.most));
    this.#pumping = false;
  }

  async #runBatch(batch: readonly Waiting<Job, Result>[]): Promise<void> {
    const { pool, engine, run } = this.#options;
    // Stopped only when nobody wants any of it any more.
    const stop = new AbortController();
    let wanted = batch.length;
    const onAbort = (): void => {
      wanted--;
      if (wanted === 0) stop.abort();
    };
    for (const { call } of batch) call.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const call: EngineCall = {
        signal: stop.signal,
        priority: batch.some(({ call }) => call.priority === 'live') ? 'live' : 'upload',
      };
      const results = await pool.run(call, { engine }, (slot) =>
        run(
          batch.map(({ job }) => job),
          slot,
        ),
      );
      for (const [i, waiting] of batch.entries()) waiting.settle(results[i]!);
    } catch (thrown) {
      const error = toLivedubError(thrown, 'LIVEDUB_E_ENGINE_FAILED');
      for (const waiting of batch) waiting.settle(error);
    } finally {
      for (const { call } of batch) call.signal.removeEventListener('abort', onAbort);
    }
  }
}

const aborted = (signal: AbortSignal): LivedubError =>
  new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: signal.reason });
const closed = (engine: string): LivedubError => new LivedubError('LIVEDUB_E_CLOSED', `${engine} is closed.`);
