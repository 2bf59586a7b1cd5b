import type { types } from 'mediasoup';
import { LivedubError } from '../../pipeline/errors.ts';
import type { EncodedFrame } from '../../pipeline/frames.ts';
import { MediaTimeline } from '../../pipeline/rtp/media-time.ts';
import { RTP_CLOCK_HZ, type RtpCodec, type RtpPacketInfo } from '../../pipeline/rtp/rtp-packet.ts';
import { RtpReader } from '../../pipeline/rtp/rtp-reader.ts';
import { wrap32 } from '../../pipeline/rtp/rtp-timestamp.ts';
import type { SessionTrack } from '../../pipeline/rtp/session-clock.ts';
import { RtpTrackReceiver } from '../../pipeline/rtp/track-receiver.ts';
import type { SfuRouter } from '../../sfu/router.ts';
import type { RtpTap } from '../../sfu/rtp-tap.ts';

export interface RelayedSourceOptions {
  router: SfuRouter;
  producer: types.Producer;
  originUs: number;
  /** Media time of now, µs. */
  nowUs: () => number;
  /** Ties the track to media time. Absent: its timestamps and capture times say it already (a dubbed track). */
  clock?: SessionTrack;
  /** Each packet with timestamps of the channel's timeline, as soon as it is there, in the order of arrival. */
  onPacket: (packet: RtpPacketInfo) => void;
  /** Whole frames in order. Default: none are made. */
  onFrame?: (frame: EncodedFrame) => void;
}

/** How long a frame waits for a missing packet, µs: a retransmission takes a round trip. */
const GAP_US = 150_000;
const POLL_MS = 40;

/** Reads one track of a router onto the channel's timeline: a publisher's, or a dubbed one. */
export class RelayedSource {
  readonly #tap: RtpTap;
  readonly #receiver: RtpTrackReceiver | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #packets = 0;

  private constructor(
    tap: RtpTap,
    receiver: RtpTrackReceiver | undefined,
    timer: NodeJS.Timeout | undefined,
  ) {
    this.#tap = tap;
    this.#receiver = receiver;
    this.#timer = timer;
    const stop = () => clearInterval(timer);
    tap.ended.then(stop, stop);
  }

  static async create(options: RelayedSourceOptions): Promise<RelayedSource> {
    const { router, producer, clock, nowUs } = options;
    let handle: ((raw: Buffer) => void) | undefined;
    const tap = await router.createTap({
      producerId: producer.id,
      onPacket: (raw) => handle?.(raw),
      ...(clock ? { onSenderReport: (wallUs, timestamp) => clock.senderReport(wallUs, timestamp) } : {}),
    });
    const { codec } = tap;
    if (codec === undefined) {
      tap.close();
      throw new TypeError(`No codec of ours: ${producer.rtpParameters.codecs[0]?.mimeType}`);
    }
    const receiver = options.onFrame
      ? new RtpTrackReceiver({
          codec,
          payloadType: tap.payloadType,
          timeline: new MediaTimeline({ originUs: options.originUs }),
          gapAfterArrivalUs: GAP_US,
          onFrame: options.onFrame,
          onDropped: () => void tap.requestKeyframe().catch(() => undefined),
        })
      : undefined;
    const timer = receiver ? setInterval(() => guarded(() => receiver.poll(nowUs())), POLL_MS) : undefined;
    const source = new RelayedSource(tap, receiver, timer);
    const read = placer({ ...options, codec, tap });
    handle = (raw) => {
      guarded(() => {
        const packet = read(raw);
        if (packet === undefined) return;
        source.#packets += 1;
        options.onPacket(packet);
        receiver?.pushPacket(packet, nowUs());
      });
    };
    return source;
  }

  get codec(): RtpCodec {
    return this.#tap.codec!;
  }

  /** Packets read so far. */
  get packets(): number {
    return this.#packets;
  }

  requestKeyframe(): void {
    void this.#tap.requestKeyframe().catch(() => undefined);
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
    this.#tap.close();
    this.#receiver?.flush();
  }
}

/** What a publisher sends may be anything: a packet that cannot be read is left out, and ends nothing. */
function guarded(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof LivedubError || error instanceof RangeError)) throw error;
  }
}

/** Parses packets and moves their timestamps to the channel's timeline. */
function placer(
  options: RelayedSourceOptions & { codec: RtpCodec; tap: RtpTap },
): (raw: Buffer) => RtpPacketInfo | undefined {
  const { clock, originUs, nowUs, tap } = options;
  const { payloadType, captureTimeId } = tap;
  const rateHz = RTP_CLOCK_HZ[options.codec];
  const reader = new RtpReader(clock || captureTimeId === undefined ? {} : { captureTimeId });
  return (raw) => {
    const packet = reader.read(raw);
    if (packet.payloadType !== payloadType || packet.payload.length === 0) return undefined;
    if (clock === undefined) return packet;
    const mediaTimeUs = clock.mediaTimeUs(packet.timestamp, nowUs());
    return {
      ...packet,
      timestamp: wrap32(Math.round((mediaTimeUs * rateHz) / 1e6)),
      captureUs: originUs + Math.round(mediaTimeUs),
    };
  };
}
