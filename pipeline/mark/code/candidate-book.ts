import type { MarkCandidate } from '../finding.ts';
import { KEY_ID_BITS, type MarkPayload, PAYLOAD_BITS, packPayload, RENDITION_BITS } from '../payload.ts';
import { CODE_BITS, MarkCode, payloadBitCode } from './mark-code.ts';
import { type Judgement, judge, type SoftBits, speaksForPayload } from './soft-decision.ts';

/** Payloads that a book holds at most: what is looked through in a quarter of a second. */
export const MAX_BOOK_PAYLOADS = 1_000_000;

/** Of two renditions, how much likelier the better one has to be to be named: e^9, about 8000 times. */
export const CLEAR_MARGIN = 9;

export interface MatchedPayload extends Judgement {
  readonly payload: MarkPayload;
  /** Natural logarithm of how much likelier this is than the best of another rendition; `CLEAR_MARGIN` and more can be named. */
  readonly margin: number;
}

/** Code words are kept as bits, 32 a word. */
const WORDS = CODE_BITS / 32;
/** Bits of a rendition or minute that one table covers. */
const CHUNK_BITS = 12;
const CHUNK = 2 ** CHUNK_BITS;

/**
 * Recognises a mark among the payloads that were issued with one key, which takes far less of it than reading 64 bits does.
 *
 * The code is linear: the word of a payload is the sum of a constant and what each part of its number adds. The parts come from
 * tables, so that a candidate costs 64 look-ups; nothing is kept of it but its number.
 */
export class CandidateBook {
  readonly keyId: number;
  /** Payloads in the book. */
  readonly payloads: number;
  /** Payloads that were left out because there are too many: of the candidates given last. */
  readonly leftOut: number;

  readonly #renditions: Float64Array;
  readonly #minutes: Uint32Array;
  readonly #constant: Uint32Array;
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
    this.#constant = toWord(
      new MarkCode().encode(packPayload({ keyId: options.keyId, rendition: 0, minute: 0 })),
    );
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
    const { low, middle, high, minuteLow, minuteHigh } = this.#tables;
    const sums = byteSums(soft.sums);
    const base = new Uint32Array(WORDS);

    let best = { at: -1, minute: 0, sum: -Infinity };
    let secondSum = -Infinity;
    for (let at = 0; at < this.#renditions.length; at += 1) {
      const rendition = this.#renditions[at]!;
      const rest = Math.floor(rendition / CHUNK);
      const a = (rendition % CHUNK) * WORDS;
      const b = (rest % CHUNK) * WORDS;
      const c = Math.floor(rest / CHUNK) * WORDS;
      for (let i = 0; i < WORDS; i += 1)
        base[i] = this.#constant[i]! ^ low[a + i]! ^ middle[b + i]! ^ high[c + i]!;
      let renditionSum = -Infinity;
      let renditionMinute = 0;
      for (let minute = 0; minute < this.#minutes[at]!; minute += 1) {
        const gray = minute ^ (minute >> 1);
        const d = (gray % CHUNK) * WORDS;
        const e = (gray >>> CHUNK_BITS) * WORDS;
        let sum = 0;
        for (let i = 0; i < WORDS; i += 1) {
          const word = base[i]! ^ minuteLow[d + i]! ^ minuteHigh[e + i]!;
          const table = i << 10;
          sum +=
            sums[table + (word & 255)]! +
            sums[table + 256 + ((word >>> 8) & 255)]! +
            sums[table + 512 + ((word >>> 16) & 255)]! +
            sums[table + 768 + (word >>> 24)]!;
        }
        if (sum > renditionSum) {
          renditionSum = sum;
          renditionMinute = minute;
        }
      }
      if (renditionSum > best.sum) {
        secondSum = best.sum;
        best = { at, minute: renditionMinute, sum: renditionSum };
      } else if (renditionSum > secondSum) {
        secondSum = renditionSum;
      }
    }

    const score = (best.sum + (soft.sync?.sum ?? 0)) / Math.sqrt(energy);
    const judgement = judge(score, Math.log(this.payloads * options.hypotheses));
    const dataScore = best.sum / Math.sqrt(soft.energy);
    return {
      payload: { keyId: this.keyId, rendition: this.#renditions[best.at]!, minute: best.minute },
      margin: (dataScore * (best.sum - secondSum)) / Math.sqrt(soft.energy),
      ...judgement,
      accepted: judgement.accepted && speaksForPayload(dataScore, Math.log(this.payloads)),
    };
  }
}

/** What the values of each part of a rendition's and a minute's number add to a code word. */
class ChunkTables {
  readonly low = chunkTable(KEY_ID_BITS + RENDITION_BITS, CHUNK_BITS);
  readonly middle = chunkTable(KEY_ID_BITS + RENDITION_BITS - CHUNK_BITS, CHUNK_BITS);
  readonly high = chunkTable(KEY_ID_BITS + RENDITION_BITS - 2 * CHUNK_BITS, CHUNK_BITS);
  readonly minuteLow = chunkTable(PAYLOAD_BITS, CHUNK_BITS);
  readonly minuteHigh = chunkTable(
    PAYLOAD_BITS - CHUNK_BITS,
    PAYLOAD_BITS - KEY_ID_BITS - RENDITION_BITS - CHUNK_BITS,
  );
}

/** Table of a number of `count` bits whose last bit is the payload's bit `end` - 1. */
function chunkTable(end: number, count: number): Uint32Array {
  const table = new Uint32Array(2 ** count * WORDS);
  for (let bit = 0; bit < count; bit += 1) {
    const added = toWord(payloadBitCode(end - 1 - bit));
    const size = 2 ** bit * WORDS;
    for (let i = 0; i < size; i += 1) table[size + i] = table[i]! ^ added[i % WORDS]!;
  }
  return table;
}

function toWord(signs: Int8Array): Uint32Array {
  const word = new Uint32Array(WORDS);
  signs.forEach((sign, i) => {
    if (sign < 0) word[i >>> 5] = word[i >>> 5]! | (1 << (i & 31));
  });
  return word;
}

/** Of each 8 soft bits, their sum under each of the 256 patterns of signs. */
function byteSums(soft: Float32Array): Float32Array {
  const sums = new Float32Array((CODE_BITS / 8) * 256);
  for (let byte = 0; byte < CODE_BITS / 8; byte += 1) {
    const at = byte * 256;
    let plain = 0;
    for (let bit = 0; bit < 8; bit += 1) plain += soft[byte * 8 + bit]!;
    sums[at] = plain;
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = 2 * soft[byte * 8 + bit]!;
      for (let i = 0; i < 1 << bit; i += 1) sums[at + (1 << bit) + i] = sums[at + i]! - flipped;
    }
  }
  return sums;
}
