export const CRC_BITS = 16;

/** CRC-16 over bits, most significant first: polynomial 0x1021, begun with 0xFFFF, so that all zeros do not check. */
export function crc16(bits: ArrayLike<number>, count: number): number {
  let crc = 0xffff;
  for (let i = 0; i < count; i += 1) {
    const out = (crc >> 15) ^ bits[i]!;
    crc = (crc << 1) & 0xffff;
    if (out !== 0) crc ^= 0x1021;
  }
  return crc;
}
