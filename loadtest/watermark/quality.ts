import { createRealFft } from '../../pipeline/mark/fft.ts';
import { SOUND_RATE_HZ } from './attacks.ts';

/** 20 ms. */
const FRAME_SAMPLES = 960;
/** Frames further below the loudest are pauses, dB. */
const ACTIVE_RANGE_DB = 40;
/** What one frame may count for, as is usual for segmental SNR, dB. */
const LEAST_SNR_DB = -10;
const MOST_SNR_DB = 35;

export interface MarkNoise {
  /** Mean over 20 ms frames of speech, dB. */
  readonly segmentalSnrDb: number;
  readonly snrDb: number;
  /** Mean of noise against the masking threshold over critical bands of frames of speech, dB. */
  readonly noiseToMaskDb: number;
  /** Bands in which the noise is above the threshold, 0…1. */
  readonly bandsOverMask: number;
}

/**
 * What a mark adds to sound. @param marked As long as `original` and in step with it, 48 kHz.
 */
export async function markNoise(original: Float32Array, marked: Float32Array): Promise<MarkNoise> {
  const length = Math.min(original.length, marked.length);
  const frames: { start: number; signal: number; noise: number }[] = [];
  for (let start = 0; start + FRAME_SAMPLES <= length; start += FRAME_SAMPLES) {
    let signal = 0;
    let noise = 0;
    for (let i = start; i < start + FRAME_SAMPLES; i += 1) {
      signal += original[i]! ** 2;
      noise += (marked[i]! - original[i]!) ** 2;
    }
    frames.push({ start, signal, noise });
  }
  const loudest = frames.reduce((most, { signal }) => Math.max(most, signal), 0);
  const active = frames.filter(({ signal }) => signal > loudest * 10 ** (-ACTIVE_RANGE_DB / 10));
  const snrs = active.map(({ signal, noise }) =>
    Math.min(MOST_SNR_DB, Math.max(LEAST_SNR_DB, 10 * Math.log10(signal / (noise + 1e-20)))),
  );
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    segmentalSnrDb: sum(snrs) / snrs.length,
    snrDb:
      10 *
      Math.log10(sum(frames.map(({ signal }) => signal)) / (sum(frames.map(({ noise }) => noise)) + 1e-20)),
    ...(await maskFigures(
      original,
      marked,
      active.map(({ start }) => start),
    )),
  };
}

const FFT_SAMPLES = 960;
const BANDS = 24;
/** How far a band masks the next higher and lower ones, dB a band; and itself. */
const UPWARD_DB = 12;
const DOWNWARD_DB = 27;
const OFFSET_DB = 6;

/**
 * Simple model of masking on critical bands: energy spreads with 12 dB a band upwards and 27 dB downwards, noise is unheard 6 dB
 * below it (after Schroeder, Atal and Hall, JASA 1979). No absolute threshold: it is stricter than hearing.
 */
async function maskFigures(
  original: Float32Array,
  marked: Float32Array,
  starts: readonly number[],
): Promise<Pick<MarkNoise, 'noiseToMaskDb' | 'bandsOverMask'>> {
  const fft = await createRealFft(FFT_SAMPLES);
  const window = Float32Array.from(
    { length: FFT_SAMPLES },
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FFT_SAMPLES),
  );
  const spectrum = new Float32Array(FFT_SAMPLES);
  const frame = new Float32Array(FFT_SAMPLES);
  const bandOf = Array.from({ length: FFT_SAMPLES / 2 }, (_, bin) =>
    Math.min(BANDS - 1, Math.floor(bark((bin * SOUND_RATE_HZ) / FFT_SAMPLES))),
  );
  const bands = (sample: (i: number) => number): Float64Array => {
    for (let i = 0; i < FFT_SAMPLES; i += 1) frame[i] = sample(i) * window[i]!;
    fft.forward(frame, spectrum);
    const out = new Float64Array(BANDS);
    for (let bin = 1; bin < FFT_SAMPLES / 2; bin += 1)
      out[bandOf[bin]!]! += spectrum[2 * bin]! ** 2 + spectrum[2 * bin + 1]! ** 2;
    return out;
  };
  let sumDb = 0;
  let over = 0;
  let count = 0;
  for (const start of starts) {
    const signal = bands((i) => original[start + i]!);
    const noise = bands((i) => marked[start + i]! - original[start + i]!);
    for (let band = 0; band < BANDS; band += 1) {
      if (noise[band]! < 1e-12) continue;
      let mask = 0;
      for (let from = 0; from < BANDS; from += 1) {
        const spreadDb = from <= band ? UPWARD_DB * (band - from) : DOWNWARD_DB * (from - band);
        mask += signal[from]! * 10 ** (-spreadDb / 10);
      }
      const db = 10 * Math.log10(noise[band]! / (mask + 1e-12)) + OFFSET_DB;
      sumDb += db;
      over += db > 0 ? 1 : 0;
      count += 1;
    }
  }
  return { noiseToMaskDb: sumDb / count, bandsOverMask: over / count };
}

/** Critical bands below a frequency (Traunmüller 1990). */
function bark(hz: number): number {
  return Math.max(0, (26.81 * hz) / (1960 + hz) - 0.53);
}
