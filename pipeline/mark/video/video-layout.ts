import { KeyedRandom } from '../code/keyed-random.ts';
import { CODE_BITS } from '../code/mark-code.ts';
import { type MarkKey, markSeed } from '../mark-key.ts';

/** The mark is a tile of so many cells, repeated over the picture. Powers of two, for the detector's transforms. */
export const TILE_COLUMNS = 64;
export const TILE_ROWS = 32;
export const TILE_CELLS = TILE_COLUMNS * TILE_ROWS;

/** Cells whose sign is the key's alone, by which the detector finds its place; the others carry code bits. */
export const SYNC_CELLS = TILE_CELLS / 4;

/** Places of the tile in the picture of which each shot gets one. */
export const SHOT_OFFSETS = 8;

/** Where a cell is, in cells from the tile's first. */
export interface TileOffset {
  readonly column: number;
  readonly row: number;
}

/** What a key makes of the tile. */
export interface VideoLayout {
  /** By cell, row by row: 1 or -1. */
  readonly sign: Int8Array;
  /** By cell: the code bit it carries, -1 in cells of the synchronisation. Each bit has 3 cells. */
  readonly bit: Int16Array;
  /** By shot, modulo `SHOT_OFFSETS`: how far the tile is moved. */
  readonly offsets: readonly TileOffset[];
}

export async function videoLayout(key: MarkKey): Promise<VideoLayout> {
  const random = new KeyedRandom(await markSeed(key, 'video/layout'));
  const cells = random.shuffle(Uint16Array.from({ length: TILE_CELLS }, (_, i) => i));
  const sign = Int8Array.from({ length: TILE_CELLS }, () => random.sign());
  const bit = new Int16Array(TILE_CELLS).fill(-1);
  for (let i = SYNC_CELLS; i < TILE_CELLS; i += 1) bit[cells[i]!] = (i - SYNC_CELLS) % CODE_BITS;
  const offsets = Array.from({ length: SHOT_OFFSETS }, () => ({
    column: random.below(TILE_COLUMNS),
    row: random.below(TILE_ROWS),
  }));
  return { sign, bit, offsets };
}

/** The tile that says a code word: 1 or -1 by cell. */
export function markTile(layout: VideoLayout, code: Int8Array): Int8Array {
  return layout.sign.map((sign, cell) => (layout.bit[cell]! < 0 ? sign : sign * code[layout.bit[cell]!]!));
}
