import { Worker } from 'node:worker_threads';
import { LivedubError, toLivedubError } from '../pipeline/errors.ts';
import { endThread } from './end-thread.ts';
import type { EngineReply, EngineRequest } from './engine-thread-serve.ts';
import { threadBundle } from './thread-bundle.ts';

export interface EngineThreadOptions {
  /** Module that calls `serveEngineThread`. */
  readonly entry: URL;
  /** Shown in errors. */
  readonly label: string;
}

export interface ThreadAnswer<T> {
  readonly result: T;
  /** Time the thread was busy with it. */
  readonly computeMs: number;
}

interface Pending {
  readonly cancel: () => void;
  resolve(answer: ThreadAnswer<unknown>): void;
  reject(error: LivedubError): void;
}

/**
 * A worker thread that owns an engine. Needed because onnxruntime-node computes on the thread that calls it: on the
 * main thread a decode would hold up packets, and two engines could never use two cores.
 */
export class EngineThread {
  readonly #worker: Worker;
  readonly #label: string;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #dead: LivedubError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: EngineThreadOptions) {
    this.#label = options.label;
    // Without the parent's options: a loader among them would be started for every thread.
    this.#worker = new Worker(threadBundle(options.entry), { execArgv: [], name: options.label });
    this.#worker.unref();
    this.#worker.on('message', (reply: EngineReply) => this.#settle(reply));
    this.#worker.on('error', (error) =>
      this.#die(
        new LivedubError('LIVEDUB_E_ENGINE_FAILED', `${this.#label} stopped: ${error.message}`, {
          cause: error,
        }),
      ),
    );
    this.#worker.on('exit', () => this.#die(closed(this.#label)));
  }

  /**
   * Asks the thread's handler `kind`. Aborting raises the flag the handler looks at between steps.
   * @throws LIVEDUB_E_ABORTED, LIVEDUB_E_CLOSED, LIVEDUB_E_ENGINE_FAILED, or the handler's own error
   */
  async request<T>(
    kind: string,
    body: unknown,
    options: { signal?: AbortSignal; transfer?: readonly ArrayBuffer[] } = {},
  ): Promise<ThreadAnswer<T>> {
    const { signal } = options;
    if (this.#dead) throw this.#dead;
    if (signal?.aborted) throw aborted(signal);
    const id = this.#nextId++;
    const cancel = new Int32Array(new SharedArrayBuffer(4));
    const onAbort = (): void => void Atomics.store(cancel, 0, 1);
    signal?.addEventListener('abort', onAbort, { once: true });
    const message: EngineRequest = { id, kind, body, cancel };
    try {
      const answer = await new Promise<ThreadAnswer<unknown>>((resolve, reject) => {
        this.#pending.set(id, { cancel: onAbort, resolve, reject });
        this.#worker.ref();
        this.#worker.postMessage(message, [...(options.transfer ?? [])]);
      });
      if (signal?.aborted) throw aborted(signal);
      return answer as ThreadAnswer<T>;
    } catch (error) {
      if (signal?.aborted) throw aborted(signal);
      throw toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED');
    } finally {
      signal?.removeEventListener('abort', onAbort);
      if (this.#pending.size === 0) this.#worker.unref();
    }
  }

  /** Ends the thread after the step it is at; what is pending fails with LIVEDUB_E_CLOSED at once. */
  close(): Promise<void> {
    if (this.#closing) return this.#closing;
    for (const { cancel } of this.#pending.values()) cancel();
    this.#die(closed(this.#label));
    this.#closing = endThread(this.#worker);
    return this.#closing;
  }

  /** Ends a thread that hangs, whatever it is at. Not for one that runs a network: that would end the process. */
  kill(): Promise<void> {
    this.#die(closed(this.#label));
    this.#closing = this.#worker.terminate().then(() => undefined);
    return this.#closing;
  }

  #settle(reply: EngineReply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    this.#pending.delete(reply.id);
    if (reply.error) {
      const { code, message } = reply.error;
      pending.reject(new LivedubError(code, message));
    } else pending.resolve({ result: reply.result, computeMs: reply.computeMs });
  }

  #die(error: LivedubError): void {
    this.#dead ??= error;
    for (const pending of this.#pending.values()) pending.reject(this.#dead);
    this.#pending.clear();
  }
}

const closed = (label: string): LivedubError => new LivedubError('LIVEDUB_E_CLOSED', `${label} is closed.`);

const aborted = (signal: AbortSignal): LivedubError =>
  new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: signal.reason });
