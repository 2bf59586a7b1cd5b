import type { MarkCandidate } from '../finding.ts';
import {
  KEY_ID_BITS,
  type MarkPayload,
  MINUTE_BITS,
  PAYLOAD_BITS,
  packPayload,
  RENDITION_BITS,
} from '../payload.ts';
import { CODE_BITS, MarkCode, minuteStepBit, minuteStepCode, payloadBitCode } from './mark-code.ts';
import { type Judgement, judge, type SoftBits, speaksForPayload } from './soft-decision.ts';

/** Payloads that a book holds at most: what is looked through in some 40 ms where renditions have many minutes. */
export const MAX_BOOK_PAYLOADS = 1_000_000;

/** Of two renditions, how much likelier the better one has to be to be named: e^9, about 8000 times. */
export const CLEAR_MARGIN = 9;

export interface MatchedPayload extends Judgement {
  readonly payload: MarkPayload;
  /** Natural logarithm of how much likelier this is than the best of another rendition; `CLEAR_MARGIN` and more can be named. */
  readonly margin: number;
}

/** Soft bits of a clip in which the minute changes. */
export interface SplitBits {
  /** Up to the change. */
  readonly before: SoftBits;
  /** From the change on. */
  readonly after: SoftBits;
  /** Sum of the squares of all cells, by the bit of the Gray-coded minute that changes: it decides how the sides' cells add up. */
  readonly energies: ArrayLike<number>;
}

/** Bits of a rendition that one table covers. */
const CHUNK_BITS = 12;
const CHUNK = 2 ** CHUNK_BITS;
/** Bits of the Gray-coded minute that are compared at once, and minutes of such a page. */
const PAGE_BITS = 6;
const PAGE = 2 ** PAGE_BITS;

/**
 * Recognises a mark among the payloads that were issued with one key, which takes far less of it than reading 64 bits does.
 *
 * The code is linear: the word of a payload is the sum of a constant and what each part of its number adds. The parts come from
 * tables; 64 minutes of a rendition, which differ in 6 bits, are one Walsh–Hadamard transform of what the soft bits that flip
 * together add up to. Nothing is kept of a candidate but its number.
 */
export class CandidateBook {
  readonly keyId: number;
  /** Payloads in the book. */
  readonly payloads: number;
  /** Payloads that were left out because there are too many: of the candidates given last. */
  readonly leftOut: number;

  readonly #renditions: Float64Array;
  readonly #minutes: Uint32Array;
  /** Room for those of a rendition, by minute. */
  readonly #scores: Float32Array;
  #tables: ChunkTables | undefined;

  /**
   * @param options.candidates Newest first; those of other keys are passed over. What is beyond `MAX_BOOK_PAYLOADS` is left out.
   */
  constructor(options: { keyId: number; candidates: Iterable<MarkCandidate> }) {
    this.keyId = options.keyId;
    const renditions: number[] = [];
    const minutes: number[] = [];
    let payloads = 0;
    let leftOut = 0;
    for (const candidate of options.candidates) {
      if (candidate.keyId !== options.keyId) continue;
      const wanted = Math.max(1, Math.ceil(candidate.minutes));
      const taken = Math.min(wanted, MAX_BOOK_PAYLOADS - payloads);
      leftOut += wanted - taken;
      if (taken === 0) continue;
      renditions.push(candidate.rendition);
      minutes.push(taken);
      payloads += taken;
    }
    this.payloads = payloads;
    this.leftOut = leftOut;
    this.#renditions = Float64Array.from(renditions);
    this.#minutes = Uint32Array.from(minutes);
    this.#scores = new Float32Array(minutes.reduce((most, count) => Math.max(most, count), 1));
  }

