/** Absolute capture time of a packet's media (draft-ietf-avtcore-abs-capture-time). */
export const ABS_CAPTURE_TIME_URI = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

/** RTP codecs of the pipeline with their clock rates (RFC 7587, RFC 7741, RFC 6184). */
export const RTP_CLOCK_HZ = { opus: 48_000, vp8: 90_000, h264: 90_000 } as const;

export type RtpCodec = keyof typeof RTP_CLOCK_HZ;

/** What the pipeline needs of one received RTP packet. */
export interface RtpPacketInfo {
  /** 16 bits. */
  readonly sequence: number;
  /** 32 bits. */
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payloadType: number;
  readonly marker: boolean;
  /** A view of the packet's own bytes, without padding; not a copy. */
  readonly payload: Uint8Array;
  /** When this media was captured, µs since the Unix epoch by the capturer's clock, where the sender says so. */
  readonly captureUs?: number;
}
