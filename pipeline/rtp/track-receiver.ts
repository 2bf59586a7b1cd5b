import type { EncodedFrame } from '../frames.ts';
import { H264Depacketiser } from './depacketise-h264.ts';
import { type Depacketiser, OpusDepacketiser } from './depacketise-opus.ts';
import { Vp8Depacketiser } from './depacketise-vp8.ts';
import { JitterBuffer, type JitterBufferOptions, type JitterBufferStats } from './jitter-buffer.ts';
import { MediaTimeMapper, type MediaTimeMapperOptions } from './media-time.ts';
import { RTP_CLOCK_HZ, type RtpCodec, type RtpPacketInfo } from './rtp-packet.ts';
import { RtpReader } from './rtp-reader.ts';
import { readSenderReports } from './sender-reporter.ts';

export interface RtpTrackReceiverOptions
  extends Omit<JitterBufferOptions, 'sink' | 'clockRateHz'>,
    Omit<MediaTimeMapperOptions, 'clockRateHz'> {
  readonly codec: RtpCodec;
  /** Payload type to take; packets of another (padding probes, RTX) are passed over. Default: any. */
  readonly payloadType?: number | undefined;
  /** Id under which abs-capture-time was negotiated. */
  readonly captureTimeId?: number | undefined;
  readonly onFrame: (frame: EncodedFrame) => void;
  /** Packets are missing for good. Default: nothing. */
  readonly onGap?: (count: number) => void;
  /** A frame was given up because part of it is missing: a keyframe is wanted. Default: nothing. */
  readonly onDropped?: (mediaTimeUs: number) => void;
  /** The source's time jumped at this media time. Default: nothing. */
  readonly onDiscontinuity?: (mediaTimeUs: number) => void;
}

/** One received track, from RTP bytes to encoded frames on media time: reader, jitter buffer, clock, depacketiser. */
export class RtpTrackReceiver {
  readonly #options: RtpTrackReceiverOptions;
  readonly #reader: RtpReader;
  readonly #jitter: JitterBuffer;
  readonly #mapper: MediaTimeMapper;
  readonly #depacketiser: Depacketiser;
  #arrivalUs = 0;
  #started = false;

  constructor(options: RtpTrackReceiverOptions) {
    const clockRateHz = RTP_CLOCK_HZ[options.codec];
    this.#options = options;
    this.#reader = new RtpReader(
      options.captureTimeId === undefined ? {} : { captureTimeId: options.captureTimeId },
    );
    this.#mapper = new MediaTimeMapper({ ...options, clockRateHz });
    this.#depacketiser = createDepacketiser(options);
    this.#jitter = new JitterBuffer({
      ...options,
      clockRateHz,
      sink: {
        packet: (packet) => this.#ordered(packet),
        gap: (_first, count) => {
          this.#depacketiser.gap();
          this.#options.onGap?.(count);
        },
      },
    });
  }

  get stats(): JitterBufferStats {
    return this.#jitter.stats;
  }

  /**
   * @param raw one RTP packet; frames keep views of it, so it must not be written to afterwards
   * @param arrivalUs arrival by an injected clock (in a replay: any that moves with the media)
   * @throws LivedubError LIVEDUB_E_BAD_REQUEST when the bytes are no RTP packet
   */
  push(raw: Uint8Array, arrivalUs: number): void {
    this.pushPacket(this.#reader.read(raw), arrivalUs);
  }

  /** As `push`, for a packet that was parsed before. */
  pushPacket(packet: RtpPacketInfo, arrivalUs: number): void {
    const { payloadType } = this.#options;
    if (payloadType !== undefined && packet.payloadType !== payloadType) return;
    this.#arrivalUs = arrivalUs;
    this.#jitter.push(packet, arrivalUs);
  }

  /** A compound RTCP packet of this track's sender. */
  rtcp(data: Uint8Array, ssrc?: number): void {
    for (const report of readSenderReports(data)) {
      if (ssrc === undefined || report.ssrc === ssrc)
        this.#mapper.senderReport(report.wallUs, report.rtpTimestamp);
    }
  }

  /** Gives up overdue packets while nothing arrives. */
  poll(nowUs: number): void {
    this.#jitter.poll(nowUs);
  }

  /** The end of the track: everything still held comes out. */
  flush(): void {
    this.#jitter.flush();
    this.#depacketiser.flush();
  }

  #ordered(packet: RtpPacketInfo): void {
    const mapped = this.#mapper.map({
      timestamp: packet.timestamp,
      captureUs: packet.captureUs,
      arrivalUs: this.#arrivalUs,
    });
    if (mapped.discontinuity && this.#started) this.#options.onDiscontinuity?.(mapped.mediaTimeUs);
    this.#started = true;
    this.#depacketiser.push(packet, mapped.mediaTimeUs);
  }
}

function createDepacketiser(options: RtpTrackReceiverOptions): Depacketiser {
  switch (options.codec) {
    case 'opus':
      return new OpusDepacketiser(options);
    case 'vp8':
      return new Vp8Depacketiser(options);
    case 'h264':
      return new H264Depacketiser(options);
  }
}
