import { KeyedRandom } from '../code/keyed-random.ts';
import { CODE_BITS } from '../code/mark-code.ts';
import { type MarkKey, markSeed } from '../mark-key.ts';

/** Rate at which sound is marked; lengths of the layout are in its samples. */
export const MARK_RATE_HZ = 48_000;
/** A column of cells, 43 ms. */
export const CELL_SAMPLES = 2048;
/** Columns of a block, which is repeated for ever: 2.56 s. */
export const COLUMNS = 60;
export const BLOCK_SAMPLES = CELL_SAMPLES * COLUMNS;
/** Rows of cells, each 93.75 Hz high, from 297 Hz to 7.1 kHz. */
export const ROWS = 73;
export const ROW_HZ = 93.75;
export const LOWEST_HZ = 296.875;
/** Share of a column's cells whose sign is the key's alone. */
const SYNC_ROWS = 15;

/** What a key makes of the plane of time and pitch: which cells say where the mark is, and which carry which code bit. */
export class AudioMarkLayout {
  readonly key: MarkKey;
  /** By cell, column by column: 1 or -1. */
  readonly sign: Int8Array;
  /** By cell: the code bit it carries, -1 in cells of the synchronisation. Each bit has 6 or 7 cells. */
  readonly bit: Int16Array;

  private constructor(key: MarkKey, random: KeyedRandom) {
    this.key = key;
    this.sign = Int8Array.from({ length: COLUMNS * ROWS }, () => random.sign());
    this.bit = new Int16Array(COLUMNS * ROWS).fill(-1);
    // Bits in ever new order over the block, so that a gap costs every bit as much.
    const bits = Uint16Array.from({ length: CODE_BITS }, (_, i) => i);
    let next = CODE_BITS;
    for (let column = 0; column < COLUMNS; column += 1) {
      const rows = random.shuffle(Uint8Array.from({ length: ROWS }, (_, i) => i));
      for (const row of rows.subarray(SYNC_ROWS).sort()) {
        if (next === CODE_BITS) {
          random.shuffle(bits);
          next = 0;
        }
        this.bit[column * ROWS + row] = bits[next]!;
        next += 1;
      }
    }
  }

  static async create(key: MarkKey): Promise<AudioMarkLayout> {
    return new AudioMarkLayout(key, new KeyedRandom(await markSeed(key, 'audio/layout')));
  }

  /** Signs of all cells of a block that says a code word. */
  chips(code: Int8Array): Int8Array {
    return this.sign.map((sign, cell) => (this.bit[cell]! < 0 ? sign : sign * code[this.bit[cell]!]!));
  }
}

/** Block of the media timeline that a sample lies in; blocks count from media time 0. */
export function blockOf(sample: number): number {
  return Math.floor(sample / BLOCK_SAMPLES);
}

/** The minute that a block's payload says: that of its beginning. */
export function minuteOfBlock(block: number): number {
  return Math.max(0, Math.floor((block * BLOCK_SAMPLES) / (MARK_RATE_HZ * 60)));
}
