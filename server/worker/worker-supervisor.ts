import type { ChildProcess } from 'node:child_process';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Progress } from '../contract.ts';
import { errorFromProblem } from '../problem.ts';
import {
  type DubOrder,
  type FromWorker,
  FromWorkerSchema,
  type JobResult,
  type ToWorker,
} from './messages.ts';
import { WorkerProcess } from './worker-process.ts';

export interface WorkerSupervisorOptions {
  /** Starts one worker as leader of a process group of its own, with an IPC channel. */
  spawn: () => ChildProcess;
  /** Wait before the first restart, ms; doubles with every death in a row. Default 250. */
  restartMinMs?: number;
  /** Longest wait before a restart, ms. Default 15 000. */
  restartMaxMs?: number;
  /** A worker that lived this long counts as sound: the wait starts over. Default 30 000. */
  soundAfterMs?: number;
  /** Longest wait of a job for a worker that starts, ms. Default 60 000. */
  readyTimeoutMs?: number;
  /** After `close`, how long the worker may take before it is killed, ms. Default 3 500. */
  stopTimeoutMs?: number;
  /** One line for the operator. */
  onNotice?: (line: string) => void;
  onStateChange?: () => void;
}

export interface RunOptions {
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

interface Job extends RunOptions {
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: LivedubError) => void;
}

interface Worker {
  readonly process: WorkerProcess<ToWorker, FromWorker>;
  ready: boolean;
}

/**
 * Keeps one worker process alive. A worker that dies takes its jobs with it (they fail with
 * LIVEDUB_E_WORKER_DIED) and nothing else; the next one starts after a wait that grows with every death in a row.
 */
export class WorkerSupervisor {
  readonly #options: Required<Omit<WorkerSupervisorOptions, 'onNotice' | 'onStateChange'>> &
    WorkerSupervisorOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #readyWaiters = new Set<() => void>();
  #worker: Worker | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #deathsInRow = 0;
  #closing: Promise<void> | undefined;

  constructor(options: WorkerSupervisorOptions) {
    this.#options = {
      restartMinMs: 250,
      restartMaxMs: 15_000,
      soundAfterMs: 30_000,
      readyTimeoutMs: 60_000,
      stopTimeoutMs: 3_500,
      ...options,
    };
  }

  get state(): 'ready' | 'starting' | 'stopped' {
    if (this.#closing) return 'stopped';
    return this.#worker?.ready ? 'ready' : 'starting';
  }

  /** Process id of the worker of this moment. */
  get pid(): number | undefined {
    return this.#worker?.process.pid;
  }

  start(): void {
    if (this.#worker || this.#closing) return;
    const worker: Worker = {
      process: new WorkerProcess<ToWorker, FromWorker>({
        spawn: this.#options.spawn,
        schema: FromWorkerSchema,
        onExit: (why) => this.#onDeath(worker, why),
        onNotice: this.#options.onNotice,
      }),
      ready: false,
    };
    this.#worker = worker;
    worker.process.port.onMessage((message) => this.#onMessage(worker, message));
  }

  /** @throws LivedubError what the job failed with, LIVEDUB_E_WORKER_DIED, or LIVEDUB_E_ABORTED */
  async run(order: DubOrder, options: RunOptions): Promise<JobResult> {
    const worker = await this.#ready(options.signal);
    return await new Promise<JobResult>((resolve, reject) => {
      const cancel = () => worker.process.port.send({ kind: 'cancel', jobId: order.jobId });
      const settle = () => {
        this.#jobs.delete(order.jobId);
        options.signal.removeEventListener('abort', cancel);
      };
      this.#jobs.set(order.jobId, {
        ...options,
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      worker.process.port.send({ kind: 'dub', order });
      if (options.signal.aborted) cancel();
      else options.signal.addEventListener('abort', cancel, { once: true });
    });
  }

  /** Stops the worker and everything it started. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#restartTimer);
    this.#wakeWaiters();
    await this.#worker?.process.stop({ kind: 'stop' }, this.#options.stopTimeoutMs);
  }

  async #ready(signal: AbortSignal): Promise<Worker> {
    const untilMs = performance.now() + this.#options.readyTimeoutMs;
    while (!this.#worker?.ready) {
      if (signal.aborted || this.#closing)
        throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped before it began.');
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) throw new LivedubError('LIVEDUB_E_WORKER_DIED', 'No worker process could be started.');
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#readyWaiters.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        this.#readyWaiters.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
    return this.#worker;
  }

  #wakeWaiters(): void {
    for (const wake of [...this.#readyWaiters]) wake();
  }

  #onMessage(worker: Worker, message: FromWorker): void {
    if (message.kind === 'ready') {
      worker.ready = true;
      this.#wakeWaiters();
      this.#options.onStateChange?.();
      return;
    }
    const job = this.#jobs.get(message.jobId);
    if (!job) return;
    if (message.kind === 'progress') job.onProgress(message.progress);
    else if (message.kind === 'done') job.resolve(message.result);
    else job.reject(errorFromProblem(message.error));
  }

  #onDeath(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const job of [...this.#jobs.values()]) {
      job.reject(
        this.#closing || job.signal.aborted
          ? new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.')
          : new LivedubError('LIVEDUB_E_WORKER_DIED', `The worker process ended during this job (${why}).`),
      );
    }
    this.#options.onStateChange?.();
    if (this.#closing) return;
    if (performance.now() - worker.process.startedMs >= this.#options.soundAfterMs) this.#deathsInRow = 0;
    const waitMs = Math.min(this.#options.restartMinMs * 2 ** this.#deathsInRow, this.#options.restartMaxMs);
    this.#deathsInRow += 1;
    this.#options.onNotice?.(`worker ended (${why}); the next one starts in ${waitMs} ms`);
    this.#restartTimer = setTimeout(() => this.start(), waitMs);
  }
}
