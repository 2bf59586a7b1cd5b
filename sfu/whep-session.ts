import type { types } from 'mediasoup';
import { LivedubError } from '../pipeline/errors.ts';
import { PayloadProfiles } from './payload-profiles.ts';
import { RemoteIce } from './remote-ice.ts';
import type { SfuRouter } from './router.ts';
import { remoteDtlsParameters, writeAnswer } from './sdp-answer.ts';
import { parseOffer, type SdpOffer } from './sdp-offer.ts';
import { type TrackHealth, TrackHealthMeter } from './track-health.ts';
import { type ConnectionState, WebRtcConnection } from './webrtc-connection.ts';
import { acceptedEgress, chooseEgress, consumerCapabilities } from './whep-media.ts';

export interface WhepSessionOptions {
  readonly router: SfuRouter;
  /** The player's SDP. */
  readonly offer: string;
  /** What it gets; a kind that the offer does not ask for, or cannot take, is left out. */
  readonly producers: { readonly audio?: types.Producer; readonly video?: types.Producer };
  /** Names the stream that sound and picture belong to. Default `livedub`. */
  readonly streamId?: string;
  /** Default: nothing. */
  readonly onConnectionState?: (state: ConnectionState) => void;
  /** A player that is not connected by then has failed, ms. Default 15 000. */
  readonly connectTimeoutMs?: number;
  /** A player that is `disconnected` for so long has failed, ms. Default 30 000. */
  readonly returnTimeoutMs?: number;
  /** A player that sends no ICE consent checks for this long is `disconnected`. Default and least 10 s. */
  readonly iceConsentTimeoutS?: number;
  /** Kept with transport and consumers. */
  readonly appData?: types.AppData;
}

/** One player's WebRTC session by WHEP, without the HTTP: one sound and one picture at most, on one transport. */
export class WhepSession {
  /** The SDP answer. */
  readonly answer: string;
  readonly #transport: types.WebRtcTransport;
  readonly #connection: WebRtcConnection;
  readonly #ice: RemoteIce;
  readonly #consumers: readonly types.Consumer[];
  readonly #meters: ReadonlyMap<types.MediaKind, TrackHealthMeter>;

  private constructor(
    transport: types.WebRtcTransport,
    connection: WebRtcConnection,
    offer: SdpOffer,
    consumers: readonly types.Consumer[],
    answer: string,
  ) {
    this.#transport = transport;
    this.#connection = connection;
    this.#ice = new RemoteIce(transport, offer);
    this.#consumers = consumers;
    this.#meters = new Map(consumers.map((consumer) => [consumer.kind, new TrackHealthMeter(consumer)]));
    this.answer = answer;
  }

  /**
   * @throws LivedubError LIVEDUB_E_SDP_INVALID for what is no offer, LIVEDUB_E_SDP_UNSUPPORTED for one that can take
   *   nothing of what there is, LIVEDUB_E_SFU_FAILED, LIVEDUB_E_CLOSED
   */
  static async create(options: WhepSessionOptions): Promise<WhepSession> {
    const { appData = {}, streamId = 'livedub' } = options;
    const offer = parseOffer(options.offer);
    const chosen = chooseEgress(offer, options.producers);
    const profile = await PayloadProfiles.of(options.router).acquire(
      chosen.map(({ producer, codec }) => ({ producer, payloadType: codec.payloadType })),
    );
    const { router } = profile;
    let transport: types.WebRtcTransport | undefined;
    try {
      transport = await router.createWebRtcTransport({
        appData,
        ...(options.iceConsentTimeoutS === undefined
          ? undefined
          : { iceConsentTimeoutS: options.iceConsentTimeoutS }),
      });
      transport.observer.once('close', profile.release);
      const made = transport;
      const consumers = await Promise.all(
        chosen.map(({ producer, media, codec }) =>
          made.consume({
            producerId: profile.producerIdOf(producer),
            rtpCapabilities: consumerCapabilities(media, codec, producer, router.router.rtpCapabilities),
            paused: true,
            appData,
            ...(media.mid === undefined ? undefined : { mid: media.mid }),
          }),
        ),
      );
      const connection = new WebRtcConnection({
        transport: made,
        connectTimeoutMs: options.connectTimeoutMs ?? 15_000,
        returnTimeoutMs: options.returnTimeoutMs ?? 30_000,
        onState: (state) => {
          // Whoever resumes pictures gets a keyframe; before there was a connection it would have been lost.
          if (state === 'connected') for (const consumer of consumers) resume(consumer);
          options.onConnectionState?.(state);
        },
      });
      endWithTracks(consumers, connection);
      await made.connect({ dtlsParameters: remoteDtlsParameters(offer) });
      const accepted = chosen.map((choice, i) => acceptedEgress(choice, consumers[i]!, streamId));
      return new WhepSession(
        made,
        connection,
        offer,
        consumers,
        writeAnswer({ offer, accepted, transport: made }),
      );
    } catch (error) {
      transport?.close();
      profile.release();
      options.router.closed.throwIfAborted();
      if (error instanceof LivedubError) throw error;
      throw new LivedubError('LIVEDUB_E_SDP_UNSUPPORTED', 'This player cannot be served.', { cause: error });
    }
  }

  get connectionState(): ConnectionState {
    return this.#connection.state;
  }

  /** Changes with every ICE restart: what an ETag is made of. */
  get iceUfrag(): string {
    return this.#transport.iceParameters.usernameFragment;
  }

  /** Which kinds it gets. */
  get kinds(): readonly types.MediaKind[] {
    return this.#consumers.map(({ kind }) => kind);
  }

  /**
   * Takes a trickle-ICE fragment (RFC 8840).
   * @returns the answering fragment of an ICE restart; undefined for mere candidates
   * @throws LivedubError LIVEDUB_E_SDP_INVALID, LIVEDUB_E_CLOSED
   */
  patch(fragment: string): Promise<string | undefined> {
    return this.#ice.patch(fragment);
  }

  async stats(): Promise<{ readonly audio?: TrackHealth; readonly video?: TrackHealth }> {
    const entries = await Promise.all(
      [...this.#meters].map(async ([kind, meter]) => [kind, await meter.read()] as const),
    );
    return Object.fromEntries(entries.filter(([, health]) => health !== undefined));
  }

  /** Idempotent. */
  close(): void {
    this.#connection.close();
  }
}

function resume(consumer: types.Consumer): void {
  if (!consumer.closed) consumer.resume().catch(() => {});
}

/** A session whose tracks have all ended has nothing left to do. */
function endWithTracks(consumers: readonly types.Consumer[], connection: WebRtcConnection): void {
  for (const consumer of consumers) {
    consumer.observer.once('close', () => {
      if (consumers.every(({ closed }) => closed)) connection.close();
    });
  }
}
