import { CELL_STEPS, type CellGrid } from './cell-grid.ts';
import { type AudioMarkLayout, COLUMNS, ROWS } from './layout.ts';

/** Values of a grid's cells, ready to be compared with a pattern. */
export interface CellValues {
  readonly grid: CellGrid;
  /** 0: all cells count alike; 1: by their clarity. */
  readonly weighting: 0 | 1;
  readonly values: Float32Array;
}

/** Where a block may lie in a clip. */
export interface Place {
  /** Step of the first whole cell, 0 … `CELL_STEPS` - 1. */
  readonly offset: number;
  /** Column of that cell. */
  readonly column: number;
}

export interface SyncPeak extends Place {
  readonly cells: CellValues;
  /** Correlation with the synchronisation, in standard deviations of an unmarked clip. */
  readonly score: number;
}

/** Places that `searchSync` compares in one grid. */
export const PLACES = CELL_STEPS * COLUMNS;

/** Cells of the synchronisation of a layout, column by column. */
export class SyncPattern {
  readonly cells: Uint16Array;
  readonly signs: Int8Array;
  /** Index of each column's first cell, and one more. */
  readonly columns: Uint16Array;

  constructor(layout: AudioMarkLayout) {
    const cells: number[] = [];
    const columns = [0];
    for (let column = 0; column < COLUMNS; column += 1) {
      for (let row = 0; row < ROWS; row += 1)
        if (layout.bit[column * ROWS + row]! < 0) cells.push(column * ROWS + row);
      columns.push(cells.length);
    }
    this.cells = Uint16Array.from(cells);
    this.signs = Int8Array.from(cells, (cell) => layout.sign[cell]!);
    this.columns = Uint16Array.from(columns);
  }
}

/**
 * Adds up the cells that repeat each other, `COLUMNS` apart: a block's worth of sums, beginning with the clip's first cell.
 * Without this the repeats, which share their signs, would count as independent.
 */
export function fold(
  cells: CellValues,
  offset: number,
  from = 0,
  to = Number.POSITIVE_INFINITY,
): Float32Array {
  const { values, grid } = cells;
  const folded = new Float32Array(COLUMNS * ROWS);
  const last = Math.min(to, Math.floor((grid.steps - 1 - offset) / CELL_STEPS) + 1);
  for (let k = from; k < last; k += 1) {
    const at = (offset + k * CELL_STEPS) * ROWS;
    const into = (k % COLUMNS) * ROWS;
    for (let r = 0; r < ROWS; r += 1) folded[into + r]! += values[at + r]!;
  }
  return folded;
}

/** Compares all places of a block in a clip; gives the best `columns` of every offset (default 1), best first. */
export function searchSync(cells: CellValues, pattern: SyncPattern, columns = 1): SyncPeak[] {
  const peaks: SyncPeak[] = [];
  for (let offset = 0; offset < CELL_STEPS; offset += 1) {
    const folded = fold(cells, offset);
    const sums = new Float64Array(COLUMNS);
    const energies = new Float64Array(COLUMNS);
    for (let column = 0; column < COLUMNS; column += 1) {
      const first = pattern.columns[column]!;
      const last = pattern.columns[column + 1]!;
      for (let met = 0; met < COLUMNS; met += 1) {
        // The pattern's column meets the clip's column `met` if the clip begins with the difference.
        const shift = (met - column) * ROWS;
        let sum = 0;
        let energy = 0;
        for (let i = first; i < last; i += 1) {
          const value = folded[pattern.cells[i]! + shift]!;
          sum += pattern.signs[i]! * value;
          energy += value * value;
        }
        const begin = column >= met ? column - met : column - met + COLUMNS;
        sums[begin]! += sum;
        energies[begin]! += energy;
      }
    }
    const scores = sums.map((sum, column) =>
      energies[column]! > 0 ? sum / Math.sqrt(energies[column]!) : 0,
    );
    for (let i = 0; i < columns; i += 1) {
      let best = 0;
      for (let column = 1; column < COLUMNS; column += 1) if (scores[column]! > scores[best]!) best = column;
      peaks.push({ cells, offset, column: best, score: scores[best]! });
      scores[best] = -Infinity;
    }
  }
  return peaks.sort((a, b) => b.score - a.score);
}

/** The synchronisation's score at one place. */
export function syncScore(cells: CellValues, pattern: SyncPattern, { offset, column }: Place): number {
  const folded = fold(cells, offset);
  let sum = 0;
  let energy = 0;
  for (let i = 0; i < pattern.cells.length; i += 1) {
    const cell = pattern.cells[i]! - column * ROWS;
    const value = folded[cell < 0 ? cell + folded.length : cell]!;
    sum += pattern.signs[i]! * value;
    energy += value * value;
  }
  return energy > 0 ? sum / Math.sqrt(energy) : 0;
}
