import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineCall } from '../../../pipeline/ports/engine.ts';
import { ApertiumChain } from './chain.ts';
import type { ApertiumMode } from './modes.ts';

export interface ApertiumLaneOptions {
  readonly mode: ApertiumMode;
  /** Requests that may wait. */
  readonly queueLimit: number;
  /** Longest wait for one reply of the programs, ms. */
  readonly timeoutMs: number;
}

interface Job {
  readonly request: string;
  readonly call: EngineCall;
  resolve(reply: string): void;
  reject(error: Error): void;
}

const deadlineOf = (job: Job): number => job.call.deadlineMs ?? Number.POSITIVE_INFINITY;

/**
 * One direction with its queue: live before upload, then by deadline. The programs start with the first request and
 * are started again once when they fail under one; a request that brings down two sets of them is given up.
 */
export class ApertiumLane {
  readonly #options: ApertiumLaneOptions;
  readonly #queue: Job[] = [];
  #chain: Promise<ApertiumChain> | undefined;
  #busy = false;
  #closed = false;

  constructor(options: ApertiumLaneOptions) {
    this.#options = options;
  }

  /** Starts the programs without a request. */
  async warm(): Promise<void> {
    if (!this.#closed) await this.#ready();
  }

  /**
   * @param request one encoded request
   * @throws LIVEDUB_E_CHANNEL_OVERFLOW, LIVEDUB_E_ABORTED, LIVEDUB_E_CLOSED, LIVEDUB_E_ENGINE_FAILED
   */
  run(request: string, call: EngineCall): Promise<string> {
    const { mode, queueLimit } = this.#options;
    if (this.#closed) return Promise.reject(closedError());
    if (call.signal.aborted) return Promise.reject(abortedError(call.signal));
    if (this.#queue.length >= queueLimit) {
      return Promise.reject(
        new LivedubError(
          'LIVEDUB_E_CHANNEL_OVERFLOW',
          `${queueLimit} requests already wait for ${mode.name}.`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        const at = this.#queue.indexOf(job);
        if (at >= 0) this.#queue.splice(at, 1);
        // Where it is being answered already, the answer is waited for and dropped: replies have no names.
        reject(abortedError(call.signal));
      };
      const forget = (): void => call.signal.removeEventListener('abort', onAbort);
      const job: Job = {
        request,
        call,
        resolve: (reply) => {
          forget();
          resolve(reply);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      call.signal.addEventListener('abort', onAbort, { once: true });
      this.#insert(job);
      void this.#pump();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.reject(closedError());
    const chain = await this.#chain?.catch(() => undefined);
    chain?.close();
  }

  #insert(job: Job): void {
    const live = job.call.priority === 'live';
    const at = this.#queue.findIndex((other) => {
      const otherLive = other.call.priority === 'live';
      return live !== otherLive ? live : deadlineOf(job) < deadlineOf(other);
    });
    this.#queue.splice(at < 0 ? this.#queue.length : at, 0, job);
  }

  async #pump(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) await this.#serve(job);
    this.#busy = false;
  }

  async #serve(job: Job): Promise<void> {
    let failure: unknown;
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const chain = await this.#ready();
        return job.resolve(await chain.send(job.request));
      } catch (error) {
        if (this.#closed) return job.reject(closedError());
        if (error instanceof LivedubError) return job.reject(error);
        failure = error;
      }
    }
    const name = this.#options.mode.name;
    job.reject(
      new LivedubError('LIVEDUB_E_ENGINE_FAILED', `Apertium ${name} failed twice.`, { cause: failure }),
    );
  }

  async #ready(): Promise<ApertiumChain> {
    const known = await this.#chain?.catch(() => undefined);
    if (known !== undefined && !known.down) return known;
    const { mode, timeoutMs } = this.#options;
    this.#chain = ApertiumChain.start({ mode, timeoutMs });
    const chain = await this.#chain;
    if (this.#closed) chain.close();
    return chain;
  }
}

const closedError = (): LivedubError => new LivedubError('LIVEDUB_E_CLOSED', 'This translator is closed.');

const abortedError = (signal: AbortSignal): LivedubError =>
  new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: signal.reason });
