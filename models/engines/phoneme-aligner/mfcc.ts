/** Numbers a frame: 13 cepstral coefficients and 13 slopes. */
export const FEATURES = 26;
/** Time from one frame to the next. */
export const FRAME_STEP_MS = 10;
/** Centre of the first frame, ms from the start. */
export const FRAME_CENTRE_MS = 12;

const COEFFICIENTS = 13;
const FILTERS = 26;
const LOW_HZ = 80;
const HIGH_HZ = 7_000;

const melOf = (hz: number): number => 2595 * Math.log10(1 + hz / 700);
const hzOf = (mel: number): number => 700 * (10 ** (mel / 2595) - 1);

/** Every FFT has this many points: 25 ms at 16 kHz, 23 ms at 22.05 kHz and above are near enough to compare. */
const SIZE = 512;
const BITS = 9;

interface Tables {
  readonly length: number;
  readonly window: Float64Array;
  /** Bins of the triangular filters: first bin of each, and their weights one after the other. */
  readonly firsts: Int32Array;
  readonly weights: readonly Float64Array[];
}

const REVERSED = Uint16Array.from({ length: SIZE }, (_, i) => {
  let reversed = 0;
  for (let bit = 0; bit < BITS; bit++) reversed |= ((i >> bit) & 1) << (BITS - 1 - bit);
  return reversed;
});
const COSINE = Float64Array.from({ length: SIZE / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / SIZE));
const SINE = Float64Array.from({ length: SIZE / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / SIZE));
const DCT = Float64Array.from({ length: COEFFICIENTS * FILTERS }, (_, i) =>
  Math.cos((Math.PI * Math.floor(i / FILTERS) * ((i % FILTERS) + 0.5)) / FILTERS),
);

const tablesOf = new Map<number, Tables>();

function tables(rateHz: number): Tables {
  const known = tablesOf.get(rateHz);
  if (known !== undefined) return known;
  const length = Math.min(SIZE, Math.round(rateHz * 0.025));
  const step = (melOf(HIGH_HZ) - melOf(LOW_HZ)) / (FILTERS + 1);
  const edges = Array.from({ length: FILTERS + 2 }, (_, i) =>
    Math.round(((SIZE + 1) * hzOf(melOf(LOW_HZ) + step * i)) / rateHz),
  );
  const made: Tables = {
    length,
    window: Float64Array.from({ length }, (_, i) => 0.54 - 0.46 * Math.cos((2 * Math.PI * i) / (length - 1))),
    firsts: Int32Array.from(edges),
    weights: Array.from({ length: FILTERS }, (_, band) => {
      const [low, peak, high] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
      return Float64Array.from({ length: Math.max(0, high - low) }, (_, i) =>
        low + i < peak ? i / (peak - low) : (high - low - i) / Math.max(1, high - peak),
      );
    }),
  };
  tablesOf.set(rateHz, made);
  return made;
}

/** Radix-2 FFT in place; the input is in bit-reversed order already. */
function transform(re: Float64Array, im: Float64Array): void {
  for (let span = 2; span <= SIZE; span <<= 1) {
    const stride = SIZE / span;
    const half = span >> 1;
    for (let block = 0; block < SIZE; block += span) {
      for (let k = 0; k < half; k++) {
        const c = COSINE[k * stride]!;
        const s = SINE[k * stride]!;
        const a = block + k;
        const b = a + half;
        const tr = re[b]! * c - im[b]! * s;
        const ti = re[b]! * s + im[b]! * c;
        re[b] = re[a]! - tr;
        im[b] = im[a]! - ti;
        re[a]! += tr;
        im[a]! += ti;
      }
    }
  }
}

/** Features of a stretch of sound, one row of `FEATURES` numbers each 10 ms. */
export interface FrameFeatures {
  readonly count: number;
  readonly data: Float32Array;
  /** Mean power of each frame. */
  readonly power: Float32Array;
}

/**
 * Mel-frequency cepstral coefficients with slopes (Davis and Mermelstein 1980), normalised to mean 0 and variance 1
 * over the louder frames, so that two voices can be compared.
 * @param pcm mono at any rate from 16 kHz up
 */
