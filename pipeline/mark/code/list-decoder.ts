import { CODE_BITS } from './polar.ts';

/** A decision of the decoder: the code word as bits, and what it contradicts of the soft bits in sum. */
export interface DecodedWord {
  readonly word: Uint8Array;
  readonly penalty: number;
}

/**
 * Successive-cancellation list decoder of a polar code (Tal & Vardy 2015) with min-sum arithmetic, so that the scale of the soft
 * bits does not matter. A path keeps the word it has decided so far in place and the soft bits of the nodes on the way to the next
 * decision; both lie together, so that a fork is two block copies. Frozen subtrees and those with only their last bit free are
 * decided at once, with the same result as bit by bit.
 *
 * All memory is taken once. Not re-entrant.
 */
export class ListDecoder {
  readonly #list: number;
  /** Information bits below each node, as running sums over places. */
  readonly #informationBefore: Uint16Array;
  /** Soft bits of nodes of 256, 128 … 1 bits of every path; node of n bits at n - 1. */
  readonly #soft: Float32Array;
  readonly #words: Uint8Array;
  readonly #penalties: Float64Array;
  /** Soft bits of the whole word, the same for all paths. */
  #root: Float32Array = new Float32Array(CODE_BITS);
  #paths = 1;

  /** By path: what deciding 0 or 1 would cost. */
  readonly #costs: Float64Array;
  readonly #order: Uint16Array;
  readonly #keeps: Uint8Array;
  readonly #free: Uint16Array;

  /** @param options.list Paths that are followed at once; default 32. `options.information`: places that are not frozen. */
  constructor(options: { information: ArrayLike<number>; list?: number }) {
    const { information, list = 32 } = options;
    this.#list = list;
    this.#informationBefore = new Uint16Array(CODE_BITS + 1);
    for (let i = 0; i < information.length; i += 1) this.#informationBefore[information[i]! + 1] = 1;
    for (let i = 0; i < CODE_BITS; i += 1)
      this.#informationBefore[i + 1] = this.#informationBefore[i + 1]! + this.#informationBefore[i]!;
    this.#soft = new Float32Array(list * CODE_BITS);
    this.#words = new Uint8Array(list * CODE_BITS);
    this.#penalties = new Float64Array(list);
    this.#costs = new Float64Array(2 * list);
    this.#order = new Uint16Array(2 * list);
    this.#keeps = new Uint8Array(2 * list);
    this.#free = new Uint16Array(list);
  }

