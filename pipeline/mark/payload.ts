/**
 * What a mark says: 64 bits, the same for sound and picture. The minute changes while a rendition plays, the rest stays.
 */
export interface MarkPayload {
  /** Which key marked it, 0…255: a check on the key that found it. */
  readonly keyId: number;
  /** Which rendition, 36 bits, as the registry issued it. */
  readonly rendition: number;
  /** Minutes since media time 0 of the rendition, 20 bits; beyond two years it begins anew. */
  readonly minute: number;
}

export const PAYLOAD_BITS = 64;
export const KEY_ID_BITS = 8;
export const RENDITION_BITS = 36;
export const MINUTE_BITS = 20;

/**
 * The payload as 64 bits, most significant first: key, rendition, minute. The minute is in Gray code, so that two neighbouring
 * minutes differ in one bit: a clip that spans both can still be read as a whole.
 */
export function packPayload({ keyId, rendition, minute }: MarkPayload): Uint8Array {
  const bits = new Uint8Array(PAYLOAD_BITS);
  const wrapped = minute % 2 ** MINUTE_BITS;
  write(bits, 0, KEY_ID_BITS, keyId);
  write(bits, KEY_ID_BITS, RENDITION_BITS, rendition);
  write(bits, KEY_ID_BITS + RENDITION_BITS, MINUTE_BITS, wrapped ^ (wrapped >> 1));
  return bits;
}

/** The reverse of `packPayload`. */
export function unpackPayload(bits: ArrayLike<number>): MarkPayload {
  let minute = read(bits, KEY_ID_BITS + RENDITION_BITS, MINUTE_BITS);
  for (let shift = 1; shift < MINUTE_BITS; shift <<= 1) minute ^= minute >> shift;
  return {
    keyId: read(bits, 0, KEY_ID_BITS),
    rendition: read(bits, KEY_ID_BITS, RENDITION_BITS),
    minute,
  };
}

/** 36 bits are more than bit operators take: numbers are split by division. */
function write(bits: Uint8Array, at: number, count: number, value: number): void {
  let rest = value;
  for (let i = at + count - 1; i >= at; i -= 1) {
    bits[i] = rest % 2;
    rest = Math.floor(rest / 2);
  }
}

function read(bits: ArrayLike<number>, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i += 1) value = value * 2 + bits[i]!;
  return value;
}
