import { FEATURES, type FrameFeatures } from './mfcc.ts';

/** How much dearer a step is that stretches one of the two sounds. */
const STRETCH_COST = 1.15;
/** Half width of the searched band as a share of the longer sound, and its least width in frames. */
const BAND_SHARE = 0.2;
const BAND_FRAMES = 40;

/**
 * Dynamic time warping (Sakoe and Chiba 1978) inside a band around the diagonal.
 * @returns for each frame of `a` the mean index of the frames of `b` that it lies on; empty when either has no frames
 */
export function warp(a: FrameFeatures, b: FrameFeatures): Float64Array {
  const n = a.count;
  const m = b.count;
  if (n === 0 || m === 0) return new Float64Array(0);
  const half = Math.max(BAND_FRAMES, Math.ceil(Math.max(n, m) * BAND_SHARE));
  const width = 2 * half + 1;
  const steps = new Uint8Array(n * width);
  let previous = new Float64Array(width + 2).fill(Number.POSITIVE_INFINITY);
  let current = new Float64Array(width + 2).fill(Number.POSITIVE_INFINITY);
  const firstOf = (i: number): number => Math.round((i * m) / n) - half;
  for (let i = 0; i < n; i++) {
    const first = firstOf(i);
    const shift = i === 0 ? 0 : first - firstOf(i - 1);
    current.fill(Number.POSITIVE_INFINITY);
    for (let j = Math.max(0, first); j <= Math.min(m - 1, first + width - 1); j++) {
      let sum = 0;
      for (let k = 0, p = i * FEATURES, q = j * FEATURES; k < FEATURES; k++) {
        const delta = a.data[p + k]! - b.data[q + k]!;
        sum += delta * delta;
      }
      const distance = Math.sqrt(sum);
      // Column j of row i is at j − first + 1; the border cells stay infinite.
      const column = j - first + 1;
      if (i === 0 && j === 0) {
        current[column] = distance;
        continue;
      }
      const diagonal = i > 0 ? at(previous, column + shift - 1) + distance : Number.POSITIVE_INFINITY;
      const up = i > 0 ? at(previous, column + shift) + distance * STRETCH_COST : Number.POSITIVE_INFINITY;
      const left = current[column - 1]! + distance * STRETCH_COST;
      const best = Math.min(diagonal, up, left);
      current[column] = best;
      steps[i * width + column - 1] = best === diagonal ? 0 : best === up ? 1 : 2;
    }
    [previous, current] = [current, previous];
  }
  return trace(steps, n, m, width, firstOf);
}

const at = (row: Float64Array, column: number): number =>
  column < 0 || column >= row.length ? Number.POSITIVE_INFINITY : row[column]!;

function trace(
  steps: Uint8Array,
  n: number,
  m: number,
  width: number,
  firstOf: (i: number) => number,
): Float64Array {
  const sums = new Float64Array(n);
  const counts = new Uint32Array(n);
  let i = n - 1;
  let j = m - 1;
  while (i >= 0 && j >= 0) {
    sums[i]! += j;
    counts[i]!++;
    const step = i === 0 && j === 0 ? 0 : steps[i * width + j - firstOf(i)]!;
    if (step !== 2) i--;
    if (step !== 1) j--;
  }
  // The band may let the path leave at an edge before the first row: those frames lie at the start.
  return sums.map((sum, frame) => (counts[frame]! > 0 ? sum / counts[frame]! : 0));
}