  /**
   * The payload that fits best, or undefined if the book is empty or nothing was heard. Not believed unless `accepted`.
   *
   * @param options.hypotheses How many places, speeds … were tried with this clip and key, in all.
   */
  match(soft: SoftBits, options: { hypotheses: number }): MatchedPayload | undefined {
    const energy = soft.energy + (soft.sync?.energy ?? 0);
    if (this.payloads === 0 || !(soft.energy > 0)) return undefined;
    this.#tables ??= new ChunkTables();
    const heard = byteSums(soft.sums, this.#tables.order);
    const scale = 1 / Math.sqrt(soft.energy);
    const best = this.#best((base, count, scores) => {
      this.#tables!.minuteSums(heard, base, count, scores);
      for (let minute = 0; minute < count; minute += 1) scores[minute] = scores[minute]! * scale;
    });
    const sum = best.score / scale;
    return this.#judged(best, (sum + (soft.sync?.sum ?? 0)) / Math.sqrt(energy), options);
  }

  /** As `match`, of a clip in which the minute changes; the payload is that before the change. */
  matchSplit(
    { before, after, energies }: SplitBits,
    options: { hypotheses: number },
  ): MatchedPayload | undefined {
    if (this.payloads === 0 || !(before.energy > 0) || !(after.energy > 0)) return undefined;
    this.#tables ??= new ChunkTables();
    const heard = [before, after].map(({ sums }) => byteSums(sums, this.#tables!.order)) as [
      Float32Array,
      Float32Array,
    ];
    // By minute.
    const scales = Float64Array.from(this.#scores, (_, minute) => {
      const energy = energies[minuteStepBit(minute)] ?? 0;
      return energy > 0 ? 1 / Math.sqrt(energy) : 0;
    });
    const later = new Float32Array(this.#scores.length);
    const best = this.#best((base, count, scores) => {
      this.#tables!.minuteSums(heard[0], base, count, scores);
      this.#tables!.minuteSums(heard[1], base, count, later);
      for (let minute = 0; minute + 1 < count; minute += 1)
        scores[minute] = (scores[minute]! + later[minute + 1]!) * scales[minute]!;
      scores[count - 1] = -Infinity;
    });
    return best.at < 0 ? undefined : this.#judged(best, best.score, options);
  }

  /** The best of all candidates, and the best score of another rendition. */
  #best(score: (base: Uint32Array, minutes: number, scores: Float32Array) => void): Best {
    const { words, low, middle, high } = this.#tables!;
    const constant = this.#tables!.toWord(
      new MarkCode().encode(packPayload({ keyId: this.keyId, rendition: 0, minute: 0 })),
    );
    const base = new Uint32Array(words);
    const scores = this.#scores;
    let best: Best = { at: -1, minute: 0, score: -Infinity, second: -Infinity };
    for (let at = 0; at < this.#renditions.length; at += 1) {
      const rendition = this.#renditions[at]!;
      const rest = Math.floor(rendition / CHUNK);
      const a = (rendition % CHUNK) * words;
      const b = (rest % CHUNK) * words;
      const c = Math.floor(rest / CHUNK) * words;
      for (let i = 0; i < words; i += 1) base[i] = constant[i]! ^ low[a + i]! ^ middle[b + i]! ^ high[c + i]!;
      const count = this.#minutes[at]!;
      score(base, count, scores);
      let minute = 0;
      for (let i = 1; i < count; i += 1) if (scores[i]! > scores[minute]!) minute = i;
      if (scores[minute]! > best.score) best = { at, minute, score: scores[minute]!, second: best.score };
      else if (scores[minute]! > best.second) best = { ...best, second: scores[minute]! };
    }
    return best;
  }

  /** @param score With the synchronisation, where that counts. */
  #judged(best: Best, score: number, { hypotheses }: { hypotheses: number }): MatchedPayload {
    const judgement = judge(score, Math.log(this.payloads * hypotheses));
    return {
      payload: { keyId: this.keyId, rendition: this.#renditions[best.at]!, minute: best.minute },
      margin: best.score * (best.score - best.second),
      ...judgement,
      accepted: judgement.accepted && speaksForPayload(best.score, Math.log(this.payloads)),
    };
  }
}

/** The best candidate by the cells that carry the payload. */
interface Best {
  /** Index of its rendition; -1: none. */
  readonly at: number;
  readonly minute: number;
  readonly score: number;
  /** Of the best other rendition. */
  readonly second: number;
}

/** What the values of each part of a rendition's and a minute's number add to a code word, 32 bits of it a number. */
class ChunkTables {
  /** Places of the code word in the order in which they are kept, whole bytes of those that minutes of a page flip alike; -1: none. */
  readonly order: Int16Array;
  readonly words: number;
  readonly low: Uint32Array;
  readonly middle: Uint32Array;
  readonly high: Uint32Array;
  readonly #pages: Uint32Array;
  /** By byte of the order: which bits of a page's minutes flip it. */
  readonly #kinds: Uint8Array;
  readonly #sums = new Float32Array(PAGE);