export function mfcc(pcm: Float32Array, rateHz: number): FrameFeatures {
  const t = tables(rateHz);
  const step = (rateHz * FRAME_STEP_MS) / 1000;
  const count = Math.max(0, Math.floor((pcm.length - t.length) / step) + 1);
  const cepstra = new Float32Array(count * COEFFICIENTS);
  const power = new Float32Array(count);
  const re = new Float64Array(SIZE);
  const im = new Float64Array(SIZE);
  const even = new Float64Array(SIZE / 2);
  const odd = new Float64Array(SIZE / 2);
  // Two real frames go through one complex FFT: the second as the imaginary part.
  for (let frame = 0; frame < count; frame += 2) {
    re.fill(0);
    im.fill(0);
    power[frame] = load(pcm, Math.round(frame * step), t, re);
    if (frame + 1 < count) power[frame + 1] = load(pcm, Math.round((frame + 1) * step), t, im);
    transform(re, im);
    for (let k = 0; k < SIZE / 2; k++) {
      const mirror = (SIZE - k) % SIZE;
      const a = re[k]! + re[mirror]!;
      const b = im[k]! - im[mirror]!;
      const c = im[k]! + im[mirror]!;
      const d = re[mirror]! - re[k]!;
      even[k] = (a * a + b * b) / 4;
      odd[k] = (c * c + d * d) / 4;
    }
    cepstrum(even, t, cepstra, frame * COEFFICIENTS);
    if (frame + 1 < count) cepstrum(odd, t, cepstra, (frame + 1) * COEFFICIENTS);
  }
  normalise(cepstra, power);
  return { count, data: withSlopes(cepstra, count), power };
}

/** Puts one frame, pre-emphasised and windowed, into the FFT's order. @returns its mean power */
function load(pcm: Float32Array, start: number, { length, window }: Tables, into: Float64Array): number {
  let energy = 0;
  let last = start > 0 ? pcm[start - 1]! : 0;
  for (let i = 0; i < length; i++) {
    const sample = pcm[start + i]!;
    energy += sample * sample;
    into[REVERSED[i]!] = (sample - 0.97 * last) * window[i]!;
    last = sample;
  }
  return energy / length;
}

const bands = new Float64Array(FILTERS);

function cepstrum(spectrum: Float64Array, { firsts, weights }: Tables, into: Float32Array, at: number): void {
  for (let band = 0; band < FILTERS; band++) {
    const first = firsts[band]!;
    const filter = weights[band]!;
    let sum = 1e-7;
    for (let k = 0; k < filter.length; k++) sum += spectrum[first + k]! * filter[k]!;
    bands[band] = Math.log(sum);
  }
  for (let c = 0; c < COEFFICIENTS; c++) {
    let sum = 0;
    for (let band = 0; band < FILTERS; band++) sum += DCT[c * FILTERS + band]! * bands[band]!;
    into[at + c] = sum;
  }
}

function normalise(cepstra: Float32Array, power: Float32Array): void {
  let loudest = 0;
  for (const value of power) loudest = Math.max(loudest, value);
  for (let c = 0; c < COEFFICIENTS; c++) {
    let sum = 0;
    let squares = 0;
    let loud = 0;
    for (let frame = 0; frame < power.length; frame++) {
      if (power[frame]! <= loudest * 1e-4) continue;
      const value = cepstra[frame * COEFFICIENTS + c]!;
      sum += value;
      squares += value * value;
      loud++;
    }
    const mean = loud > 0 ? sum / loud : 0;
    const deviation = Math.sqrt(Math.max(1e-6, loud > 0 ? squares / loud - mean * mean : 1));
    // The loudness coefficient counts half, and silence is not infinitely far away.
    const weight = c === 0 ? 0.5 : 1;
    for (let at = c; at < cepstra.length; at += COEFFICIENTS) {
      cepstra[at] = Math.max(-3.5, (cepstra[at]! - mean) / deviation) * weight;
    }
  }
}

function withSlopes(cepstra: Float32Array, count: number): Float32Array {
  const data = new Float32Array(count * FEATURES);
  for (let frame = 0; frame < count; frame++) {
    const before = Math.max(0, frame - 2) * COEFFICIENTS;
    const after = Math.min(count - 1, frame + 2) * COEFFICIENTS;
    for (let c = 0; c < COEFFICIENTS; c++) {
      data[frame * FEATURES + c] = cepstra[frame * COEFFICIENTS + c]!;
      data[frame * FEATURES + COEFFICIENTS + c] = 0.6 * (cepstra[after + c]! - cepstra[before + c]!);
    }
  }
  return data;
}
