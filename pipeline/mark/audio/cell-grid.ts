import { BIN_HZ, BINS, type CompressedSpectra, DETECT_RATE_HZ, HOP } from './compressed-spectra.ts';
import { CELL_SAMPLES, LOWEST_HZ, MARK_RATE_HZ, ROW_HZ, ROWS } from './layout.ts';

/** Places at which a cell is looked for, per cell: 7 ms apart. */
export const CELL_STEPS = 6;
const CELL_HOPS = (CELL_SAMPLES * DETECT_RATE_HZ) / (MARK_RATE_HZ * HOP);
/** The first frame's centre, s. */
const CENTRE_S = 0.016;

/** How a clip may have been altered against what was marked. */
export interface Warp {
  /** Factor on durations. */
  readonly stretch: number;
  /** Factor on frequencies. */
  readonly shift: number;
}

/** Mean compressed level of every row over one cell's time, at every step: where cells might be. */
export interface CellGrid {
  readonly warp: Warp;
  readonly steps: number;
  /** About dB; `ROWS` a step. */
  readonly levels: Float32Array;
  /** From one step to the next, s. */
  readonly stepS: number;
}

/** Row levels of a clip's spectra at one pitch, ready to be averaged over any time. */
export interface RowSums {
  readonly frames: number;
  /** Sums over all frames before, `ROWS` a frame. */
  readonly before: Float64Array;
}

export function rowSums(spectra: CompressedSpectra, shift: number): RowSums {
  const { frames, levels } = spectra;
  const before = new Float64Array((frames + 1) * ROWS);
  const edges = Float64Array.from({ length: ROWS + 1 }, (_, r) =>
    Math.min(BINS - 1e-3, ((LOWEST_HZ + r * ROW_HZ) * shift) / BIN_HZ + 0.5),
  );
  const first = Int32Array.from(edges, Math.floor);
  const sums = new Float64Array(BINS + 1);
  const lowest = first[0]!;
  const highest = Math.min(BINS, first[ROWS]! + 1);
  for (let f = 0; f < frames; f += 1) {
    const at = f * BINS;
    for (let k = lowest; k < highest; k += 1) sums[k + 1] = sums[k]! + levels[at + k]!;
    let left = sums[lowest]! + (edges[0]! - lowest) * levels[at + lowest]!;
    for (let r = 0; r < ROWS; r += 1) {
      const k = first[r + 1]!;
      const right = sums[k]! + (edges[r + 1]! - k) * levels[at + k]!;
      before[(f + 1) * ROWS + r] = before[f * ROWS + r]! + (right - left) / (edges[r + 1]! - edges[r]!);
      left = right;
    }
  }
  return { frames, before };
}

/** Cells of a clip under a warp whose pitch `rows` was made for. */
export function cellGrid(rows: RowSums, warp: Warp): CellGrid {
  const cellHops = CELL_HOPS * warp.stretch;
  const stepHops = cellHops / CELL_STEPS;
  const steps = Math.max(0, Math.floor((rows.frames - cellHops) / stepHops) + 1);
  const levels = new Float32Array(steps * ROWS);
  const { before } = rows;
  for (let g = 0; g < steps; g += 1) {
    const from = g * stepHops;
    const to = from + cellHops;
    const f = Math.floor(from);
    const t = Math.min(rows.frames - 1, Math.floor(to));
    const df = from - f;
    const dt = to - t;
    for (let r = 0; r < ROWS; r += 1) {
      const a = before[f * ROWS + r]! * (1 - df) + before[(f + 1) * ROWS + r]! * df;
      const b = before[t * ROWS + r]! * (1 - dt) + before[(t + 1) * ROWS + r]! * dt;
      levels[g * ROWS + r] = (b - a) / cellHops;
    }
  }
  return { warp, steps, levels, stepS: (stepHops * HOP) / DETECT_RATE_HZ };
}

/** Time within the clip at which the cell of a step begins, s. */
export function stepTimeS(grid: CellGrid, step: number): number {
  return step * grid.stepS + (step === 0 ? 0 : CENTRE_S);
}