  constructor() {
    const flips = Array.from({ length: PAGE_BITS }, (_, bit) => minuteStepCode(bit));
    const kinds = Array.from({ length: PAGE }, (): number[] => []);
    for (let place = 0; place < CODE_BITS; place += 1)
      kinds[flips.reduce((kind, flip, bit) => kind | (flip[place]! < 0 ? 1 << bit : 0), 0)]!.push(place);
    const order: number[] = [];
    const kindOfByte: number[] = [];
    for (const [kind, places] of kinds.entries()) {
      while (places.length % 8 !== 0) places.push(-1);
      order.push(...places);
      kindOfByte.push(...Array.from({ length: places.length / 8 }, () => kind));
    }
    this.order = Int16Array.from(order);
    this.#kinds = Uint8Array.from(kindOfByte);
    this.words = Math.ceil(order.length / 32);
    const rendition = KEY_ID_BITS + RENDITION_BITS;
    this.low = this.#table(rendition, CHUNK_BITS);
    this.middle = this.#table(rendition - CHUNK_BITS, CHUNK_BITS);
    this.high = this.#table(rendition - 2 * CHUNK_BITS, CHUNK_BITS);
    this.#pages = this.#table(PAYLOAD_BITS - PAGE_BITS, MINUTE_BITS - PAGE_BITS);
  }

  toWord(signs: Int8Array): Uint32Array {
    const word = new Uint32Array(this.words);
    for (const [i, place] of this.order.entries())
      if (place >= 0 && signs[place]! < 0) word[i >>> 5] = word[i >>> 5]! | (1 << (i & 31));
    return word;
  }

  /**
   * Correlation of soft bits with the first so many minutes of a rendition.
   *
   * @param heard What `byteSums` made of the soft bits. @param base The rendition's word of minute 0.
   */
  minuteSums(heard: Float32Array, base: Uint32Array, minutes: number, into: Float32Array): void {
    const sums = this.#sums;
    const kinds = this.#kinds;
    for (let first = 0; first < minutes; first += PAGE) {
      const page = (first / PAGE) ^ ((first / PAGE) >> 1);
      const at = page * this.words;
      sums.fill(0);
      for (let byte = 0; byte < kinds.length; byte += 1) {
        const word = base[byte >>> 2]! ^ this.#pages[at + (byte >>> 2)]!;
        const kind = kinds[byte]!;
        sums[kind] = sums[kind]! + heard[(byte << 8) + ((word >>> ((byte & 3) << 3)) & 255)]!;
      }
      const count = Math.min(PAGE, minutes - first);
      walshHadamard(sums, count);
      for (let i = 0; i < count; i += 1) {
        const minute = first + i;
        into[minute] = sums[(minute ^ (minute >> 1)) % PAGE]!;
      }
    }
  }

  /** Table of a number of `count` bits whose last bit is the payload's bit `end` - 1. */
  #table(end: number, count: number): Uint32Array {
    const { words } = this;
    const table = new Uint32Array(2 ** count * words);
    for (let bit = 0; bit < count; bit += 1) {
      const added = this.toWord(payloadBitCode(end - 1 - bit));
      const size = 2 ** bit * words;
      for (let i = 0; i < size; i += 1) table[size + i] = table[i]! ^ added[i % words]!;
    }
    return table;
  }
}

/** In place: the first `needed` sums over all values, each with the sign (-1)^(bits that its index and the sum's share). */
function walshHadamard(values: Float32Array, needed: number): void {
  let size = values.length;
  // Sums beyond what is needed differ in bits that are 0 in all others.
  for (; size / 2 >= needed && size > 1; size /= 2)
    for (let i = 0; i < size / 2; i += 1) values[i] = values[i]! + values[i + size / 2]!;
  for (let half = 1; half < size; half *= 2) {
    for (let from = 0; from < size; from += 2 * half) {
      for (let i = from; i < from + half; i += 1) {
        const a = values[i]!;
        const b = values[i + half]!;
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
}

/** Of each 8 soft bits in an order, their sum under each of the 256 patterns of signs. */
function byteSums(soft: Float32Array, order: Int16Array): Float32Array {
  const sums = new Float32Array((order.length / 8) * 256);
  const value = (i: number) => (order[i]! < 0 ? 0 : soft[order[i]!]!);
  for (let byte = 0; byte < order.length / 8; byte += 1) {
    const at = byte * 256;
    let plain = 0;
    for (let bit = 0; bit < 8; bit += 1) plain += value(byte * 8 + bit);
    sums[at] = plain;
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = 2 * value(byte * 8 + bit);
      for (let i = 0; i < 1 << bit; i += 1) sums[at + (1 << bit) + i] = sums[at + i]! - flipped;
    }
  }
  return sums;
}
