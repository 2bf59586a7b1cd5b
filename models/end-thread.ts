import type { Worker } from 'node:worker_threads';

/** A thread that is at something for longer hangs, ms. */
const END_GRACE_MS = 10_000;

/** Asks a thread to finish what it computes, and to end. */
export interface EndThread {
  readonly kind: 'end';
}

/**
 * Ends a thread that answers EndThread by leaving. A network that is stopped while it computes would end the whole process: what is
 * computed is waited for, unless it hangs.
 */
export async function endThread(worker: Worker): Promise<void> {
  if (worker.threadId < 0) return;
  // The process must not go before it, either.
  worker.ref();
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const timer = setTimeout(() => void worker.terminate(), END_GRACE_MS);
  worker.postMessage({ kind: 'end' } satisfies EndThread);
  await exited;
  clearTimeout(timer);
}
