import { vp8DescriptorBytes } from './depacketise-vp8.ts';
import type { RtpCodec } from './rtp-packet.ts';

const NAL_IDR = 5;
const NAL_SPS = 7;
const NAL_STAP_A = 24;
const NAL_FU_A = 28;

/**
 * Whether a packet's payload is the first of a keyframe: VP8 by its frame header (RFC 7741 §4.3), H.264 by the parameter
 * sets that come first, or the picture itself where they are sent apart (RFC 6184).
 */
export function isKeyframeStart(codec: RtpCodec, payload: Uint8Array): boolean {
  if (codec === 'vp8') {
    const offset = vp8DescriptorBytes(payload);
    if (offset === 0 || offset >= payload.length) return false;
    return (payload[0]! & 0x17) === 0x10 && (payload[offset]! & 1) === 0;
  }
  if (codec !== 'h264' || payload.length < 2) return false;
  const isKey = (byte: number | undefined) => {
    const type = (byte ?? 0) & 0x1f;
    return type === NAL_SPS || type === NAL_IDR;
  };
  switch (payload[0]! & 0x1f) {
    case NAL_STAP_A:
      return isKey(payload[3]);
    case NAL_FU_A:
      return (payload[1]! & 0x80) !== 0 && isKey(payload[1]);
    default:
      return isKey(payload[0]);
  }
}
