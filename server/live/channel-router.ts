import { LivedubError } from '../../pipeline/errors.ts';
import type { SfuRouter } from '../../sfu/router.ts';

export interface ChannelRouterOptions {
  create: (signal: AbortSignal) => Promise<SfuRouter>;
  /** It was lost with its media worker; the next one who asks gets another. Not told when the channel closes it. */
  onLost: (why: unknown) => void;
}

/** The router of one channel, made when somebody first needs it, and again when it was lost. */
export class ChannelRouter {
  readonly #o: ChannelRouterOptions;
  readonly #stop = new AbortController();
  #router: Promise<SfuRouter> | undefined;

  constructor(options: ChannelRouterOptions) {
    this.#o = options;
  }

  /** @throws LivedubError LIVEDUB_E_CLOSED, LIVEDUB_E_SFU_FAILED */
  get(): Promise<SfuRouter> {
    if (this.#stop.signal.aborted) return Promise.reject(this.#stop.signal.reason);
    this.#router ??= this.#open();
    return this.#router;
  }

  /** Ends the waiting for one; what runs on it can still be ended in order. Idempotent. */
  stop(): void {
    this.#stop.abort(new LivedubError('LIVEDUB_E_CLOSED', 'The channel is closed.'));
  }

  /** Idempotent. */
  close(): void {
    this.stop();
    void this.#router?.then((router) => router.close()).catch(() => undefined);
  }

  async #open(): Promise<SfuRouter> {
    const { signal } = this.#stop;
    try {
      const router = await this.#o.create(signal);
      if (signal.aborted) router.close();
      router.closed.throwIfAborted();
      router.closed.addEventListener('abort', () => this.#lost(router.closed.reason), { once: true });
      return router;
    } catch (error) {
      this.#router = undefined;
      throw error;
    }
  }

  #lost(why: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#router = undefined;
    this.#o.onLost(why);
  }
}
