import type { types } from 'mediasoup';
import { LivedubError } from '../pipeline/errors.ts';
import { RtpFeed, type RtpFeedOptions } from './rtp-feed.ts';
import { RtpTap, type RtpTapOptions } from './rtp-tap.ts';

export interface SfuRouterOptions {
  readonly router: types.Router;
  /** The worker it lives on. */
  readonly worker: types.Worker;
  /** Where its WebRTC transports listen. Default: it has none. */
  readonly webRtcServer?: types.WebRtcServer;
}

export interface WebRtcTransportOptions {
  /** A peer that sends no ICE consent checks for this long counts as gone (RFC 7675). Default 10 s, the least possible. */
  readonly iceConsentTimeoutS?: number;
  readonly appData?: types.AppData;
}

/** One mediasoup router with the ways in and out of it. */
export class SfuRouter {
  readonly router: types.Router;
  readonly workerPid: number;
  readonly #worker: types.Worker;
  readonly #webRtcServer: types.WebRtcServer | undefined;
  readonly #closed = new AbortController();
  readonly #producers = new Map<string, types.Producer>();

  constructor(options: SfuRouterOptions) {
    const { router, worker } = options;
    this.router = router;
    this.workerPid = worker.pid;
    this.#worker = worker;
    this.#webRtcServer = options.webRtcServer;
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

  /**
   * A way to and from a browser: ICE-lite, UDP before TCP.
   * @throws LivedubError LIVEDUB_E_USAGE when the pool was started without `webRtc`
   */
  createWebRtcTransport(options: WebRtcTransportOptions = {}): Promise<types.WebRtcTransport> {
    const webRtcServer = this.#webRtcServer;
    if (webRtcServer === undefined) {
      return Promise.reject(
        new LivedubError('LIVEDUB_E_USAGE', 'The SFU was started without addresses for WebRTC.'),
      );
    }
    return this.#guard(() =>
      this.router.createWebRtcTransport({
        webRtcServer,
        enableUdp: true,
        enableTcp: true,
        preferUdp: true,
        iceConsentTimeout: options.iceConsentTimeoutS ?? 10,
        initialAvailableOutgoingBitrate: 2_000_000,
        appData: options.appData ?? {},
      }),
    );
  }

  /** A router of other codecs or payload types beside this one, on the same worker. Ends with this one. */
  async createSibling(mediaCodecs: types.RouterRtpCodecCapability[]): Promise<SfuRouter> {
    const worker = this.#worker;
    const router = await this.#guard(() => worker.createRouter({ mediaCodecs }));
    const webRtcServer = this.#webRtcServer;
    const sibling = new SfuRouter({
      router,
      worker,
      ...(webRtcServer === undefined ? undefined : { webRtcServer }),
    });
    const end = () => sibling.close();
    this.closed.addEventListener('abort', end, { once: true });
    sibling.closed.addEventListener('abort', () => this.closed.removeEventListener('abort', end), {
      once: true,
    });
    if (this.closed.aborted) sibling.close();
    return sibling;
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
