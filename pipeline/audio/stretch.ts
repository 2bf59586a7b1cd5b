import { LivedubError } from '../errors.ts';

/** The range in which speech keeps its words; outside it the caller must shorten the text instead. */
export const STRETCH_MIN_RATE = 0.8;
export const STRETCH_MAX_RATE = 1.3;

const FRAME_MS = 30;
/** Splices may move this far from the ideal position; one period of a 63 Hz voice fits into twice this. */
const TOLERANCE_MS = 8;
/** Correlation is first searched at every 6th sample (8 kHz at 48 kHz), then refined around the best place. */
const COARSE_STEP = 6;

export interface StretchOptions {
  /** Default 48 000. */
  readonly sampleRateHz?: number;
}

/**
 * Changes the tempo of speech without its pitch, by waveform-similarity overlap-add (W. Verhelst, M. Roelands, "An
 * overlap-add technique based on waveform similarity (WSOLA) for high quality time-scale modification of speech",
 * ICASSP 1993). While the natural continuation of the last frame lies within the tolerance it is taken as it is, so
 * sound is only spliced when the drift asks for it, about every 100 ms at a rate of 1.1, and always at the place where
 * the wave repeats. Deterministic; no state between calls.
 *
 * @param pcm mono, one whole utterance
 * @param rate tempo, 1 = unchanged, 1.25 = a quarter faster; STRETCH_MIN_RATE…STRETCH_MAX_RATE
 * @returns `stretchedLength(pcm.length, rate)` samples
 * @throws LIVEDUB_E_BAD_REQUEST for a rate outside the range
 */
export function stretch(pcm: Float32Array, rate: number, options: StretchOptions = {}): Float32Array {
  if (!(rate >= STRETCH_MIN_RATE && rate <= STRETCH_MAX_RATE)) {
    throw new LivedubError(
      'LIVEDUB_E_BAD_REQUEST',
      `Speaking rate ${rate} is outside ${STRETCH_MIN_RATE}–${STRETCH_MAX_RATE}.`,
    );
  }
  const sampleRateHz = options.sampleRateHz ?? 48_000;
  const hop = Math.round((sampleRateHz * FRAME_MS) / 2000);
  const frame = 2 * hop;
  const tolerance = Math.round((sampleRateHz * TOLERANCE_MS) / 1000);
  const length = stretchedLength(pcm.length, rate);
  if (rate === 1 || pcm.length <= frame + tolerance) return fitLength(pcm, length);

  const out = new Float32Array(length);
  const fade = halfHann(hop);
  const last = pcm.length - 1;
  // The second half of the frame at `position` is what the next frame is cross-faded with.
  let position = 0;
  copyInto(out, 0, pcm, 0, Math.min(hop, length));
  for (let at = hop; at < length; at += hop) {
    const ideal = Math.round(at * rate);
    const natural = position + hop;
    const drifted = Math.abs(natural - ideal) > tolerance;
    const next =
      drifted && natural + frame < pcm.length ? bestMatch(pcm, natural, ideal, frame, tolerance) : natural;
    const count = Math.min(hop, length - at);
    if (next === natural && natural + count <= pcm.length) {
      copyInto(out, at, pcm, natural, count);
      position = next;
      continue;
    }
    for (let i = 0; i < count; i++) {
      const old = natural + i <= last ? pcm[natural + i]! : 0;
      const fresh = next + i <= last ? pcm[next + i]! : 0;
      out[at + i] = old + (fresh - old) * fade[i]!;
    }
    position = next;
  }
  return out;
}

/** Samples that `stretch` returns for `samples` at `rate`. */
export function stretchedLength(samples: number, rate: number): number {
  return Math.round(samples / rate);
}

/** Where around `ideal` the sound looks most like what follows naturally at `natural` (normalised cross-correlation). */
function bestMatch(
  pcm: Float32Array,
  natural: number,
  ideal: number,
  frame: number,
  tolerance: number,
): number {
  const low = Math.max(0, ideal - tolerance);
  const high = Math.min(pcm.length - frame - 1, ideal + tolerance);
  if (high <= low) return Math.max(0, Math.min(ideal, pcm.length - 1));
  const score = (candidate: number, step: number): number => {
    let cross = 0;
    let energy = 1e-9;
    for (let i = 0; i < frame; i += step) {
      const a = pcm[natural + i]!;
      const b = pcm[candidate + i]!;
      cross += a * b;
      energy += b * b;
    }
    return cross / Math.sqrt(energy);
  };
  let best = low;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let candidate = low; candidate <= high; candidate += COARSE_STEP) {
    const value = score(candidate, COARSE_STEP);
    if (value > bestScore) {
      bestScore = value;
      best = candidate;
    }
  }
  const from = Math.max(low, best - COARSE_STEP);
  const to = Math.min(high, best + COARSE_STEP);
  bestScore = Number.NEGATIVE_INFINITY;
  for (let candidate = from; candidate <= to; candidate++) {
    const value = score(candidate, 2);
    if (value > bestScore) {
      bestScore = value;
      best = candidate;
    }
  }
  return best;
}

function halfHann(samples: number): Float32Array {
  return Float32Array.from(
    { length: samples },
    (_, i) => 0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / samples),
  );
}

function copyInto(target: Float32Array, at: number, source: Float32Array, from: number, count: number): void {
  target.set(source.subarray(from, from + count), at);
}

function fitLength(pcm: Float32Array, length: number): Float32Array {
  const out = new Float32Array(length);
  out.set(pcm.subarray(0, Math.min(length, pcm.length)));
  return out;
}
