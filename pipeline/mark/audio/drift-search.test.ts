import { describe, expect, it } from 'vitest';
import { deriveMarkKey } from '../mark-key.ts';
import { CELL_STEPS } from './cell-grid.ts';
import { DriftPath, searchDrift } from './drift-search.ts';
import { AudioMarkLayout, COLUMNS, ROWS } from './layout.ts';
import { type CellValues, SyncPattern } from './sync-search.ts';

const layout = await AudioMarkLayout.create(
  await deriveMarkKey({ master: new Uint8Array(32).fill(5), issuer: 'one' }),
);
const pattern = new SyncPattern(layout);

/** Cells of a clip in which a column begins at each of the given steps; between them, and else, is noise. */
function heard(begins: readonly { step: number; column: number }[], steps: number): CellValues {
  let state = 9;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const parts = Float32Array.from({ length: (steps + CELL_STEPS) * ROWS }, random);
  // A cell has most of its time in common with the cell of the next step.
  const values = Float32Array.from({ length: steps * ROWS }, (_, at) => {
    let sum = 0;
    for (let step = 0; step < CELL_STEPS; step += 1) sum += parts[at + step * ROWS]!;
    return 0.7 * sum;
  });
  for (const { step, column } of begins)
    for (let row = 0; row < ROWS; row += 1)
      values[step * ROWS + row]! += 0.6 * layout.sign[(column % COLUMNS) * ROWS + row]!;
  const grid = { warp: { stretch: 1, shift: 1 }, steps, levels: new Float32Array(), stepS: 0.0071 };
  return { grid, weighting: 0, values };
}

/** Columns from `first` on, at lengths that follow each other in turns of 20. */
function played(count: number, first: number, lengths: readonly number[], from = 0) {
  const begins: { step: number; column: number }[] = [];
  let at = from;
  for (let i = 0; i < count; i += 1) {
    begins.push({ step: Math.round(at), column: first + i });
    at += lengths[Math.floor(i / 20) % lengths.length]!;
  }
  return { begins, end: Math.round(at) };
}

const furthest = (path: DriftPath, begins: readonly { step: number; column: number }[]) =>
  Math.max(
    ...begins.map(({ step, column }) => {
      const cells = Array.from({ length: path.cells }, (_, cell) => cell);
      const same = cells.filter((cell) => (path.column + cell) % COLUMNS === column % COLUMNS);
      return Math.min(...same.map((cell) => Math.abs(path.beginOf(cell) - step)));
    }),
  );

describe('a search for a block whose place moves', () => {
  it('follows a clip that is played faster, slower, and faster again', () => {
    const { begins, end } = played(160, 17, [CELL_STEPS, 5.5, 6.6, 5.3]);
    const found = searchDrift(heard(begins, end), pattern)!;
    expect(furthest(found.path, begins.slice(6, -6))).toBeLessThanOrEqual(2);
    expect(found.score).toBeGreaterThan(12);
    expect(found.path.speed(60, 76)).toBeCloseTo(6 / 5.3, 1);
  });

  it('goes on where a clip leaves out a piece, and keeps every cell at its place in the block', () => {
    const first = played(60, 3, [CELL_STEPS]);
    const second = played(60, 90, [CELL_STEPS], first.end);
    const cells = heard([...first.begins, ...second.begins], second.end);
    const { path, cells: straight } = searchDrift(cells, pattern)!;
    expect(furthest(path, [...first.begins.slice(0, -6), ...second.begins.slice(6)])).toBeLessThanOrEqual(2);
    expect(path.cells).toBeGreaterThan(140);
    expect(straight.grid.steps).toBe((path.cells - 1) * CELL_STEPS + 1);
  });

  it('finds nothing to follow in noise', () => {
    expect(searchDrift(heard([], 1400), pattern)).toBeUndefined();
    expect(searchDrift(heard([], 0), pattern)).toBeUndefined();
  });

  it('says where in the clip its cells are', () => {
    const path = new DriftPath([
      { from: 10, to: 40, column: 54, columns: 6 },
      { from: 40, to: 76, column: 6, columns: 6 },
    ]);
    expect(path.column).toBe(54);
    expect(path.cells).toBe(18);
    expect([path.beginOf(0), path.endOf(0), path.beginOf(12), path.endOf(17)]).toEqual([10, 15, 40, 76]);
    expect(path.speed(0, 6)).toBeCloseTo(1.2);
    expect(path.speed(0, 18)).toBeCloseTo(72 / 66);
  });
});
