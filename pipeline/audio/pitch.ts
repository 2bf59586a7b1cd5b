/** Lowest and highest pitch of a speaking voice that is looked for. */
const MIN_HZ = 60;
const MAX_HZ = 420;
/** YIN's absolute threshold: a dip of the normalised difference below it counts as periodic. */
const THRESHOLD = 0.15;
const HOP_MS = 20;
const WINDOW_MS = 40;

/** Halves the rate with a short low-pass: pitch needs no more than 4 kHz, and the search costs a quarter. */
function halve(pcm: Float32Array): Float32Array {
  const half = new Float32Array(pcm.length >> 1);
  for (let i = 0; i < half.length; i++) {
    const at = 2 * i;
    half[i] = 0.25 * (pcm[at - 1] ?? 0) + 0.5 * pcm[at]! + 0.25 * (pcm[at + 1] ?? 0);
  }
  return half;
}

/** Pitch of one frame, Hz, or 0 when it is not periodic. */
function framePitchHz(
  pcm: Float32Array,
  start: number,
  window: number,
  rateHz: number,
  scratch: Float32Array,
): number {
  const minLag = Math.floor(rateHz / MAX_HZ);
  const maxLag = Math.ceil(rateHz / MIN_HZ);
  let sum = 0;
  for (let lag = 1; lag <= maxLag; lag++) {
    let difference = 0;
    for (let i = start; i < start + window; i++) {
      const delta = pcm[i]! - pcm[i + lag]!;
      difference += delta * delta;
    }
    sum += difference;
    scratch[lag] = sum > 0 ? (difference * lag) / sum : 1;
  }
  for (let lag = minLag; lag < maxLag; lag++) {
    if (scratch[lag]! >= THRESHOLD) continue;
    while (lag + 1 < maxLag && scratch[lag + 1]! < scratch[lag]!) lag++;
    const before = scratch[lag - 1]!;
    const here = scratch[lag]!;
    const after = scratch[lag + 1]!;
    const curve = before - 2 * here + after;
    const shift = curve > 0 ? (0.5 * (before - after)) / curve : 0;
    return rateHz / (lag + shift);
  }
  return 0;
}

/**
 * Median pitch over the voiced frames, by YIN (de Cheveigné and Kawahara 2002, "YIN, a fundamental frequency estimator
 * for speech and music", steps 1 to 5).
 * @param pcm 16 kHz mono, −1…1
 * @returns Hz; 0 when fewer than 100 ms are voiced
 */
export function estimatePitchHz(pcm: Float32Array): number {
  const rateHz = 8_000;
  const half = halve(pcm);
  const window = (WINDOW_MS * rateHz) / 1000;
  const hop = (HOP_MS * rateHz) / 1000;
  const maxLag = Math.ceil(rateHz / MIN_HZ);
  const scratch = new Float32Array(maxLag + 2);
  const voiced: number[] = [];
  let loudest = 0;
  for (const sample of half) loudest = Math.max(loudest, Math.abs(sample));
  // Frames 40 dB below the peak are breath and room; their pitch is nobody's.
  const floor = Math.max(1e-4, loudest * 0.01);
  for (let start = 0; start + window + maxLag + 1 < half.length; start += hop) {
    let energy = 0;
    for (let i = start; i < start + window; i++) energy += half[i]! * half[i]!;
    if (Math.sqrt(energy / window) < floor) continue;
    const pitchHz = framePitchHz(half, start, window, rateHz, scratch);
    if (pitchHz > 0) voiced.push(pitchHz);
  }
  if (voiced.length * HOP_MS < 100) return 0;
  voiced.sort((a, b) => a - b);
  return voiced[voiced.length >> 1]!;
}
