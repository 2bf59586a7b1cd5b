import type { types } from 'mediasoup';
import { z } from 'zod';
import { LivedubError } from '../pipeline/errors.ts';
import type { SfuRouter } from './router.ts';
import { type TrackHealth, TrackHealthMeter } from './track-health.ts';
import { type ConnectionState, WebRtcConnection } from './webrtc-connection.ts';

export interface ViewerTransportOptions {
  readonly router: SfuRouter;
  /** Default: nothing. */
  readonly onConnectionState?: (state: ConnectionState) => void;
  /** Tracks whose producer has ended. Default: nothing. */
  readonly onTrackGone?: (key: string) => void;
  /** A viewer that is not connected by then has failed, ms. Default: none, its signalling connection decides. */
  readonly connectTimeoutMs?: number;
  /** A viewer that sends no ICE consent checks for this long is `disconnected`. Default and least 10 s. */
  readonly iceConsentTimeoutS?: number;
  /** Kept with the transport. */
  readonly appData?: types.AppData;
}

/** What mediasoup-client's `createRecvTransport` wants. */
export interface ViewerTransportParameters {
  readonly id: string;
  readonly iceParameters: types.IceParameters;
  readonly iceCandidates: types.IceCandidate[];
  readonly dtlsParameters: types.DtlsParameters;
}

/** What mediasoup-client's `consume` wants, for one track. */
export interface ViewerTrack {
  readonly key: string;
  /** Of the consumer. */
  readonly id: string;
  readonly producerId: string;
  readonly kind: types.MediaKind;
  readonly rtpParameters: types.RtpParameters;
}

/** As much as mediasoup relies on without looking; a browser has some twenty codecs. */
const RtpCapabilitiesSchema = z.looseObject({
  codecs: z
    .array(
      z.looseObject({
        mimeType: z.string().regex(/^(audio|video)\/.+/i),
        clockRate: z.int().positive(),
        rtcpFeedback: z
          .array(z.looseObject({ type: z.string(), parameter: z.string().optional() }))
          .max(32)
          .optional(),
      }),
    )
    .max(128),
  headerExtensions: z
    .array(z.looseObject({ uri: z.string(), preferredId: z.int() }))
    .max(64)
    .default([]),
});

interface Entry {
  readonly consumer: types.Consumer;
  readonly meter: TrackHealthMeter;
  /** As told to the media worker last, which does what it is told in order. */
  isActive: boolean;
}

/**
 * A viewer's WebRTC connection by mediasoup-client. All tracks are there from the start, paused; switching pauses and
 * resumes, so it takes one message to the media worker and no negotiation.
 */
export class ViewerTransport {
  readonly #transport: types.WebRtcTransport;
  readonly #connection: WebRtcConnection;
  readonly #options: ViewerTransportOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #making = new Map<string, Promise<ViewerTrack | undefined>>();
  #selected: ReadonlySet<string> = new Set();
  #rtpCapabilities: types.RtpCapabilities | undefined;

