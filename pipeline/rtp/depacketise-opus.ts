import type { EncodedFrame } from '../frames.ts';
import type { RtpPacketInfo } from './rtp-packet.ts';

/** Turns the ordered RTP packets of one track into whole encoded frames. */
export interface Depacketiser {
  /** The next packet in order, with the media time of its RTP timestamp. */
  push(packet: RtpPacketInfo, mediaTimeUs: number): void;
  /** Packets before the next one are missing: a frame begun is incomplete. */
  gap(): void;
  /** The end of the track. */
  flush(): void;
}

export interface DepacketiserOptions {
  readonly onFrame: (frame: EncodedFrame) => void;
  /** A frame was given up because part of it is missing. Default: nothing. */
  readonly onDropped?: (mediaTimeUs: number) => void;
}

/** RFC 7587: one packet is one frame. */
export class OpusDepacketiser implements Depacketiser {
  readonly #onFrame: (frame: EncodedFrame) => void;

  constructor(options: DepacketiserOptions) {
    this.#onFrame = options.onFrame;
  }

  push(packet: RtpPacketInfo, mediaTimeUs: number): void {
    if (packet.payload.length === 0) return;
    this.#onFrame({
      kind: 'encoded',
      codec: 'opus',
      mediaTimeUs,
      durationUs: opusDurationUs(packet.payload),
      keyframe: true,
      data: packet.payload,
    });
  }

  gap(): void {}

  flush(): void {}
}

/** Frame lengths of SILK, hybrid and CELT configurations in µs (RFC 6716 §3.1, table 2). */
const SILK_US = [10_000, 20_000, 40_000, 60_000] as const;
const CELT_US = [2500, 5000, 10_000, 20_000] as const;

/** Media duration of an Opus packet, from its table-of-contents byte; 0 for one that breaks RFC 6716. */
export function opusDurationUs(data: Uint8Array): number {
  const toc = data[0];
  if (toc === undefined) return 0;
  const config = toc >> 3;
  const frameUs =
    config < 12
      ? SILK_US[config & 3]!
      : config < 16
        ? (config & 1) === 0
          ? 10_000
          : 20_000
        : CELT_US[config & 3]!;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (data[1] ?? 0) & 0x3f;
  return frameUs * frames;
}
