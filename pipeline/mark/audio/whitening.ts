import { CELL_STEPS, type CellGrid } from './cell-grid.ts';
import { ROWS } from './layout.ts';

/**
 * How a cell's level follows from its neighbours', so that what is left is mostly the mark: by distance in columns and rows, the same
 * to either side.
 */
export type Whitening = Float64Array;

/** Distances of the neighbours that are looked at. */
const REACH: readonly (readonly [columns: number, rows: number])[] = [
  ...[1, 2, 3].map((rows) => [0, rows] as const),
  ...[0, 1, 2, 3].map((rows) => [1, rows] as const),
];
const MARGIN = 3;
const WIDE = ROWS + 2 * MARGIN;

/** Fitted to 15 recordings of unmarked speech in five languages. */
export const SPEECH_WHITENING: Whitening = Float64Array.from([
  0.245, 0.22, 0.019, 0.309, -0.06, -0.054, -0.032,
]);

/** Standard deviations. */
const CUT = 2;
/** Share of the given coefficients in a fit to one clip. */
const RIDGE = 0.02;

/** Sums of the neighbours at each distance of one time step, rows mirrored at the edges. */
class Neighbours {
  readonly #grid: CellGrid;
  readonly #means: Float64Array;
  readonly #sums = [new Float64Array(WIDE), new Float64Array(WIDE)] as const;

  constructor(grid: CellGrid) {
    this.#grid = grid;
    this.#means = new Float64Array(ROWS);
    for (let g = 0; g < grid.steps; g += 1)
      for (let r = 0; r < ROWS; r += 1) this.#means[r]! += grid.levels[g * ROWS + r]!;
    for (let r = 0; r < ROWS; r += 1) this.#means[r]! /= Math.max(1, grid.steps);
  }

  /** Levels less their row's mean: by distance in columns the sums of both sides, `MARGIN` rows wider at each edge. */
  at(step: number): readonly [own: Float64Array, next: Float64Array] {
    const { levels, steps } = this.#grid;
    for (const [dt, sums] of this.#sums.entries()) {
      const before = Math.max(0, step - dt * CELL_STEPS) * ROWS;
      const after = Math.min(steps - 1, step + dt * CELL_STEPS) * ROWS;
      for (let r = 0; r < ROWS; r += 1)
        sums[r + MARGIN] = levels[before + r]! + levels[after + r]! - 2 * this.#means[r]!;
      for (let i = 1; i <= MARGIN; i += 1) {
        sums[MARGIN - i] = sums[MARGIN + i]!;
        sums[MARGIN + ROWS - 1 + i] = sums[MARGIN + ROWS - 1 - i]!;
      }
    }
    return this.#sums;
  }
}

/** What the neighbours at the distances of `REACH` sum up to, for one cell. */
function gather(sums: readonly Float64Array[], row: number, into: Float64Array): void {
  const at = row + MARGIN;
  for (let n = 0; n < REACH.length; n += 1) {
    const [columns, rows] = REACH[n]!;
    const line = sums[columns]!;
    // The own column's sum counts it twice.
    const share = columns === 0 ? 0.5 : 1;
    into[n] = share * (rows === 0 ? line[at]! : line[at - rows]! + line[at + rows]!);
  }
}

/** Whitens a grid's levels; gives values of unit variance, cut at `CUT` so that no single cell decides. */
export function whiten(grid: CellGrid, whitening: Whitening): Float32Array {
  const { steps } = grid;
  const out = new Float32Array(steps * ROWS);
  const neighbours = new Neighbours(grid);
  const [w1, w2, w3, a0, a1, a2, a3] = whitening as unknown as number[];
  let power = 0;
  for (let g = 0; g < steps; g += 1) {
    const [own, next] = neighbours.at(g);
    for (let r = 0; r < ROWS; r += 1) {
      const i = r + MARGIN;
      const value =
        0.5 *
          (own[i]! -
            w1! * (own[i - 1]! + own[i + 1]!) -
            w2! * (own[i - 2]! + own[i + 2]!) -
            w3! * (own[i - 3]! + own[i + 3]!)) -
        a0! * next[i]! -
        a1! * (next[i - 1]! + next[i + 1]!) -
        a2! * (next[i - 2]! + next[i + 2]!) -
        a3! * (next[i - 3]! + next[i + 3]!);
      out[g * ROWS + r] = value;
      power += value * value;
    }
  }
  const scale = 1 / (Math.sqrt(power / Math.max(1, out.length)) + 1e-9);
  for (let i = 0; i < out.length; i += 1) out[i] = Math.max(-CUT, Math.min(CUT, out[i]! * scale));
  return out;
}

/** Sums that a fit needs; those of several clips may be added. */
export class WhiteningFit {
  readonly #xx = new Float64Array(REACH.length ** 2);
  readonly #xy = new Float64Array(REACH.length);

  add(grid: CellGrid): void {
    const neighbours = new Neighbours(grid);
    const x = new Float64Array(REACH.length);
    // Neighbouring steps overlap, so every third says as much.
    for (let g = 0; g < grid.steps; g += 3) {
      const sums = neighbours.at(g);
      for (let r = 0; r < ROWS; r += 1) {
        gather(sums, r, x);
        const y = 0.5 * sums[0]![r + MARGIN]!;
        for (let i = 0; i < x.length; i += 1) {
          this.#xy[i]! += x[i]! * y;
          for (let j = 0; j <= i; j += 1) this.#xx[i * x.length + j]! += x[i]! * x[j]!;
        }
      }
    }
  }

  /** Least squares, drawn towards `prior`. */
  solve(prior: Whitening, ridge = RIDGE): Whitening {
    const n = REACH.length;
    let trace = 0;
    for (let i = 0; i < n; i += 1) trace += this.#xx[i * n + i]!;
    const lambda = (ridge * trace) / n + 1e-9;
    const matrix = Float64Array.from(this.#xx);
    const right = this.#xy.map((value, i) => value + lambda * prior[i]!);
    for (let i = 0; i < n; i += 1) matrix[i * n + i]! += lambda;
    return solveSymmetric(matrix, right);
  }
}

/** Cholesky; the lower half is given and overwritten. */
function solveSymmetric(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  for (let j = 0; j < n; j += 1) {
    for (let i = j; i < n; i += 1) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k += 1) sum -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / a[j * n + j]!;
    }
  }
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i += 1) {
    for (let k = 0; k < i; k += 1) x[i]! -= a[i * n + k]! * x[k]!;
    x[i]! /= a[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let k = i + 1; k < n; k += 1) x[i]! -= a[k * n + i]! * x[k]!;
    x[i]! /= a[i * n + i]!;
  }
  return x;
}
