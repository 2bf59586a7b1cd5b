import type { CandidateBook } from '../code/candidate-book.ts';
import { CLEAR_MARGIN } from '../code/candidate-book.ts';
import { CODE_BITS, MarkCode, minuteStepBit, minuteStepCode } from '../code/mark-code.ts';
import { codeScore, type Judgement, readPayload, type SoftBits } from '../code/soft-decision.ts';
import { type MarkPayload, packPayload } from '../payload.ts';
import { CELL_STEPS } from './cell-grid.ts';
import { type AudioMarkLayout, COLUMNS, ROWS } from './layout.ts';
import { fold, type SyncPeak } from './sync-search.ts';

export interface AudioReading extends Judgement {
  readonly payload: MarkPayload;
  readonly how: 'read' | 'matched';
  /** Whole cells of the clip in which the payload was heard: from, and before which. */
  readonly fromCell: number;
  readonly toCell: number;
}

/** Bits of the Gray-coded minute that a clip's change of minute is tried with: 63 changes of 64. */
const STEP_BITS = 6;
/** A payload that can be decoded comes with twice this synchronisation. Trying anyway would cost more than all else. */
const READABLE_SYNC = 4;
/** Unmarked windows have less, all but one in a thousand: changes of minute are tried from here on. */
const CERTAIN_SYNC = 5;
/** Of the mean correlation with the mark, what a stretch has to have to be part of what was found. */
const RANGE_SHARE = 0.35;

/** What either side of a change of minute has to show of its own payload. */
const SIDE_SCORE = 4;

let stepCodes: readonly Int8Array[] | undefined;

/** What a change of minute does to a code word, by the bit of the Gray-coded minute that changes. */
function changesOfMinute(): readonly Int8Array[] {
  stepCodes ??= Array.from({ length: STEP_BITS }, (_, bit) => minuteStepCode(bit));
  return stepCodes;
}

/**
 * Counts what is tried with a clip, so that all of it together gives one false alarm in a million clips at most. Reading and matching
 * have half of that each: a match is not dearer for what could not be read.
 */
export class Trials {
  #reads = 0;
  #matches = 0;