  /** Takes 512 soft bits, positive for 0; gives the paths that are left, best first. */
  decode(soft: Float32Array): DecodedWord[] {
    this.#root = soft;
    this.#paths = 1;
    this.#penalties[0] = 0;
    this.#decide(0, CODE_BITS);
    const paths = Array.from({ length: this.#paths }, (_, path) => ({
      word: this.#words.slice(path * CODE_BITS, (path + 1) * CODE_BITS),
      penalty: this.#penalties[path]!,
    }));
    return paths.sort((a, b) => a.penalty - b.penalty);
  }

  /** Decides the bits of a node for all paths; the code word of the node is left in its place of the path's word. */
  #decide(start: number, size: number): void {
    const information = this.#informationBefore[start + size]! - this.#informationBefore[start]!;
    if (information === 0) {
      this.#freeze(start, size);
    } else if (
      information === 1 &&
      this.#informationBefore[start + size]! > this.#informationBefore[start + size - 1]!
    ) {
      this.#fork(start, size);
    } else {
      const half = size / 2;
      for (let path = 0; path < this.#paths; path += 1) this.#toFirst(path, size);
      this.#decide(start, half);
      for (let path = 0; path < this.#paths; path += 1) this.#toSecond(path, start, size);
      this.#decide(start + half, half);
      for (let path = 0; path < this.#paths; path += 1) {
        const base = path * CODE_BITS + start;
        for (let i = base; i < base + half; i += 1) this.#words[i] = this.#words[i]! ^ this.#words[i + half]!;
      }
    }
  }

  #toFirst(path: number, size: number): void {
    const half = size / 2;
    const from = size === CODE_BITS ? this.#root : this.#soft;
    const at = size === CODE_BITS ? 0 : path * CODE_BITS + size - 1;
    const to = path * CODE_BITS + half - 1;
    const soft = this.#soft;
    for (let i = 0; i < half; i += 1) {
      const a = from[at + i]!;
      const b = from[at + half + i]!;
      const least = Math.min(Math.abs(a), Math.abs(b));
      soft[to + i] = a < 0 !== b < 0 ? -least : least;
    }
  }

  #toSecond(path: number, start: number, size: number): void {
    const half = size / 2;
    const from = size === CODE_BITS ? this.#root : this.#soft;
    const at = size === CODE_BITS ? 0 : path * CODE_BITS + size - 1;
    const to = path * CODE_BITS + half - 1;
    const decided = path * CODE_BITS + start;
    const soft = this.#soft;
    for (let i = 0; i < half; i += 1) {
      const a = from[at + i]!;
      soft[to + i] = from[at + half + i]! + (this.#words[decided + i]! === 0 ? a : -a);
    }
  }

  #freeze(start: number, size: number): void {
    for (let path = 0; path < this.#paths; path += 1) {
      const at = path * CODE_BITS + size - 1;
      let penalty = 0;
      for (let i = at; i < at + size; i += 1) if (this.#soft[i]! < 0) penalty -= this.#soft[i]!;
      this.#penalties[path] = this.#penalties[path]! + penalty;
      this.#words.fill(0, path * CODE_BITS + start, path * CODE_BITS + start + size);
    }
  }

  /** One free bit, repeated over the node: every path goes on with 0 and with 1, and the best of all of them stay. */
  #fork(start: number, size: number): void {
    const paths = this.#paths;
    for (let path = 0; path < paths; path += 1) {
      const at = path * CODE_BITS + size - 1;
      let negative = 0;
      let positive = 0;
      for (let i = at; i < at + size; i += 1) {
        const value = this.#soft[i]!;
        if (value < 0) negative -= value;
        else positive += value;
      }
      this.#costs[2 * path] = this.#penalties[path]! + negative;
      this.#costs[2 * path + 1] = this.#penalties[path]! + positive;
    }
    this.#choose(2 * paths);

    let free = 0;
    for (let path = paths - 1; path >= 0; path -= 1)
      if (!this.#keeps[2 * path] && !this.#keeps[2 * path + 1]) this.#free[free++] = path;
    for (let path = 0; path < paths; path += 1) {
      const zero = this.#keeps[2 * path]!;
      const one = this.#keeps[2 * path + 1]!;
      if (zero && one) {
        const copy = free > 0 ? this.#free[--free]! : this.#paths++;
        this.#soft.copyWithin(copy * CODE_BITS, path * CODE_BITS, (path + 1) * CODE_BITS);
        this.#words.copyWithin(copy * CODE_BITS, path * CODE_BITS, path * CODE_BITS + start);
        this.#settle(copy, start, size, 1, this.#costs[2 * path + 1]!);
      }
      if (zero) this.#settle(path, start, size, 0, this.#costs[2 * path]!);
      else if (one) this.#settle(path, start, size, 1, this.#costs[2 * path + 1]!);
    }
  }

  #settle(path: number, start: number, size: number, bit: number, penalty: number): void {
    this.#words.fill(bit, path * CODE_BITS + start, path * CODE_BITS + start + size);
    this.#penalties[path] = penalty;
  }

  /** Marks the `list` cheapest of the forks. */
  #choose(count: number): void {
    if (count <= this.#list) {
      this.#keeps.fill(1, 0, count);
      return;
    }
    const order = this.#order.subarray(0, count);
    for (let i = 0; i < count; i += 1) {
      const cost = this.#costs[i]!;
      let at = i;
      while (at > 0 && this.#costs[order[at - 1]!]! > cost) {
        order[at] = order[at - 1]!;
        at -= 1;
      }
      order[at] = i;
    }
    this.#keeps.fill(0, 0, count);
    for (let i = 0; i < this.#list; i += 1) this.#keeps[order[i]!] = 1;
  }
}
