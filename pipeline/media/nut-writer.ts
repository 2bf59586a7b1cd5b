import { NUT_FLAG, NUT_ID, NUT_START, type RawPicture, type RawPictureFormat } from './nut.ts';

/** Every picture is further from the last syncpoint than this, so each has one of its own. */
const MAX_DISTANCE_BYTES = 32_768;
/** Whole times are told from shortened ones by being above this range; none is ever shortened. */
const PTS_SHIFT = 1;

/** Writes raw 4:2:0 pictures with their times as FFmpeg reads them with `-f nut`. */
export class NutWriter {
  readonly #format: RawPictureFormat;

  constructor(format: RawPictureFormat) {
    this.#format = format;
  }

  /** What comes first, once. */
  header(): Uint8Array {
    const { widthPx, heightPx, timeBase, pixelAspect } = this.#format;
    const frameFlags = NUT_FLAG.key | NUT_FLAG.codedPts | NUT_FLAG.sizeMsb | NUT_FLAG.checksum;
    const main = [
      ...[3, 1, MAX_DISTANCE_BYTES, 1, timeBase.numerator, timeBase.denominator],
      // Code 0 is a picture, all others are nothing: flags, number of fields, then pts difference, size factor, and so on.
      ...[frameFlags, 2, 0, 1],
      ...[NUT_FLAG.invalid, 6, 0, 1, 0, 0, 0, 254],
      0,
    ];
    const stream = [
      ...[0, 0, 4, ...Buffer.from('I420')],
      ...[0, PTS_SHIFT, timeBase.denominator, 0, 0, 0],
      ...[widthPx, heightPx, pixelAspect.horizontal, pixelAspect.vertical, 0],
    ];
    return Buffer.concat([
      Buffer.from(NUT_ID, 'latin1'),
      packet(NUT_START.main, main),
      packet(NUT_START.stream, stream),
    ]);
  }

  /** What comes before a picture's own bytes. */
  pictureHeader({ pts, bytes }: RawPicture): Uint8Array {
    const frame = Buffer.from([0, ...varint(pts + 2 ** PTS_SHIFT), ...varint(bytes.length)]);
    return Buffer.concat([packet(NUT_START.syncpoint, [pts, 0]), frame, checksum(frame)]);
  }
}

/** @param values each becomes a number of variable length */
function packet(start: bigint, values: readonly number[]): Uint8Array {
  const body = Buffer.from(values.flatMap(varint));
  const begin = Buffer.alloc(8);
  begin.writeBigUInt64BE(start);
  return Buffer.concat([begin, Buffer.from(varint(body.length + 4)), body, checksum(body)]);
}

/** Seven bits a byte, the highest first. */
function varint(value: number): number[] {
  const out = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    out.unshift((rest % 128) | 128);
  }
  return out;
}

/** CRC-32 with the polynomial of Ethernet, highest bit first, from 0 and not inverted, as NUT has it. */
function checksum(bytes: Uint8Array): Uint8Array {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  }
  const out = Buffer.alloc(4);
  out.writeInt32BE(crc | 0);
  return out;
}
