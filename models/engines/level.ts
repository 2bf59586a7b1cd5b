/** RMS below which there is nothing to hear (−80 dBFS). */
const SILENCE_RMS = 1e-4;
/** Quieter speech is brought up to this (−26 dBFS), where the training data of recognisers lies. */
const TARGET_RMS = 0.05;

/**
 * The factor for a stretch of speech before recognition: 1 for ordinary levels, more for quiet recordings, never so much
 * that it clips.
 * @param pcm −1…1
 * @returns undefined for silence
 */
export function speechGain(pcm: Float32Array): number | undefined {
  let sum = 0;
  let peak = 0;
  for (const sample of pcm) {
    sum += sample * sample;
    const size = Math.abs(sample);
    if (size > peak) peak = size;
  }
  const rms = Math.sqrt(sum / Math.max(1, pcm.length));
  if (rms < SILENCE_RMS) return undefined;
  return Math.max(1, Math.min(TARGET_RMS / rms, 0.95 / peak));
}

/** @returns `pcm` itself when the gain is 1 */
export function amplified(pcm: Float32Array, gain: number): Float32Array {
  return gain === 1 ? pcm : pcm.map((sample) => sample * gain);
}
