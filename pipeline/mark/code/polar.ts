/** Bits of a code word. */
export const CODE_BITS = 512;

/** Steps of the transform: 2^9 = 512. */
const LEVELS = 9;

/**
 * Polar transform in place (Arikan 2009), u to x; its own reverse. Of two halves the first becomes the sum of both, the second
 * stays: bits with high places in the order are the well protected ones.
 */
export function polarTransform(bits: Uint8Array): void {
  for (let half = 1; half < bits.length; half *= 2) {
    for (let start = 0; start < bits.length; start += 2 * half) {
      for (let i = start; i < start + half; i += 1) bits[i] = bits[i]! ^ bits[i + half]!;
    }
  }
}

/**
 * The places that carry information, ascending: those of highest weight by beta-expansion (He et al. 2017), where bit j of
 * a place's number counts 2^(j/4). It depends on no channel, which suits a mark that has to bear all kinds.
 */
export function informationPlaces(count: number): Uint16Array {
  const weight = (place: number) => {
    let sum = 0;
    for (let j = 0; j < LEVELS; j += 1) if ((place >> j) & 1) sum += 2 ** (j / 4);
    return sum;
  };
  const places = Array.from({ length: CODE_BITS }, (_, place) => place);
  places.sort((a, b) => weight(b) - weight(a) || b - a);
  return Uint16Array.from(places.slice(0, count)).sort();
}