  /** Of the next reading, how many equal tries it stands for. */
  nextRead(): number {
    this.#reads += 1;
    return share(this.#reads);
  }

  /** Of the next comparison with issued payloads, how many equal tries each of them stands for. */
  nextMatch(): number {
    this.#matches += 1;
    return share(this.#matches);
  }
}

/**
 * Four times n·(1 + ln n)²: inverses that add up to a half at most over all n, as those of n·(1 + ln n)² add up to less than 1 and the
 * integral of 1/(x·(1 + ln x)²) from 1 on, which is 1. So the total need not be known before.
 */
function share(n: number): number {
  return 4 * n * (1 + Math.log(n)) ** 2;
}

/** Reads payloads where the synchronisation says that a block lies. */
export class PayloadReader {
  readonly #layout: AudioMarkLayout;
  readonly #book: CandidateBook | undefined;
  readonly #code = new MarkCode();

  constructor(options: { layout: AudioMarkLayout; book?: CandidateBook | undefined }) {
    this.#layout = options.layout;
    this.#book = options.book;
  }

  /** The payload as decoded, of one minute or of two that follow each other; undefined if none can be believed. */
  read(peak: SyncPeak, trials: Trials): AudioReading | undefined {
    if (peak.score < READABLE_SYNC) return undefined;
    const plain = this.#tryRead(this.#soft(peak, fold(peak.cells, peak.offset)), trials);
    if (plain) return this.#located(peak, plain, 'read', undefined);
    if (peak.score < CERTAIN_SYNC) return undefined;
    for (const change of changesOfBlock(peak)) {
      const before = fold(peak.cells, peak.offset, 0, change);
      const after = fold(peak.cells, peak.offset, change);
      for (const [bit, step] of changesOfMinute().entries()) {
        const found = this.#tryRead(this.#soft(peak, this.#joined(peak, before, after, step)), trials);
        if (!found || minuteStepBit(found.payload.minute) !== bit) continue;
        const code = this.#code.encode(packPayload(found.payload));
        const sides = { before: this.#soft(peak, before), after: this.#soft(peak, after) };
        if (!this.#isHeardOnBothSides(sides, code, step)) continue;
        return this.#located(peak, found, 'read', { change, step });
      }
    }
    return undefined;
  }

  /** The payload that was issued and fits best; undefined if none can be believed or told from the next. */
  match(peak: SyncPeak, trials: Trials): AudioReading | undefined {
    if (this.#book === undefined || this.#book.payloads === 0) return undefined;
    const soft = this.#soft(peak, fold(peak.cells, peak.offset));
    const found = this.#book.match(soft, { hypotheses: trials.nextMatch() });
    if (!found?.accepted || found.margin < CLEAR_MARGIN) return undefined;
    return this.#located(peak, found, 'matched', undefined);
  }

  /** As `match`, with a change of minute at each place where a block begins. */
  matchChange(peak: SyncPeak, trials: Trials): AudioReading | undefined {
    if (this.#book === undefined || this.#book.payloads === 0) return undefined;
    for (const change of changesOfBlock(peak)) {
      const found = this.#tryMatchChange(peak, change, trials);
      if (found) return found;
    }
    return undefined;
  }

  #tryMatchChange(peak: SyncPeak, change: number, trials: Trials): AudioReading | undefined {
    const [before, after] = [fold(peak.cells, peak.offset, 0, change), fold(peak.cells, peak.offset, change)];
    const steps = changesOfMinute();
    const energies = steps.map((step) => this.#soft(peak, this.#joined(peak, before, after, step)).energy);
    const sides = { before: this.#soft(peak, before), after: this.#soft(peak, after) };
    const found = this.#book!.matchSplit({ ...sides, energies }, { hypotheses: trials.nextMatch() });
    if (!found?.accepted || found.margin < CLEAR_MARGIN) return undefined;
    const code = this.#code.encode(packPayload(found.payload));
    const step = steps[minuteStepBit(found.payload.minute)]!;
    if (!this.#isHeardOnBothSides(sides, code, step)) return undefined;
    return this.#located(peak, found, 'matched', { change, step });
  }

  /** Heard on one side alone, the other's minute would be made up. */
  #isHeardOnBothSides(
    { before, after }: { before: SoftBits; after: SoftBits },
    code: Int8Array,
    step: Int8Array,
  ): boolean {
    const later = code.map((sign, i) => sign * step[i]!);
    return Math.min(codeScore(before, code), codeScore(after, later)) >= SIDE_SCORE;
  }

  #tryRead(soft: SoftBits, trials: Trials): (Judgement & { payload: MarkPayload }) | undefined {
    const found = readPayload(soft, { hypotheses: trials.nextRead() });
    return found?.accepted && found.payload.keyId === this.#layout.key.keyId ? found : undefined;
  }

  #soft({ column }: SyncPeak, folded: Float32Array): SoftBits {
    const { sign, bit } = this.#layout;
    const sums = new Float32Array(CODE_BITS);
    let energy = 0;
    const shift = column * ROWS;
    for (let cell = 0; cell < folded.length; cell += 1) {
      const b = bit[cell]!;
      if (b < 0) continue;
      const at = cell - shift;
      const value = folded[at < 0 ? at + folded.length : at]!;
      sums[b]! += sign[cell]! * value;
      energy += value * value;
    }
    return { sums, energy };
  }

  /** Folds of two minutes as one: the second with what the change of minute did to its code word taken off. */
  #joined({ column }: SyncPeak, before: Float32Array, after: Float32Array, step: Int8Array): Float32Array {
    const { bit } = this.#layout;
    const joined = before.slice();
    const shift = column * ROWS;
    for (let cell = 0; cell < joined.length; cell += 1) {
      const at = cell < shift ? cell - shift + joined.length : cell - shift;
      const b = bit[cell]!;
      joined[at]! += b < 0 ? after[at]! : step[b]! * after[at]!;
    }
    return joined;
  }

  /** Finds out where in the clip the payload is heard: the stretch that correlates with it. */
  #located(
    peak: SyncPeak,
    found: Judgement & { payload: MarkPayload },
    how: 'read' | 'matched',
    split: { readonly change: number; readonly step: Int8Array } | undefined,
  ): AudioReading {
    const code = this.#code.encode(packPayload(found.payload));
    // The synchronisation is heard in the key's other renditions as well.
    const dataChips = (word: Int8Array) =>
      this.#layout.chips(word).map((sign, cell) => (this.#layout.bit[cell]! < 0 ? 0 : sign));
    const chips = dataChips(code);
    const later = split ? dataChips(code.map((sign, i) => sign * split.step[i]!)) : chips;
    const { values, grid } = peak.cells;
    const count = Math.floor((grid.steps - 1 - peak.offset) / CELL_STEPS) + 1;
    const sums = Float64Array.from({ length: count }, (_, k) => {
      const pattern = split && k >= split.change ? later : chips;
      const from = ((k + peak.column) % COLUMNS) * ROWS;
      const at = (peak.offset + k * CELL_STEPS) * ROWS;
      let sum = 0;
      for (let r = 0; r < ROWS; r += 1) sum += pattern[from + r]! * values[at + r]!;
      return sum;
    });
    const { from, to } = densestStretch(sums);
    const { payload, score, threshold, logFalseAlarm, accepted } = found;
    return { payload, score, threshold, logFalseAlarm, accepted, how, fromCell: from, toCell: to };
  }
}

/** Cells of a clip at which a block begins, and so the payload may change. */
function changesOfBlock({ column, offset, cells }: SyncPeak): number[] {
  const count = Math.floor((cells.grid.steps - 1 - offset) / CELL_STEPS) + 1;
  const changes: number[] = [];
  // A few cells more or less before a change decide nothing.
  for (let k = COLUMNS - column; k < count - 8; k += COLUMNS) if (k >= 8) changes.push(k);
  return changes;
}

/** The stretch with the largest sum after a share of the mean is taken off (Kadane). */
function densestStretch(sums: Float64Array): { from: number; to: number } {
  // Where only part of a clip is marked, the mean of all is below that of the part.
  const sorted = Float64Array.from(sums).sort();
  const mean =
    sorted.subarray(Math.floor(sorted.length / 2)).reduce((a, b) => a + b, 0) / (sorted.length / 2);
  const off = RANGE_SHARE * mean;
  let best = { from: 0, to: sums.length, sum: -Infinity };
  let from = 0;
  let sum = 0;
  for (let k = 0; k < sums.length; k += 1) {
    sum += sums[k]! - off;
    if (sum > best.sum) best = { from, to: k + 1, sum };
    if (sum < 0) {
      sum = 0;
      from = k + 1;
    }
  }
  return { from: best.from, to: best.to };
}
