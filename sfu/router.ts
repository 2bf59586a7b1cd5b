import type { types } from 'mediasoup';
import { LivedubError } from '../pipeline/errors.ts';
import { RtpFeed, type RtpFeedOptions } from './rtp-feed.ts';
import { RtpTap, type RtpTapOptions } from './rtp-tap.ts';

/** One mediasoup router with the ways in and out of it that code uses. WebRTC transports are made on `router` itself. */
export class SfuRouter {
  readonly router: types.Router;
  readonly workerPid: number;
  readonly #closed = new AbortController();
  readonly #producers = new Map<string, types.Producer>();

  constructor(router: types.Router, workerPid: number) {
    this.router = router;
    this.workerPid = workerPid;
    router.observer.on('newtransport', (transport) => {
      transport.observer.on('newproducer', (producer) => {
        this.#producers.set(producer.id, producer);
        producer.observer.once('close', () => this.#producers.delete(producer.id));
      });
    });
    router.on('workerclose', () =>
      this.#closed.abort(new LivedubError('LIVEDUB_E_SFU_FAILED', 'The media worker of this router died.')),
    );
    router.observer.once('close', () => this.#closed.abort(new LivedubError('LIVEDUB_E_CLOSED', 'Closed.')));
  }

  get id(): string {
    return this.router.id;
  }

  /** Aborts when the router is closed (LIVEDUB_E_CLOSED) or lost with its worker (LIVEDUB_E_SFU_FAILED). */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** A track that code sends into the router. */
  createFeed(options: RtpFeedOptions): Promise<RtpFeed> {
    return this.#guard(() => RtpFeed.create(this.router, options));
  }

  /** A track of this router, whoever sends it. */
  producer(id: string): types.Producer | undefined {
    return this.#producers.get(id);
  }

  /** A track that code reads out of the router. */
  createTap(options: RtpTapOptions): Promise<RtpTap> {
    const producer = this.#producers.get(options.producerId);
    if (producer === undefined) {
      const error = new LivedubError(
        'LIVEDUB_E_SFU_FAILED',
        `No track ${options.producerId} on this router.`,
      );
      return Promise.reject(error);
    }
    return this.#guard(() => RtpTap.create(this.router, producer, options));
  }

  /** Closes everything on it. Idempotent. */
  close(): void {
    this.router.close();
    this.#closed.abort(new LivedubError('LIVEDUB_E_CLOSED', 'The router is closed.'));
  }

  async #guard<T>(make: () => Promise<T>): Promise<T> {
    this.closed.throwIfAborted();
    try {
      return await make();
    } catch (error) {
      this.closed.throwIfAborted();
      if (error instanceof LivedubError) throw error;
      throw new LivedubError('LIVEDUB_E_SFU_FAILED', 'The router refused.', { cause: error });
    }
  }
}
