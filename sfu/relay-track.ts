import type { types } from 'mediasoup';
import {
  type RelayedPosition,
  type RelaySource,
  type RelaySourceOptions,
  RelayTimeline,
} from '../pipeline/rtp/relay-timeline.ts';
import { RTP_CLOCK_HZ, type RtpCodec } from '../pipeline/rtp/rtp-packet.ts';
import { RtpWriter } from '../pipeline/rtp/rtp-writer.ts';
import { SenderReporter } from '../pipeline/rtp/sender-reporter.ts';
import type { SfuRouter } from './router.ts';
import type { RtpFeed } from './rtp-feed.ts';
import { Throttle } from './throttle.ts';

export interface RelayTrackOptions {
  readonly router: SfuRouter;
  /** Fixed for the relay's life: a source of another codec needs another relay. */
  readonly codec: RtpCodec;
  /** Names the track within its channel, e.g. `live:video`; kept in the producer's appData as `key`. */
  readonly key: string;
  /** Tracks with one cname belong together in time. */
  readonly cname: string;
  /** Capture time of media time 0, µs since the Unix epoch. */
  readonly originUs: number;
  /** Kept with the producer. Default: only `key`. */
  readonly appData?: types.AppData;
  /**
   * Somebody needs a keyframe, or a source of pictures has just been attached. Called at most once per
   * `keyframeIntervalMs`; a request within it is put off, not lost. Default: nothing.
   */
  readonly onKeyframeRequest?: () => void;
  /** Default 500 ms. */
  readonly keyframeIntervalMs?: number;
  /** RFC 6184 profile-level-id of H.264. Default `42e01f`. */
  readonly h264ProfileLevelId?: string;
  /** Wall clock of sender reports, µs since the Unix epoch; the clock of `originUs`. Default: the machine's. */
  readonly wallUs?: () => number;
  /** Interval of sender reports. Default 1000 ms. */
  readonly reportEveryMs?: number;
}

/** What a relay needs of a packet; an RtpPacketInfo is one. */
export interface RelayPacket {
  /** 16 bits, of the source. */
  readonly sequence: number;
  /** 32 bits, of the source. */
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

export interface RelayInputOptions extends RelaySourceOptions {
  /** The first packet of a source of pictures is a keyframe's: none is asked for. Default false. */
  readonly beginsWithKeyframe?: boolean;
}

export interface RelayStats {
  readonly packets: number;
  readonly payloadBytes: number;
  /** Packets of sources that were cut off, or from before a source's first packet. */
  readonly refusedPackets: number;
}

/**
 * A track that goes on while its sources come and go: continuous sequence numbers, RTP timestamp = media time × clock
 * rate, capture time = origin + media time. Who reads it never renegotiates.
 */
export class RelayTrack {
  readonly key: string;
  readonly codec: RtpCodec;
  readonly originUs: number;
  readonly #feed: RtpFeed;
  readonly #timeline: RelayTimeline;
  readonly #writer: RtpWriter;
  readonly #reporter: SenderReporter;
  readonly #options: RelayTrackOptions;
  readonly #keyframes: Throttle;
  #isReporting = false;
  #refusedPackets = 0;

  private constructor(feed: RtpFeed, keyframes: Throttle, options: RelayTrackOptions) {
    this.key = options.key;
    this.codec = options.codec;
    this.originUs = options.originUs;
    this.#feed = feed;
    this.#keyframes = keyframes;
    this.#options = options;
    this.#timeline = new RelayTimeline({ clockRateHz: RTP_CLOCK_HZ[options.codec] });
    this.#writer = new RtpWriter(feed.packetiserOptions);
    this.#reporter = new SenderReporter({
      packetiser: {
        originUs: options.originUs,
        writer: this.#writer,
        timestampOf: (mediaTimeUs) => this.#timeline.timestampOf(mediaTimeUs),
      },
      ssrc: feed.ssrc,
      cname: options.cname,
    });
    feed.producer.observer.once('close', () => keyframes.close());
  }

  /** @throws LivedubError LIVEDUB_E_SFU_FAILED, LIVEDUB_E_CLOSED */
  static async create(options: RelayTrackOptions): Promise<RelayTrack> {
    const keyframes = new Throttle({
      intervalMs: options.keyframeIntervalMs ?? 500,
      run: () => options.onKeyframeRequest?.(),
    });
    const feed = await options.router.createFeed({
      codec: options.codec,
      cname: options.cname,
      appData: { ...options.appData, key: options.key },
      onKeyframeRequest: () => keyframes.request(),
      ...(options.h264ProfileLevelId === undefined
        ? undefined
        : { h264ProfileLevelId: options.h264ProfileLevelId }),
    });
    return new RelayTrack(feed, keyframes, options);
  }

  get producer(): types.Producer {
    return this.#feed.producer;
  }

  /** RFC 6184 profile-level-id, where one was given. */
  get h264ProfileLevelId(): string | undefined {
    return this.#options.h264ProfileLevelId;
  }

  get closed(): boolean {
    return this.#feed.closed;
  }

  get stats(): RelayStats {
    const { packets, payloadBytes } = this.#writer;
    return { packets, payloadBytes, refusedPackets: this.#refusedPackets };
  }

  /**
   * Makes a new source the one that is heard; the former is cut off. A source of pictures begins with a keyframe, which is asked for
   * unless it is there.
   */
  attach({ beginsWithKeyframe = false, ...options }: RelayInputOptions = {}): RelayInput {
    const source = this.#timeline.open(options);
    if (this.codec !== 'opus' && !beginsWithKeyframe) this.requestKeyframe();
    return new RelayInput(source, (packet, position) => this.#send(packet, position));
  }

  /** Asks for a keyframe as a player would. */
  requestKeyframe(): void {
    if (!this.closed) this.#keyframes.request();
  }

  /** Ends the track. Idempotent. */
  close(): void {
    this.#keyframes.close();
    this.#feed.close();
  }

  #send(packet: RelayPacket, position: RelayedPosition | undefined): boolean {
    if (position === undefined) {
      this.#refusedPackets += 1;
      return false;
    }
    if (this.#feed.closed) return false;
    const { payload } = packet;
    const raw = this.#writer.begin(
      payload.length,
      position.timestamp,
      packet.marker,
      this.originUs + position.mediaTimeUs,
      position.sequence,
    );
    raw.set(payload, this.#writer.headerBytes);
    this.#feed.send(raw);
    if (!this.#isReporting) {
      this.#isReporting = true;
      const { wallUs = () => Date.now() * 1000, reportEveryMs } = this.#options;
      this.#feed.startReports(this.#reporter, wallUs, reportEveryMs);
    }
    return true;
  }
}

/** One source of a relay. */
export class RelayInput {
  readonly #source: RelaySource;
  readonly #send: (packet: RelayPacket, position: RelayedPosition | undefined) => boolean;

  constructor(
    source: RelaySource,
    send: (packet: RelayPacket, position: RelayedPosition | undefined) => boolean,
  ) {
    this.#source = source;
    this.#send = send;
  }

  /** False once another source has been attached. */
  get isCurrent(): boolean {
    return this.#source.isCurrent;
  }

  /** What is added to this source's timestamps, in RTP ticks; undefined until its first packet. */
  get timestampOffset(): number | undefined {
    return this.#source.timestampOffset;
  }

  /**
   * Sends a packet at once; its payload is copied.
   * @returns false when it was refused: another source has taken over, the relay has ended, or the packet belongs before
   *   this source's first one
   */
  send(packet: RelayPacket): boolean {
    return this.#send(packet, this.#source.map(packet.sequence, packet.timestamp));
  }
}
