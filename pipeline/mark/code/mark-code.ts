import { KEY_ID_BITS, MINUTE_BITS, PAYLOAD_BITS, RENDITION_BITS } from '../payload.ts';
import { CRC_BITS, crc16 } from './crc16.ts';
import { ListDecoder } from './list-decoder.ts';
import { CODE_BITS, informationPlaces, polarTransform } from './polar.ts';

export { CODE_BITS };

const MESSAGE_BITS = PAYLOAD_BITS + CRC_BITS;
const PLACES = informationPlaces(MESSAGE_BITS);

/** A payload that a word of soft bits may mean. */
export interface DecodedPayload {
  /** 64 payload bits. */
  readonly bits: Uint8Array;
  /** The code word as signs, +1 for bit 0: what the soft bits would be like without any noise. */
  readonly code: Int8Array;
}

/**
 * The code of all marks: 64 payload bits and their CRC-16 under a polar code of 512 bits. A word may be repeated and weighted
 * at will; the decoder takes sums.
 */
export class MarkCode {
  readonly #decoders = new Map<number, ListDecoder>();

  /** 64 bits to 512 signs, +1 for a code bit 0. */
  encode(payloadBits: ArrayLike<number>): Int8Array {
    const crc = crc16(payloadBits, PAYLOAD_BITS);
    const word = new Uint8Array(CODE_BITS);
    for (let i = 0; i < PAYLOAD_BITS; i += 1) word[PLACES[i]!] = payloadBits[i]!;
    for (let i = 0; i < CRC_BITS; i += 1) word[PLACES[PAYLOAD_BITS + i]!] = (crc >> (CRC_BITS - 1 - i)) & 1;
    polarTransform(word);
    return toSigns(word);
  }

  /**
   * Takes 512 soft bits of any scale, positive for 0; gives payloads whose CRC is right, the likeliest first, often none. One
   * word of noise in two thousand passes the CRC too: judge what comes out with `judge` of soft-decision.ts.
   *
   * @param options.list Paths followed at once; more find weaker marks. Default 32.
   */
  decode(soft: Float32Array, options: { list?: number } = {}): DecodedPayload[] {
    const { list = 32 } = options;
    let decoder = this.#decoders.get(list);
    if (decoder === undefined) {
      decoder = new ListDecoder({ information: PLACES, list });
      this.#decoders.set(list, decoder);
    }
    const found: DecodedPayload[] = [];
    for (const { word } of decoder.decode(soft)) {
      const message = word.slice();
      polarTransform(message);
      const bits = Uint8Array.from(PLACES.subarray(0, PAYLOAD_BITS), (place) => message[place]!);
      let crc = 0;
      for (let i = PAYLOAD_BITS; i < MESSAGE_BITS; i += 1) crc = (crc << 1) | message[PLACES[i]!]!;
      if (crc === crc16(bits, PAYLOAD_BITS)) found.push({ bits, code: toSigns(word) });
    }
    return found;
  }
}

/**
 * What flipping one payload bit does to a code word, as signs to multiply it with. The code is linear and the constant part of the
 * CRC cancels, so it is the same whatever the payload.
 */
export function payloadBitCode(payloadBit: number): Int8Array {
  const code = new MarkCode();
  const bits = new Uint8Array(PAYLOAD_BITS);
  const before = code.encode(bits);
  bits[payloadBit] = 1;
  const after = code.encode(bits);
  return after.map((sign, i) => sign * before[i]!);
}

/**
 * Signs between the code words of two neighbouring minutes, by the bit of the Gray-coded minute in which they differ (0: the least).
 * A clip that spans a change of minute is folded as one after its soft bits past the change are multiplied with these.
 * Which bit it is, is unknown before the minute is: bit 0 every second time, bit 1 every fourth …
 */
export function minuteStepCode(bit: number): Int8Array {
  return payloadBitCode(KEY_ID_BITS + RENDITION_BITS + MINUTE_BITS - 1 - bit);
}

/** The bit of the Gray-coded minute that changes from this minute to the next. */
export function minuteStepBit(minute: number): number {
  const next = (minute % 2 ** MINUTE_BITS) + 1;
  return Math.min(MINUTE_BITS - 1, 31 - Math.clz32(next & -next));
}

function toSigns(word: Uint8Array): Int8Array {
  return Int8Array.from(word, (bit) => 1 - 2 * bit);
}
