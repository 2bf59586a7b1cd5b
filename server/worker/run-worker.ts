import { LivedubError } from '../../pipeline/errors.ts';
import type { Progress } from '../contract.ts';
import { problemOf } from '../problem.ts';
import type { ControlPort } from './control-port.ts';
import type { DubOrder, FromWorker, JobResult, ToWorker } from './messages.ts';

export interface RunWorkerOptions {
  port: ControlPort<FromWorker, ToWorker>;
  /** Does one job; stops when `signal` aborts and leaves no process behind. */
  dub: (order: DubOrder, signal: AbortSignal, onProgress: (progress: Progress) => void) => Promise<JobResult>;
  /** Stops the worker from inside (SIGTERM). */
  signal: AbortSignal;
  /** Least time between two progress messages of one job, ms. Default 250. */
  progressEveryMs?: number;
}

/**
 * The worker's side of the control line: runs jobs as they come, until the server says stop or is gone. Resolves when
 * the last job has ended.
 */
export async function runWorker(options: RunWorkerOptions): Promise<void> {
  const { port } = options;
  const everyMs = options.progressEveryMs ?? 250;
  const jobs = new Map<string, { readonly controller: AbortController; readonly ended: Promise<void> }>();
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });

  const runJob = async (order: DubOrder, signal: AbortSignal): Promise<void> => {
    let lastMs = Number.NEGATIVE_INFINITY;
    let lastPhase = '';
    const onProgress = (progress: Progress) => {
      const nowMs = performance.now();
      if (nowMs - lastMs < everyMs && progress.phase === lastPhase) return;
      lastMs = nowMs;
      lastPhase = progress.phase;
      port.send({ kind: 'progress', jobId: order.jobId, progress });
    };
    try {
      const result = await options.dub(order, signal, onProgress);
      port.send({ kind: 'done', jobId: order.jobId, result });
    } catch (thrown) {
      const error = signal.aborted
        ? new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: thrown })
        : thrown;
      port.send({ kind: 'failed', jobId: order.jobId, error: problemOf(error) });
    }
  };

  port.onMessage((message) => {
    if (message.kind === 'stop') stop();
    else if (message.kind === 'cancel') jobs.get(message.jobId)?.controller.abort();
    else if (!jobs.has(message.order.jobId)) {
      const controller = new AbortController();
      const { jobId } = message.order;
      const ended = runJob(message.order, controller.signal).finally(() => jobs.delete(jobId));
      jobs.set(jobId, { controller, ended });
    }
  });
  // A worker without its server would dub for nobody.
  port.onClose(stop);
  if (options.signal.aborted) stop();
  else options.signal.addEventListener('abort', stop, { once: true });

  port.send({ kind: 'ready' });
  await stopped;
  for (const job of jobs.values()) job.controller.abort();
  await Promise.all([...jobs.values()].map((job) => job.ended));
}
