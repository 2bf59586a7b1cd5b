import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { type ErrorCode, LivedubError, toLivedubError } from '../pipeline/errors.ts';
import type { EndThread } from './end-thread.ts';

export interface EngineRequest {
  readonly id: number;
  readonly kind: string;
  readonly body: unknown;
  /** One number, 1 once the caller gave up. */
  readonly cancel: Int32Array;
}

export interface EngineReply {
  readonly id: number;
  readonly computeMs: number;
  readonly result?: unknown;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

export interface HandlerContext {
  /** Call between steps. @throws LIVEDUB_E_ABORTED once the caller gave up */
  throwIfAborted(): void;
}

export interface HandlerResult {
  readonly result: unknown;
  /** Buffers that move to the caller instead of being copied. */
  readonly transfer?: readonly ArrayBuffer[];
}

export type EngineHandlers = Readonly<
  Record<string, (body: never, context: HandlerContext) => Promise<HandlerResult> | HandlerResult>
>;

/** Answers an EngineThread's requests one after another, in the order they came, until it is to end. */
export function serveEngineThread(handlers: EngineHandlers): void {
  const port = parentPort;
  if (!port) throw new LivedubError('LIVEDUB_E_INTERNAL', 'serveEngineThread must run in a worker thread.');
  let last: Promise<void> = Promise.resolve();
  port.on('message', (request: EngineRequest | EndThread) => {
    if (!('id' in request)) return void last.then(() => process.exit());
    last = last.then(async () => {
      const startedMs = threadCpuMs();
      const throwIfAborted = (): void => {
        if (Atomics.load(request.cancel, 0) === 1) {
          throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.');
        }
      };
      try {
        throwIfAborted();
        const handler = handlers[request.kind];
        if (!handler) throw new LivedubError('LIVEDUB_E_INTERNAL', `No handler for ${request.kind}.`);
        const { result, transfer } = await handler(request.body as never, { throwIfAborted });
        const reply: EngineReply = { id: request.id, computeMs: threadCpuMs() - startedMs, result };
        port.postMessage(reply, [...(transfer ?? [])]);
      } catch (thrown) {
        const { code, message } = toLivedubError(thrown, 'LIVEDUB_E_ENGINE_FAILED');
        const reply: EngineReply = {
          id: request.id,
          computeMs: threadCpuMs() - startedMs,
          error: { code, message },
        };
        port.postMessage(reply);
      }
    });
  });
}

/**
 * CPU time of the calling thread, ms: the scheduler's own count on Linux (proc_pid_schedstat, first field, ns), wall
 * time elsewhere. Wall time would charge an engine for every other program on a busy machine.
 */
export function threadCpuMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ', 1)[0]) / 1e6;
  } catch {
    return performance.now();
  }
}
