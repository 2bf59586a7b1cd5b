import { LivedubError } from '../../pipeline/errors.ts';
import type { EngineCall } from '../../pipeline/ports/engine.ts';
import { EngineThread, type EngineThreadOptions } from '../engine-thread.ts';
import type { SessionPool } from '../session-pool.ts';

export interface GuardedThreadOptions extends EngineThreadOptions {
  /** Queue, order and accounting of the work. */
  readonly pool: SessionPool;
  /** Name in the pool's statistics. */
  readonly engine: string;
  /** What `load` is sent when a thread starts. */
  readonly load: unknown;
  /** Longest time for one answer, ms; the thread is ended after it. Default 30 000. */
  readonly timeoutMs?: number;
  /** How long an aborted job may go on before its thread is ended, ms. Default 2000. */
  readonly abortGraceMs?: number;
}

/**
 * An engine whose code blocks its thread and may hang or crash there (wasm). The thread starts with the first request;
 * one that crashed, hung or would not stop is ended, and the next request starts another.
 */
export class GuardedThread {
  readonly #options: GuardedThreadOptions;
  #thread: Promise<EngineThread> | undefined;
  #closed = false;

  constructor(options: GuardedThreadOptions) {
    this.#options = options;
  }

  /**
   * @throws LIVEDUB_E_ABORTED, LIVEDUB_E_CLOSED, LIVEDUB_E_CHANNEL_OVERFLOW, LIVEDUB_E_ENGINE_FAILED, or the handler's
   * own error
   */
  request<T>(
    kind: string,
    body: unknown,
    call: EngineCall,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closedError());
    const { pool, engine } = this.#options;
    return pool.run(call, { engine }, async (slot) => {
      const thread = await this.#ready();
      const { result, computeMs } = await this.#guard(thread, call, (signal) =>
        thread.request<T>(kind, body, { signal, transfer }),
      );
      slot.addComputeMs(computeMs);
      return result;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const thread = await this.#thread?.catch(() => undefined);
    await thread?.close();
  }

  async #guard<T>(
    thread: EngineThread,
    call: EngineCall,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { label, timeoutMs = 30_000, abortGraceMs = 2_000 } = this.#options;
    let late: LivedubError | undefined;
    const end = (message: string): void => {
      late = new LivedubError('LIVEDUB_E_ENGINE_FAILED', `${label} ${message}`);
      void thread.kill();
    };
    const timer = setTimeout(() => end(`gave no answer within ${timeoutMs} ms.`), timeoutMs);
    let grace: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      grace = setTimeout(() => end('did not stop on request.'), abortGraceMs);
    };
    call.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await ask(call.signal);
    } catch (error) {
      const dead =
        late !== undefined || !(error instanceof LivedubError) || error.code === 'LIVEDUB_E_CLOSED';
      if (dead || (error as LivedubError).code === 'LIVEDUB_E_ENGINE_FAILED') this.#thread = undefined;
      if (dead) void thread.close();
      if (this.#closed) throw this.#closedError();
      if (call.signal.aborted) {
        throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: call.signal.reason });
      }
      throw late ?? error;
    } finally {
      clearTimeout(timer);
      clearTimeout(grace);
      call.signal.removeEventListener('abort', onAbort);
    }
  }

  #ready(): Promise<EngineThread> {
    this.#thread ??= this.#start();
    return this.#thread;
  }

  async #start(): Promise<EngineThread> {
    const { entry, label, load } = this.#options;
    const thread = new EngineThread({ entry, label });
    try {
      await thread.request('load', load);
    } catch (error) {
      this.#thread = undefined;
      await thread.close();
      throw error;
    }
    if (this.#closed) {
      await thread.close();
      throw this.#closedError();
    }
    return thread;
  }

  #closedError(): LivedubError {
    return new LivedubError('LIVEDUB_E_CLOSED', `${this.#options.label} is closed.`);
  }
}
