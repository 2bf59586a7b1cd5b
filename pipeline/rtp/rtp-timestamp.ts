const WRAP_32 = 0x1_0000_0000;
const HALF_32 = 0x8000_0000;

/**
 * Turns 32-bit RTP timestamps into ones that never wrap, by taking each as the nearest to the one before it (RFC 3550
 * §A.1's idea for sequence numbers). Reordered packets and B-frames go back a little and stay right.
 */
export class RtpTimestampUnwrapper {
  #last: number | undefined;

  /** @returns the extended timestamp; the first equals the given one, results stay exact up to 2^53 */
  unwrap(timestamp: number): number {
    const last = this.#last;
    if (last === undefined) {
      this.#last = timestamp;
      return timestamp;
    }
    const extended = last + signedDelta32(timestamp, last);
    this.#last = extended;
    return extended;
  }

  /** The extended form of a timestamp near the current one, without moving to it. */
  peek(timestamp: number): number {
    return this.#last === undefined ? timestamp : this.#last + signedDelta32(timestamp, this.#last);
  }

  reset(): void {
    this.#last = undefined;
  }
}

/** Shortest signed distance from `reference` (extended) to a 32-bit timestamp: −2^31 … 2^31−1. */
export function signedDelta32(timestamp: number, reference: number): number {
  const delta = (timestamp - (reference % WRAP_32) + 2 * WRAP_32) % WRAP_32;
  return delta >= HALF_32 ? delta - WRAP_32 : delta;
}

/** Shortest signed distance between two 16-bit sequence numbers, `to − from`: −32768 … 32767. */
export function sequenceDelta(to: number, from: number): number {
  return ((to - from) << 16) >> 16;
}

/** Any whole number (also negative or past 2^32) as a 32-bit timestamp. */
export function wrap32(value: number): number {
  const rest = value % WRAP_32;
  return rest < 0 ? rest + WRAP_32 : rest;
}
