import type { RgbRaster } from './colour-convert.ts';

/** Gain of each channel as a plane over the raster, in logarithms: (constant, per width, per height) for red, green, blue. */
export type ColourGain = Float64Array;

/** Where patch and picture overlap so much, they are compared. */
const ALPHA_MIN = 0.03;
const ALPHA_MAX = 0.7;
/** Dark pixels say little about gain. */
const FLOOR = 6;
/** Pixels that differ by more than this are of something else. */
const OUTLIER = 0.5;
const GAIN_LIMIT = 0.35;
const MIN_WEIGHT = 5;
/** What the gain of the picture before weighs. */
const INERTIA = 0.6;
/** Every second pixel of every second row is enough. */
const STEP = 2;

/**
 * Fits the gain that makes a patch look like the picture around it: weighted least squares of ln(picture / patch) on a plane. A gain
 * does not lift the dark inside of a mouth, as an offset would.
 *
 * @param alpha one value a pixel: how much of the patch is to be seen
 * @param before gain of the picture before; undefined: begins anew
 */
export function matchColour(
  picture: RgbRaster,
  patch: Float32Array,
  alpha: Float32Array,
  before: ColourGain | undefined,
): ColourGain {
  const { widthPx, heightPx, data } = picture;
  const s = new Float64Array(6);
  const t = new Float64Array(9);
  const logs = [0, 0, 0];
  for (let y = 0; y < heightPx; y += STEP)
    for (let x = 0; x < widthPx; x += STEP) {
      const p = y * widthPx + x;
      const a = alpha[p]!;
      if (a < ALPHA_MIN || a > ALPHA_MAX) continue;
      let isOutlier = false;
      for (let c = 0; c < 3; c += 1) {
        const log = Math.log((data[p * 3 + c]! + FLOOR) / (patch[p * 3 + c]! + FLOOR));
        logs[c] = log;
        if (Math.abs(log) > OUTLIER) isOutlier = true;
      }
      if (isOutlier) continue;
      const weight = a * (1 - a) * STEP * STEP;
      const u = x / widthPx - 0.5;
      const v = y / heightPx - 0.5;
      s[0]! += weight;
      s[1]! += weight * u;
      s[2]! += weight * v;
      s[3]! += weight * u * u;
      s[4]! += weight * u * v;
      s[5]! += weight * v * v;
      for (let c = 0; c < 3; c += 1) {
        t[c * 3]! += weight * logs[c]!;
        t[c * 3 + 1]! += weight * logs[c]! * u;
        t[c * 3 + 2]! += weight * logs[c]! * v;
      }
    }
  const gain = new Float64Array(9);
  if (s[0]! > MIN_WEIGHT) solvePlanes(s, t, gain);
  if (before !== undefined)
    for (let i = 0; i < 9; i += 1) gain[i] = INERTIA * before[i]! + (1 - INERTIA) * gain[i]!;
  return gain;
}

function solvePlanes(s: Float64Array, t: Float64Array, gain: Float64Array): void {
  const ridge = s[0]! * 0.02;
  const [a, b, c, d, e, f] = [s[0]! + ridge * 0.1, s[1]!, s[2]!, s[3]! + ridge, s[4]!, s[5]! + ridge];
  const i00 = d * f - e * e;
  const i01 = c * e - b * f;
  const i02 = b * e - c * d;
  const i11 = a * f - c * c;
  const i12 = b * c - a * e;
  const i22 = a * d - b * b;
  const determinant = a * i00 + b * i01 + c * i02;
  if (Math.abs(determinant) < 1e-12) return;
  for (let k = 0; k < 9; k += 3) {
    const [p, q, r] = [t[k]!, t[k + 1]!, t[k + 2]!];
    gain[k] = limit((i00 * p + i01 * q + i02 * r) / determinant);
    gain[k + 1] = limit((i01 * p + i11 * q + i12 * r) / determinant);
    gain[k + 2] = limit((i02 * p + i12 * q + i22 * r) / determinant);
  }
}

function limit(value: number): number {
  return Math.max(-GAIN_LIMIT, Math.min(GAIN_LIMIT, value));
}

/** Lays a patch over the picture: gain applied, edges feathered by a smooth curve of alpha, `opacity` over all. */
export function blendPatch(options: {
  readonly picture: RgbRaster;
  readonly patch: Float32Array;
  readonly alpha: Float32Array;
  readonly gain: ColourGain;
  readonly opacity: number;
  readonly touched: Uint8Array;
}): void {
  const { picture, patch, alpha, gain, opacity, touched } = options;
  const { widthPx, heightPx, data } = picture;
  // A plane in logarithms is a product of one factor a column and one a row.
  const columns = new Float64Array(widthPx * 3);
  for (let x = 0; x < widthPx; x += 1)
    for (let c = 0; c < 3; c += 1) columns[x * 3 + c] = Math.exp(gain[c * 3 + 1]! * (x / widthPx - 0.5));
  for (let y = 0; y < heightPx; y += 1) {
    const v = y / heightPx - 0.5;
    const row = [0, 3, 6].map((c) => Math.exp(gain[c]! + gain[c + 2]! * v)) as [number, number, number];
    for (let x = 0; x < widthPx; x += 1) {
      const p = y * widthPx + x;
      const a = alpha[p]!;
      if (a <= 0.004) continue;
      const share = a * a * (3 - 2 * a) * opacity;
      for (let c = 0; c < 3; c += 1) {
        const value = (patch[p * 3 + c]! + FLOOR) * row[c]! * columns[x * 3 + c]! - FLOOR;
        const bounded = Math.max(0, Math.min(255, value));
        data[p * 3 + c] = data[p * 3 + c]! * (1 - share) + bounded * share;
      }
      touched[p] = 1;
    }
  }
}
