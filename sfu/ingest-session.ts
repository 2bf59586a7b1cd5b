import type { types } from 'mediasoup';
import { LivedubError } from '../pipeline/errors.ts';
import type { RtpCodec } from '../pipeline/rtp/rtp-packet.ts';
import { acceptIngest, type IngestMedia } from './ingest-media.ts';
import { RemoteIce } from './remote-ice.ts';
import type { SfuRouter } from './router.ts';
import type { RtpTap, RtpTapOptions } from './rtp-tap.ts';
import { remoteDtlsParameters, writeAnswer } from './sdp-answer.ts';
import { parseOffer, profileLevelIdOf, type SdpOffer } from './sdp-offer.ts';
import { type TrackHealth, TrackHealthMeter } from './track-health.ts';
import { type ConnectionState, WebRtcConnection } from './webrtc-connection.ts';

export interface WhipIngestOptions {
  readonly router: SfuRouter;
  /** The publisher's SDP. */
  readonly offer: string;
  /** The channel has pictures of this codec already. Default: the publisher's first choice. */
  readonly requireVideoCodec?: 'vp8' | 'h264';
  /** Default: nothing. */
  readonly onConnectionState?: (state: ConnectionState) => void;
  /** A publisher that is not connected by then has failed, ms. Default 15 000. */
  readonly connectTimeoutMs?: number;
  /** A publisher that is `disconnected` for so long has failed, ms. Default 30 000. */
  readonly returnTimeoutMs?: number;
  /** A publisher that sends no ICE consent checks for this long is `disconnected`. Default and least 10 s. */
  readonly iceConsentTimeoutS?: number;
  /** Kept with transport and producers. */
  readonly appData?: types.AppData;
}

/** One track of a publisher. */
export interface IngestTrack {
  readonly producer: types.Producer;
  readonly codec: RtpCodec;
  /** Of H.264: what a relay of this track is to be made with. */
  readonly h264ProfileLevelId?: string;
  createTap(options?: Omit<RtpTapOptions, 'producerId'>): Promise<RtpTap>;
  /** @returns undefined before the first packet and after the end */
  health(): Promise<TrackHealth | undefined>;
}

export interface IngestStats {
  readonly audio?: TrackHealth;
  readonly video?: TrackHealth;
}

/**
 * One publisher's WebRTC session by WHIP (RFC 9725), without the HTTP: at most one sound and one picture, one layer,
 * bundled on one transport.
 */
export class WhipIngest {
  /** The SDP answer. */
  readonly answer: string;
  readonly audio: IngestTrack | undefined;
  readonly video: IngestTrack | undefined;
  readonly #transport: types.WebRtcTransport;
  readonly #connection: WebRtcConnection;
  readonly #ice: RemoteIce;

  private constructor(
    transport: types.WebRtcTransport,
    connection: WebRtcConnection,
    offer: SdpOffer,
    media: readonly IngestMedia[],
    tracks: readonly IngestTrack[],
  ) {
    this.#transport = transport;
    this.#connection = connection;
    this.#ice = new RemoteIce(transport, offer);
    this.audio = tracks.find(({ producer }) => producer.kind === 'audio');
    this.video = tracks.find(({ producer }) => producer.kind === 'video');
    this.answer = writeAnswer({ offer, accepted: media.map(({ accepted }) => accepted), transport });
  }

  /**
   * @throws LivedubError LIVEDUB_E_SDP_INVALID for what is no offer, LIVEDUB_E_SDP_UNSUPPORTED for one with nothing that
   *   can be taken, LIVEDUB_E_SFU_FAILED, LIVEDUB_E_CLOSED
   */
  static async create(options: WhipIngestOptions): Promise<WhipIngest> {
    const { router, appData = {} } = options;
    const offer = parseOffer(options.offer);
    const media = acceptIngest(offer, router.router.rtpCapabilities, options.requireVideoCodec);
    const transport = await router.createWebRtcTransport({
      appData,
      ...(options.iceConsentTimeoutS === undefined
        ? undefined
        : { iceConsentTimeoutS: options.iceConsentTimeoutS }),
    });
    const connection = new WebRtcConnection({
      transport,
      onState: options.onConnectionState,
      connectTimeoutMs: options.connectTimeoutMs ?? 15_000,
      returnTimeoutMs: options.returnTimeoutMs ?? 30_000,
    });
    try {
      const tracks = await Promise.all(
        media.map(async ({ kind, codec, rtpParameters }): Promise<IngestTrack> => {
          const producer = await transport.produce({ kind, rtpParameters, appData });
          const meter = new TrackHealthMeter(producer);
          const parameters = producer.rtpParameters.codecs[0]!.parameters ?? {};
          return {
            producer,
            codec,
            createTap: (tapOptions = {}) => router.createTap({ ...tapOptions, producerId: producer.id }),
            health: () => meter.read(),
            ...(codec === 'h264' ? { h264ProfileLevelId: profileLevelIdOf(parameters) } : undefined),
          };
        }),
      );
      await transport.connect({ dtlsParameters: remoteDtlsParameters(offer) });
      return new WhipIngest(transport, connection, offer, media, tracks);
    } catch (error) {
      connection.close();
      router.closed.throwIfAborted();
      if (error instanceof LivedubError) throw error;
      throw new LivedubError('LIVEDUB_E_SDP_UNSUPPORTED', 'The media of this offer cannot be taken.', {
        cause: error,
      });
    }
  }

  get connectionState(): ConnectionState {
    return this.#connection.state;
  }

  /** Changes with every ICE restart: what an ETag is made of. */
  get iceUfrag(): string {
    return this.#transport.iceParameters.usernameFragment;
  }

  /**
   * Takes a trickle-ICE fragment (RFC 8840, RFC 9725 §4.3).
   * @returns the answering fragment of an ICE restart; undefined for mere candidates
   * @throws LivedubError LIVEDUB_E_SDP_INVALID, LIVEDUB_E_CLOSED
   */
  patch(fragment: string): Promise<string | undefined> {
    return this.#ice.patch(fragment);
  }

  async stats(): Promise<IngestStats> {
    const [audio, video] = await Promise.all([this.audio?.health(), this.video?.health()]);
    return {
      ...(audio === undefined ? undefined : { audio }),
      ...(video === undefined ? undefined : { video }),
    };
  }

  /** Idempotent. */
  close(): void {
    this.#connection.close();
  }
}
