import { type CellGrid, cellGrid, rowSums } from './cell-grid.ts';
import { BINS, type CompressedSpectra, powerOf } from './compressed-spectra.ts';
import { ROWS } from './layout.ts';

/** Frames whose mean power is one measurement of how quiet a bin gets: 48 ms. */
const FRAMES_EACH = 6;
/** Share of these measurements that are below what is taken for the noise that is always there. */
const QUIET_SHARE = 0.1;
/** Bins to either side over which that noise is averaged. */
const NEIGHBOURS = 2;
/** How much of that noise is taken to be in what is heard. */
const NOISE_WEIGHT = 2;

/**
 * Of each cell of a clip, how much of its power is over the noise that is always there, 0 … 1: a cell's mark is heard at that
 * share of its size.
 */
export function clarity(spectra: CompressedSpectra): CellGrid {
  const { frames, levels } = spectra;
  const powers = levels.map(powerOf);
  const noise = noiseOf(powers, frames);
  const shares = powers.map((power, i) => power / (power + NOISE_WEIGHT * noise[i % BINS]! + 1e-9));
  return cellGrid(rowSums({ frames, levels: shares }, 1), { stretch: 1, shift: 1 });
}

/** Values of a grid weighted by the clarity of their cells; 2 % of speed do not move a cell far in it. */
export function weighByClarity(grid: CellGrid, values: Float32Array, clarity: CellGrid): Float32Array {
  const out = new Float32Array(values.length);
  for (let step = 0; step < grid.steps; step += 1) {
    const at = step * ROWS;
    const clear = Math.min(clarity.steps - 1, Math.round(step * grid.warp.stretch)) * ROWS;
    for (let r = 0; r < ROWS; r += 1) out[at + r] = values[at + r]! * clarity.levels[clear + r]!;
  }
  return out;
}

/** Power of the noise in each bin. */
function noiseOf(powers: Float32Array, frames: number): Float32Array {
  const count = Math.floor(frames / FRAMES_EACH);
  const quiet = new Float32Array(BINS);
  const means = new Float32Array(count);
  for (let k = 0; k < BINS && count > 0; k += 1) {
    for (let i = 0; i < count; i += 1) {
      let sum = 0;
      for (let f = i * FRAMES_EACH; f < (i + 1) * FRAMES_EACH; f += 1) sum += powers[f * BINS + k]!;
      means[i] = sum / FRAMES_EACH;
    }
    quiet[k] = means.sort()[Math.floor(QUIET_SHARE * count)]!;
  }
  return quiet.map((_, k) => {
    const around = quiet.subarray(Math.max(0, k - NEIGHBOURS), k + NEIGHBOURS + 1);
    return around.reduce((sum, power) => sum + power, 0) / around.length;
  });
}
