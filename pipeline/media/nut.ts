/**
 * NUT, FFmpeg's own container: the one in which it gives and takes raw pictures with exact times. Only what a single picture stream
 * needs is here, after the format's public specification.
 */

export const NUT_ID = 'nut/multimedia container\0';

/** First two bytes of what marks a packet that is no frame, and the rest of it. */
export const NUT_START = {
  main: 0x4e4d_7a56_1f5f_04adn,
  stream: 0x4e53_1140_5bf2_f9dbn,
  index: 0x4e58_dd67_2f23_e64en,
  syncpoint: 0x4e4b_e4ad_eeca_4569n,
} as const;

/** A frame's code never has this value: it begins a packet. */
export const NUT_PACKET_BYTE = 0x4e;

/** Above so many bytes a packet's length is checked by a sum of its own. */
export const NUT_SHORT_PACKET_BYTES = 4096;

/** What a frame's header holds. */
export const NUT_FLAG = {
  key: 1,
  codedPts: 8,
  streamId: 16,
  sizeMsb: 32,
  checksum: 64,
  reserved: 128,
  headerIndex: 1024,
  matchTime: 2048,
  coded: 4096,
  invalid: 8192,
} as const;

/** Seconds a tick: `numerator / denominator`. */
export interface TimeBase {
  readonly numerator: number;
  readonly denominator: number;
}

/** One stream of 8-bit 4:2:0 pictures: luma, then two planes of chroma of half the size in both directions, rounded up. */
export interface RawPictureFormat {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly timeBase: TimeBase;
  /** Shape of a pixel, 0:0 where it is not known. */
  readonly pixelAspect: { readonly horizontal: number; readonly vertical: number };
}

export interface RawPicture {
  /** In ticks of the format's time base. */
  readonly pts: number;
  readonly bytes: Uint8Array;
}

/** Bytes of one picture. */
export function pictureBytes({ widthPx, heightPx }: RawPictureFormat): number {
  return widthPx * heightPx + 2 * Math.ceil(widthPx / 2) * Math.ceil(heightPx / 2);
}

export function ticksToUs(ticks: number, { numerator, denominator }: TimeBase): number {
  return Math.round((ticks * numerator * 1e6) / denominator);
}
