import { CELL_STEPS } from './cell-grid.ts';
import { COLUMNS, ROWS } from './layout.ts';
import { type CellValues, type SyncPattern, type SyncPeak, syncScore } from './sync-search.ts';

/** Columns that a path takes at one speed, 0.26 s. */
const SEGMENT = 6;
const SEGMENTS = COLUMNS / SEGMENT;
/** Steps by which a segment may be shorter or longer than it was: up to 14 %, in parts of 2.8 %. */
const MOST_DRIFT = 5;
/** Correlation of cells with the synchronisation that is bet on. */
const BET = 0.3;
/** What a path pays, in the logarithms its gains are in: for each step of drift in a segment, and for going on elsewhere. */
const DRIFT_COST = 0.3;
const JUMP_COST = 10;
/** What nine of ten unmarked windows do not gain: there is always something to follow, the longer the more. */
const usualGain = (seconds: number) => 8.5 + 0.8 * seconds;

/** Lengths a segment may have, shortest first: what each costs, and where the gains of its columns lie, seen from its beginning. */
const SPEEDS = Array.from({ length: 2 * MOST_DRIFT + 1 }, (_, i) => {
  const drift = i - MOST_DRIFT;
  const length = SEGMENT * CELL_STEPS + drift;
  const whole = { from: 0, to: length, column: 0, columns: SEGMENT };
  return {
    length,
    cost: DRIFT_COST * Math.abs(drift),
    gainsAt: Int32Array.from({ length: SEGMENT }, (_, j) => stepIn(whole, j) * COLUMNS + j),
  };
});

/** A place that moves through the block. Its cells are straightened: they follow each other as they were marked. */
export interface DriftPeak extends SyncPeak {
  readonly path: DriftPath;
  /** What the path gained beyond what unmarked windows do, as a logarithm. */
  readonly excess: number;
}

/** A stretch of columns that is played at one speed. */
interface Stretch {
  /** Steps of the clip's grid. */
  readonly from: number;
  readonly to: number;
  /** The first, of the block. */
  readonly column: number;
  readonly columns: number;
}

/** Where in a clip the cells of a path lie, one for each column. */
export class DriftPath {
  /** Column of the first cell. */
  readonly column: number;
  readonly #begins: number[] = [];
  /** Steps up to the next cell; 0 for what the clip leaves out. */
  readonly #lengths: number[] = [];

  constructor(stretches: readonly Stretch[]) {
    this.column = stretches[0]!.column;
    for (const stretch of stretches) {
      // Where the clip leaves out or repeats, nothing is heard up to the place in the block where it goes on.
      while ((this.column + this.cells) % COLUMNS !== stretch.column) this.#add(stretch.from, stretch.from);
      for (let j = 0; j < stretch.columns; j += 1) this.#add(stepIn(stretch, j), stepIn(stretch, j + 1));
    }
  }

  get cells(): number {
    return this.#begins.length;
  }

  /** Step of the clip's grid at which a cell begins. */
  beginOf(cell: number): number {
    return this.#begins[cell]!;
  }

  endOf(cell: number): number {
    return this.#begins[cell]! + this.#lengths[cell]!;
  }

  /** How fast some cells are played on average, 1: as fast as the grid. */
  speed(fromCell: number, toCell: number): number {
    const heard = this.#lengths.slice(fromCell, toCell).filter((length) => length > 0);
    return (heard.length * CELL_STEPS) / heard.reduce((sum, length) => sum + length, 0);
  }

