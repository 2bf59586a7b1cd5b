import { MixedRadixFft } from '../../models/engines/mel-spectrogram.ts';

export const MFCC_COEFFICIENTS = 13;
const RATE_HZ = 16_000;
const WINDOW_SAMPLES = 400;
const STEP_SAMPLES = 160;
const FFT_SAMPLES = 512;
const BINS = FFT_SAMPLES / 2 + 1;
const FILTERS = 26;
const PRE_EMPHASIS = 0.97;
const LIFTER = 22;
/** Python's floats take this for nothing. */
const EPSILON = 2 ** -52;
/** Sound is taken as 16-bit numbers. */
const FULL_SCALE = 32_767;

const fft = new MixedRadixFft(FFT_SAMPLES);
const filters = triangles();
/** Discrete cosine transform, orthonormal, with the lifter on it. */
const cosines = Float64Array.from({ length: MFCC_COEFFICIENTS * FILTERS }, (_, i) => {
  const [c, band] = [Math.floor(i / FILTERS), i % FILTERS];
  const scale =
    Math.sqrt((c === 0 ? 1 : 2) / FILTERS) * (1 + (LIFTER / 2) * Math.sin((Math.PI * c) / LIFTER));
  return scale * Math.cos((Math.PI * c * (band + 0.5)) / FILTERS);
});

/**
 * Cepstral coefficients as SyncNet was trained on: those of python_speech_features with its defaults
 * (https://github.com/jameslyons/python_speech_features, base.py), windows of 25 ms without a window function each 10 ms, the first
 * coefficient replaced by the logarithm of the frame's energy.
 * @param pcm 16 kHz mono, −1…1
 * @returns [frame][13], row-major
 */
export function speechMfcc(pcm: Float32Array): Float32Array {
  const frames = 1 + Math.max(0, Math.ceil((pcm.length - WINDOW_SAMPLES) / STEP_SAMPLES));
  const sharp = Float64Array.from(pcm, (value, i) => {
    const before = i === 0 ? 0 : Math.round(pcm[i - 1]! * FULL_SCALE);
    return Math.round(value * FULL_SCALE) - PRE_EMPHASIS * before;
  });
  const out = new Float32Array(frames * MFCC_COEFFICIENTS);
  const re = new Float64Array(FFT_SAMPLES);
  const im = new Float64Array(FFT_SAMPLES);
  const power = new Float64Array(BINS);
  const logs = new Float64Array(FILTERS);
  for (let frame = 0; frame < frames; frame++) {
    re.fill(0);
    re.set(sharp.subarray(frame * STEP_SAMPLES, frame * STEP_SAMPLES + WINDOW_SAMPLES));
    const spectrum = fft.transform(re, im);
    let energy = 0;
    for (let bin = 0; bin < BINS; bin++) {
      power[bin] = (spectrum.re[bin]! ** 2 + spectrum.im[bin]! ** 2) / FFT_SAMPLES;
      energy += power[bin]!;
    }
    for (const [band, { first, weights }] of filters.entries()) {
      const sum = weights.reduce((total, weight, i) => total + weight * power[first + i]!, 0);
      logs[band] = Math.log(sum || EPSILON);
    }
    const at = frame * MFCC_COEFFICIENTS;
    for (let c = 1; c < MFCC_COEFFICIENTS; c++) {
      let sum = 0;
      for (let band = 0; band < FILTERS; band++) sum += cosines[c * FILTERS + band]! * logs[band]!;
      out[at + c] = sum;
    }
    out[at] = Math.log(energy || EPSILON);
  }
  return out;
}

/** 26 triangles from 0 Hz to half the rate, equally wide in mel, their corners on bins. */
function triangles(): { readonly first: number; readonly weights: Float64Array }[] {
  const top = 2595 * Math.log10(1 + RATE_HZ / 2 / 700);
  const corners = Array.from({ length: FILTERS + 2 }, (_, i) => {
    const hz = 700 * (10 ** ((top * i) / (FILTERS + 1) / 2595) - 1);
    return Math.floor(((FFT_SAMPLES + 1) * hz) / RATE_HZ);
  });
  return Array.from({ length: FILTERS }, (_, band) => {
    const [low, peak, high] = [corners[band]!, corners[band + 1]!, corners[band + 2]!];
    const weights = Float64Array.from({ length: high - low }, (_, i) =>
      low + i < peak ? i / (peak - low) : (high - low - i) / (high - peak),
    );
    return { first: low, weights };
  });
}
