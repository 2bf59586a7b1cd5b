/** Random numbers drawn from a seed of 128 bits, the same on every machine: xoshiro128** (Blackman & Vigna 2018). */
export class KeyedRandom {
  readonly #state: Uint32Array;

  /** @param seed 4 words, e.g. of `markSeed`; not all 0. */
  constructor(seed: Uint32Array) {
    this.#state = seed.slice(0, 4);
  }

  /** 32 bits, unsigned. */
  next(): number {
    const s = this.#state;
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotate(s[3]!, 11);
    return result;
  }

  /** A number of 0 … `bound` - 1, each as likely as the others. */
  below(bound: number): number {
    const fair = 2 ** 32 - (2 ** 32 % bound);
    let value = this.next();
    while (value >= fair) value = this.next();
    return value % bound;
  }

  /** 1 or -1. */
  sign(): 1 | -1 {
    return this.next() >>> 31 === 0 ? 1 : -1;
  }

  /** Brings the items into a random order, in place (Fisher & Yates). */
  shuffle<T extends { length: number; [index: number]: number }>(items: T): T {
    for (let i = items.length - 1; i > 0; i -= 1) {
      const other = this.below(i + 1);
      const kept = items[i]!;
      items[i] = items[other]!;
      items[other] = kept;
    }
    return items;
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