  /** The clip as if it had been played evenly; what it leaves out is 0. */
  straighten({ grid, weighting, values }: CellValues): CellValues {
    const steps = (this.cells - 1) * CELL_STEPS + 1;
    const straight = new Float32Array(steps * ROWS);
    for (const [cell, step] of this.#begins.entries())
      if (this.#lengths[cell]! > 0)
        straight.set(values.subarray(step * ROWS, (step + 1) * ROWS), cell * CELL_STEPS * ROWS);
    return { grid: { ...grid, steps }, weighting, values: straight };
  }

  #add(from: number, to: number): void {
    this.#begins.push(from);
    this.#lengths.push(to - from);
  }
}

/**
 * Looks for a block whose place moves, as with players that speed up, slow down, leave out and repeat: the best path through all
 * places over time (Viterbi 1967), up to 14 % faster or slower for each 0.26 s, and rarely going on elsewhere.
 *
 * Only cells of the synchronisation are looked at. So whatever the path, it knows nothing of the signs of the data cells along it, and
 * what is read from them is as sure as at any place. How well the synchronisation fits is the best of very many paths and proves
 * nothing by itself.
 *
 * @returns undefined where no path gains more than in unmarked clips
 */
export function searchDrift(cells: CellValues, pattern: SyncPattern): DriftPeak | undefined {
  const { steps, stepS } = cells.grid;
  const { gain, end, cameFrom } = bestPath(columnGains(cells, pattern), steps);
  const excess = gain - usualGain(steps * stepS);
  if (excess < 0) return undefined;
  const stretches = stretchesUpTo(end, cameFrom);
  const path = new DriftPath([...before(stretches[0]!), ...stretches, ...after(stretches.at(-1)!, steps)]);
  const straight = path.straighten(cells);
  const place = { offset: 0, column: path.column };
  return { ...place, cells: straight, score: syncScore(straight, pattern, place), path, excess };
}

/**
 * What a bet on the synchronisation of each column wins at each step of a clip, as a logarithm, `COLUMNS` a step: for signs that
 * have nothing to do with the clip, the mean of what it multiplies the stake by is 1 at most (the step behind Hoeffding's bound).
 */
function columnGains({ grid, values }: CellValues, pattern: SyncPattern): Float32Array {
  const { columns, signs } = pattern;
  const rows = Uint8Array.from(pattern.cells, (cell) => cell % ROWS);
  const gains = new Float32Array(grid.steps * COLUMNS);
  for (let step = 0; step < grid.steps; step += 1) {
    const at = step * ROWS;
    for (let column = 0; column < COLUMNS; column += 1) {
      const last = columns[column + 1]!;
      let sum = 0;
      let energy = 0;
      for (let i = columns[column]!; i < last; i += 1) {
        const value = values[at + rows[i]!]!;
        sum += signs[i]! * value;
        energy += value * value;
      }
      gains[step * COLUMNS + column] = BET * (sum - (BET / 2) * energy);
    }
  }
  return gains;
}

/** A path of segments gains what its columns gain, and pays for drift and jumps. It may begin and end anywhere. */
function bestPath(gains: Float32Array, steps: number): { gain: number; end: number; cameFrom: Int32Array } {
  // By step and segment of the block, of paths up to where this segment would begin: what they gained, and the node before, plus 1;
  // negative after a jump, 0 where they begin.
  const gained = new Float32Array(steps * SEGMENTS);
  const cameFrom = new Int32Array(steps * SEGMENTS);
  let best = { gain: 0, node: 0 };
  for (let step = 0; step < steps; step += 1) {
    const jumped = best;
    for (let segment = 0; segment < SEGMENTS; segment += 1) {
      const node = step * SEGMENTS + segment;
      const last = segment === 0 ? SEGMENTS - 1 : segment - 1;
      let gain = 0;
      let from = 0;
      if (jumped.gain > JUMP_COST) {
        gain = jumped.gain - JUMP_COST;
        from = -(jumped.node + 1);
      }
      for (const { length, cost, gainsAt } of SPEEDS) {
        const begin = step - length;
        if (begin < 0) break;
        let sum = gained[begin * SEGMENTS + last]! - cost;
        const at = begin * COLUMNS + last * SEGMENT;
        for (let j = 0; j < SEGMENT; j += 1) sum += gains[at + gainsAt[j]!]!;
        if (sum > gain) {
          gain = sum;
          from = begin * SEGMENTS + last + 1;
        }
      }
      gained[node] = gain;
      cameFrom[node] = from;
      if (gain > best.gain) best = { gain, node };
    }
  }
  return { gain: best.gain, end: best.node, cameFrom };
}

function stretchesUpTo(end: number, cameFrom: Int32Array): Stretch[] {
  const stretches: Stretch[] = [];
  const stepOf = (node: number) => Math.floor(node / SEGMENTS);
  for (let node = end; ; ) {
    const from = cameFrom[node]!;
    if (from === 0) return stretches.reverse();
    const last = Math.abs(from) - 1;
    if (from > 0)
      stretches.push({
        ...{ from: stepOf(last), to: stepOf(node) },
        ...{ column: (last % SEGMENTS) * SEGMENT, columns: SEGMENT },
      });
    node = last;
  }
}

/** Columns that are less than a segment, which the clip has before a path. */
function before({ from, column }: Stretch): Stretch[] {
  const columns = Math.min(SEGMENT - 1, Math.floor(from / CELL_STEPS));
  return columns === 0
    ? []
    : [
        {
          from: from - columns * CELL_STEPS,
          to: from,
          column: (column + COLUMNS - columns) % COLUMNS,
          columns,
        },
      ];
}

function after({ to, column, columns: taken }: Stretch, steps: number): Stretch[] {
  const columns = Math.min(SEGMENT - 1, Math.floor((steps - 1 - to) / CELL_STEPS) + 1);
  return columns <= 0
    ? []
    : [{ from: to, to: to + columns * CELL_STEPS, column: (column + taken) % COLUMNS, columns }];
}

/** Where a column of a stretch begins. */
function stepIn({ from, to, columns }: Stretch, column: number): number {
  return from + Math.round(((to - from) * column) / columns);
}
