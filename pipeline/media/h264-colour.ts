import type { PictureColour } from '../face/picture.ts';

/** Profiles whose parameter sets say more about chroma (ITU-T H.264 §7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134]);
const EXTENDED_SAR = 255;
const MATRIX_BT709 = 1;

/**
 * How the colours of an H.264 stream are meant: what the VUI of its sequence parameter set says (ITU-T H.264 §7.3.2.1.1, §E.1.1),
 * else BT.601, limited range, as players of WebRTC take it.
 * @param sps the NAL unit with its header byte, without start code; damaged ones say nothing
 */
export function h264Colour(sps: Uint8Array): PictureColour {
  const plain: PictureColour = { matrix: 'bt601', range: 'limited' };
  try {
    const bits = new Bits(withoutEmulation(sps).subarray(1));
    skipToVui(bits);
    if (!bits.flag()) return plain;
    // The shape of a pixel, and how it may be overscanned.
    if (bits.flag() && bits.read(8) === EXTENDED_SAR) bits.read(32);
    if (bits.flag()) bits.flag();
    if (!bits.flag()) return plain;
    bits.read(3);
    const range = bits.flag() ? 'full' : 'limited';
    if (!bits.flag()) return { ...plain, range };
    bits.read(16);
    return { matrix: bits.read(8) === MATRIX_BT709 ? 'bt709' : 'bt601', range };
  } catch (error) {
    if (error instanceof RangeError) return plain;
    throw error;
  }
}

function skipToVui(bits: Bits): void {
  const profile = bits.read(8);
  bits.read(16);
  bits.golomb();
  if (HIGH_PROFILES.has(profile)) skipChroma(bits);
  bits.golomb();
  const orderType = bits.golomb();
  if (orderType === 0) bits.golomb();
  else if (orderType === 1) {
    bits.flag();
    bits.golomb();
    bits.golomb();
    for (let left = bits.golomb(); left > 0; left -= 1) bits.golomb();
  }
  bits.golomb();
  bits.flag();
  bits.golomb();
  bits.golomb();
  if (!bits.flag()) bits.flag();
  bits.flag();
  if (bits.flag()) for (let i = 0; i < 4; i += 1) bits.golomb();
}

function skipChroma(bits: Bits): void {
  const has444 = bits.golomb() === 3;
  if (has444) bits.flag();
  bits.golomb();
  bits.golomb();
  bits.flag();
  if (!bits.flag()) return;
  const sizes = [16, 16, 16, 16, 16, 16, 64, 64, ...(has444 ? [64, 64, 64, 64] : [])];
  for (const size of sizes) if (bits.read(1) === 1) skipScaling(bits, size);
}

function skipScaling(bits: Bits, count: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < count; i += 1) {
    if (next !== 0) {
      const code = bits.golomb();
      const delta = code % 2 === 1 ? (code + 1) / 2 : -code / 2;
      next = (last + delta + 256) % 256;
    }
    if (next !== 0) last = next;
  }
}

/** Takes out the bytes that keep start codes from appearing in the data. */
function withoutEmulation(data: Uint8Array): Uint8Array {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of data) {
    if (zeros >= 2 && byte === 3) zeros = 0;
    else {
      out.push(byte);
      zeros = byte === 0 ? zeros + 1 : 0;
    }
  }
  return Uint8Array.from(out);
}

class Bits {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** @throws RangeError at the end of the data */
  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      const byte = this.#data[this.#at >> 3];
      if (byte === undefined) throw new RangeError('The parameter set ends too soon.');
      value = value * 2 + ((byte >> (7 - (this.#at & 7))) & 1);
      this.#at += 1;
    }
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  /** An unsigned Exp-Golomb code. */
  golomb(): number {
    let zeros = 0;
    while (!this.flag()) {
      zeros += 1;
      if (zeros > 32) throw new RangeError('The parameter set is damaged.');
    }
    return 2 ** zeros - 1 + this.read(zeros);
  }
}
