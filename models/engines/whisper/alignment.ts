/**
 * Word times from cross-attention, after `whisper/timing.py` of https://github.com/openai/whisper: attention of the
 * alignment heads, normalised over tokens, median-filtered over time, averaged, then dynamic time warping.
 */

const MEDIAN_WIDTH = 7;

/**
 * @param rows per token, the attention of each head over encoder frames: [heads × frames]
 * @param frames encoder frames that hold sound
 * @returns for each token the frame where it begins; one more entry than rows, the last being the end
 */
export function tokenStarts(rows: readonly Float32Array[], heads: number, frames: number): number[] {
  const tokens = rows.length;
  if (tokens === 0 || frames === 0) return [0];
  const cost = new Float64Array(tokens * frames);
  for (let head = 0; head < heads; head++) {
    const attention = rows.map((row) => head * (row.length / heads));
    const normal = new Float64Array(tokens * frames);
    for (let t = 0; t < tokens; t++) {
      let sum = 0;
      for (let f = 0; f < frames; f++) sum += rows[t]![attention[t]! + f]!;
      for (let f = 0; f < frames; f++) normal[t * frames + f] = rows[t]![attention[t]! + f]! / (sum || 1);
    }
    for (let f = 0; f < frames; f++) {
      let mean = 0;
      for (let t = 0; t < tokens; t++) mean += normal[t * frames + f]! / tokens;
      let variance = 0;
      for (let t = 0; t < tokens; t++) variance += (normal[t * frames + f]! - mean) ** 2 / tokens;
      const deviation = Math.sqrt(variance) || 1;
      for (let t = 0; t < tokens; t++) normal[t * frames + f] = (normal[t * frames + f]! - mean) / deviation;
    }
    for (let t = 0; t < tokens; t++) addMedian(normal, cost, t * frames, frames, -1 / heads);
  }
  return warp(cost, tokens, frames);
}

/** Adds `factor` × the running median of a row of `from` to the same row of `to`; edges are reflected. */
function addMedian(
  from: Float64Array,
  to: Float64Array,
  start: number,
  length: number,
  factor: number,
): void {
  const half = (MEDIAN_WIDTH - 1) / 2;
  const window = new Float64Array(MEDIAN_WIDTH);
  for (let i = 0; i < length; i++) {
    for (let j = -half; j <= half; j++) {
      let at = Math.abs(i + j);
      if (at >= length) at = Math.max(0, 2 * length - 2 - at);
      window[j + half] = from[start + at]!;
    }
    to[start + i]! += factor * window.sort()[half]!;
  }
}

/** The cheapest monotone path through `cost` [tokens, frames]. */
function warp(cost: Float64Array, tokens: number, frames: number): number[] {
  const width = frames + 1;
  const total = new Float64Array((tokens + 1) * width).fill(Number.POSITIVE_INFINITY);
  const came = new Int8Array((tokens + 1) * width);
  total[0] = 0;
  for (let t = 1; t <= tokens; t++) {
    for (let f = 1; f <= frames; f++) {
      const both = total[(t - 1) * width + f - 1]!;
      const token = total[(t - 1) * width + f]!;
      const frame = total[t * width + f - 1]!;
      const best = both < token && both < frame ? 0 : token < both && token < frame ? 1 : 2;
      came[t * width + f] = best;
      total[t * width + f] = cost[(t - 1) * frames + f - 1]! + [both, token, frame][best]!;
    }
  }
  const starts = new Array<number>(tokens + 1).fill(0);
  starts[tokens] = frames;
  for (let t = tokens, f = frames; t > 0 && f > 0; ) {
    starts[t - 1] = f - 1;
    const step = came[t * width + f]!;
    if (step !== 2) t--;
    if (step !== 1) f--;
  }
  return starts;
}

/** Longest plausible word against the median of its neighbours, and its bounds, ms. */
const LONGEST_FACTOR = 2;
const LONGEST_MIN_MS = 400;
const LONGEST_MAX_MS = 1_400;

/**
 * Attention gives a pause to the word behind it; the end of a word is the surer mark. Words longer than twice the median
 * begin later, as `add_word_timestamps` of the same file does at sentence ends.
 */
export function withoutPauses<T extends { readonly startMs: number; readonly endMs: number }>(
  words: readonly T[],
): T[] {
  const lengths = words.map(({ startMs, endMs }) => endMs - startMs).sort((a, b) => a - b);
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0;
  const longest = Math.min(LONGEST_MAX_MS, Math.max(LONGEST_MIN_MS, LONGEST_FACTOR * median));
  return words.map((word) => ({ ...word, startMs: Math.max(word.startMs, word.endMs - longest) }));
}