  private constructor(transport: types.WebRtcTransport, options: ViewerTransportOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#connection = new WebRtcConnection({
      transport,
      onState: options.onConnectionState,
      connectTimeoutMs: options.connectTimeoutMs,
    });
  }

  /** @throws LivedubError LIVEDUB_E_SFU_FAILED, LIVEDUB_E_CLOSED, LIVEDUB_E_USAGE */
  static async create(options: ViewerTransportOptions): Promise<ViewerTransport> {
    const transport = await options.router.createWebRtcTransport({
      ...(options.appData === undefined ? undefined : { appData: options.appData }),
      ...(options.iceConsentTimeoutS === undefined
        ? undefined
        : { iceConsentTimeoutS: options.iceConsentTimeoutS }),
    });
    return new ViewerTransport(transport, options);
  }

  get connectionState(): ConnectionState {
    return this.#connection.state;
  }

  get parameters(): ViewerTransportParameters {
    const { id, iceParameters, iceCandidates, dtlsParameters } = this.#transport;
    return { id, iceParameters, iceCandidates, dtlsParameters };
  }

  /** The tracks made so far. */
  get tracks(): readonly ViewerTrack[] {
    return [...this.#entries].map(([key, { consumer }]) => describe(key, consumer));
  }

  /**
   * What the viewer can receive, and the tracks to make for it; those it cannot receive are left out.
   * @throws LivedubError LIVEDUB_E_BAD_REQUEST for capabilities that are none
   */
  async join(
    rtpCapabilities: types.RtpCapabilities,
    producers: ReadonlyMap<string, types.Producer>,
  ): Promise<readonly ViewerTrack[]> {
    const checked = RtpCapabilitiesSchema.safeParse(rtpCapabilities);
    if (!checked.success) {
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'These RTP capabilities cannot be used.', {
        cause: checked.error,
      });
    }
    this.#rtpCapabilities = checked.data as unknown as types.RtpCapabilities;
    const made = await Promise.all([...producers].map(([key, producer]) => this.addProducer(key, producer)));
    return made.flatMap((track) => (track === undefined ? [] : [track]));
  }

  /**
   * mediasoup-client's `connect`.
   * @throws LivedubError LIVEDUB_E_BAD_REQUEST, also for a second call
   */
  async connect(dtlsParameters: types.DtlsParameters): Promise<void> {
    try {
      await this.#transport.connect({ dtlsParameters });
    } catch (error) {
      this.#options.router.closed.throwIfAborted();
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'These DTLS parameters cannot be used.', {
        cause: error,
      });
    }
  }

  /**
   * Makes a paused track; a selected one starts at once. A key that has a track keeps it.
   * @returns undefined when the viewer cannot receive it, or has not joined
   * @throws LivedubError LIVEDUB_E_BAD_REQUEST for capabilities that are none
   */
  addProducer(key: string, producer: types.Producer): Promise<ViewerTrack | undefined> {
    const known = this.#entries.get(key);
    if (known !== undefined) return Promise.resolve(describe(key, known.consumer));
    let making = this.#making.get(key);
    if (making === undefined) {
      making = this.#make(key, producer).finally(() => this.#making.delete(key));
      this.#making.set(key, making);
    }
    return making;
  }

  /** Idempotent. */
  removeProducer(key: string): void {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    entry?.consumer.close();
  }

  /**
   * Resumes these tracks and pauses all others; keys without a track count once it is made. Pictures that are resumed
   * begin with a keyframe, which is asked for.
   * @returns resolves when the media worker has done it
   */
  async select(keys: ReadonlySet<string>): Promise<void> {
    this.#selected = new Set(keys);
    await Promise.all([...this.#entries].map(([key, entry]) => this.#apply(key, entry)));
  }

  /** @throws LivedubError LIVEDUB_E_CLOSED */
  async restartIce(): Promise<types.IceParameters> {
    if (this.#transport.closed) throw new LivedubError('LIVEDUB_E_CLOSED', 'The viewer is gone.');
    return this.#transport.restartIce();
  }

  /** Health of the tracks that are being sent. */
  async stats(): Promise<ReadonlyMap<string, TrackHealth>> {
    const read = await Promise.all(
      [...this.#entries]
        .filter(([key]) => this.#selected.has(key))
        .map(async ([key, { meter }]) => [key, await meter.read()] as const),
    );
    return new Map(read.flatMap(([key, health]) => (health === undefined ? [] : [[key, health] as const])));
  }

  /** Idempotent. */
  close(): void {
    this.#connection.close();
    this.#entries.clear();
  }

  async #make(key: string, producer: types.Producer): Promise<ViewerTrack | undefined> {
    const rtpCapabilities = this.#rtpCapabilities;
    if (rtpCapabilities === undefined || producer.closed || this.#transport.closed) return undefined;
    try {
      if (!this.#options.router.router.canConsume({ producerId: producer.id, rtpCapabilities }))
        return undefined;
      const consumer = await this.#transport.consume({
        producerId: producer.id,
        rtpCapabilities,
        paused: true,
        appData: { key },
      });
      const entry: Entry = { consumer, meter: new TrackHealthMeter(consumer), isActive: false };
      this.#entries.set(key, entry);
      consumer.on('producerclose', () => {
        if (this.#entries.get(key)?.consumer !== consumer) return;
        this.#entries.delete(key);
        this.#options.onTrackGone?.(key);
      });
      if (this.#selected.has(key)) await this.#apply(key, entry);
      return describe(key, consumer);
    } catch (error) {
      if (this.#transport.closed || producer.closed) return undefined;
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'These RTP capabilities cannot be used.', {
        cause: error,
      });
    }
  }

  async #apply(key: string, entry: Entry): Promise<void> {
    const { consumer } = entry;
    const isWanted = this.#selected.has(key);
    if (consumer.closed || entry.isActive === isWanted) return;
    entry.isActive = isWanted;
    try {
      await (isWanted ? consumer.resume() : consumer.pause());
    } catch (error) {
      // A track that ended meanwhile has nothing to switch.
      if (!consumer.closed) throw error;
    }
  }
}

function describe(key: string, consumer: types.Consumer): ViewerTrack {
  const { id, producerId, kind, rtpParameters } = consumer;
  return { key, id, producerId, kind, rtpParameters };
}
