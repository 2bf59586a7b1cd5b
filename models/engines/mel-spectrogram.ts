export interface MelOptions {
  readonly sampleRateHz: number;
  /** Window and transform length; factors of 2, 3 and 5 are fast. */
  readonly windowSamples: number;
  readonly hopSamples: number;
  readonly bands: number;
  /** Where the first triangle begins. Default 0. */
  readonly lowHz?: number;
  /** Where the last triangle ends. Default half the sample rate. */
  readonly highHz?: number;
  /** What the triangles weigh. Default `power`. */
  readonly of?: 'power' | 'magnitude';
}

/**
 * Mel spectrogram as librosa computes it by default (https://librosa.org/doc/latest/generated/librosa.feature.melspectrogram.html):
 * periodic Hann window, centred frames with reflected edges, Slaney's mel scale, area-normalised triangles, no logarithm.
 */
export class MelSpectrogram {
  readonly #options: MelOptions;
  readonly #window: Float64Array;
  readonly #fft: MixedRadixFft;
  readonly #bands: readonly { readonly from: number; readonly weights: Float64Array }[];
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  constructor(options: MelOptions) {
    this.#options = options;
    const n = options.windowSamples;
    this.#window = Float64Array.from({ length: n }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n));
    this.#fft = new MixedRadixFft(n);
    this.#bands = melBands(options);
    this.#re = new Float64Array(n);
    this.#im = new Float64Array(n);
  }

  /** Frames for so many samples. */
  frames(samples: number): number {
    return 1 + Math.floor(samples / this.#options.hopSamples);
  }

  /**
   * @param pcm mono at the spectrogram's rate
   * @param count frames wanted, from the first; default all
   * @returns [frame][band], row-major
   */
  compute(pcm: Float32Array, count = this.frames(pcm.length)): Float32Array {
    const { windowSamples: n, hopSamples, bands, of = 'power' } = this.#options;
    const out = new Float32Array(count * bands);
    const at = (i: number): number => {
      const last = pcm.length - 1;
      const inside = i < 0 ? -i : i > last ? 2 * last - i : i;
      return pcm[inside] ?? 0;
    };
    // Two real frames make one complex transform: even part and odd part come apart again.
    for (let frame = 0; frame < count; frame += 2) {
      const start = frame * hopSamples - n / 2;
      for (let i = 0; i < n; i++) {
        this.#re[i] = at(start + i) * this.#window[i]!;
        this.#im[i] = at(start + hopSamples + i) * this.#window[i]!;
      }
      const { re, im } = this.#fft.transform(this.#re, this.#im);
      for (let band = 0; band < bands; band++) {
        const { from, weights } = this.#bands[band]!;
        let first = 0;
        let second = 0;
        for (let j = 0; j < weights.length; j++) {
          const k = from + j;
          const mirror = k === 0 ? 0 : n - k;
          const a = re[k]! + re[mirror]!;
          const b = im[k]! - im[mirror]!;
          const c = im[k]! + im[mirror]!;
          const d = re[mirror]! - re[k]!;
          const [power, nextPower] = [(a * a + b * b) / 4, (c * c + d * d) / 4];
          first += weights[j]! * (of === 'power' ? power : Math.sqrt(power));
          second += weights[j]! * (of === 'power' ? nextPower : Math.sqrt(nextPower));
        }
        out[frame * bands + band] = first;
        if (frame + 1 < count) out[(frame + 1) * bands + band] = second;
      }
    }
    return out;
  }
}

/** Slaney's scale: linear below 1 kHz, logarithmic above. */
function hzToMel(hz: number): number {
  return hz < 1000 ? hz / (200 / 3) : 15 + Math.log(hz / 1000) / (Math.log(6.4) / 27);
}

function melToHz(mel: number): number {
  return mel < 15 ? mel * (200 / 3) : 1000 * Math.exp((mel - 15) * (Math.log(6.4) / 27));
}

/** The triangles' non-zero weights over the transform's bins. */
export function melBands(options: MelOptions): { from: number; weights: Float64Array }[] {
  const { sampleRateHz, windowSamples, bands, lowHz = 0, highHz = sampleRateHz / 2 } = options;
  const bottom = hzToMel(lowHz);
  const span = hzToMel(highHz) - bottom;
  const edges = Array.from({ length: bands + 2 }, (_, i) => melToHz(bottom + (span * i) / (bands + 1)));
  return Array.from({ length: bands }, (_, band) => {
    const [low, mid, high] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
    const weights: number[] = [];
    let from = 0;
    for (let bin = 0; bin <= windowSamples / 2; bin++) {
      const hz = (bin * sampleRateHz) / windowSamples;
      const weight = Math.max(0, Math.min((hz - low) / (mid - low), (high - hz) / (high - mid)));
      if (weight <= 0) continue;
      if (weights.length === 0) from = bin;
      weights.push((weight * 2) / (high - low));
    }
    return { from, weights: Float64Array.from(weights) };
  });
}

/** Complex forward transform of any length whose factors are small (Cooley and Tukey, decimation in time). */
export class MixedRadixFft {
  readonly #n: number;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #order: Int32Array;
  readonly #factors: readonly number[];
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  constructor(n: number) {
    this.#n = n;
    this.#cos = Float64Array.from({ length: n }, (_, i) => Math.cos((2 * Math.PI * i) / n));
    this.#sin = Float64Array.from({ length: n }, (_, i) => -Math.sin((2 * Math.PI * i) / n));
    const factors: number[] = [];
    for (let rest = n, p = 2; rest > 1; ) {
      if (rest % p === 0) {
        factors.push(p);
        rest /= p;
      } else p++;
    }
    this.#factors = factors;
    this.#order = digitReversal(n, factors);
    this.#re = new Float64Array(n);
    this.#im = new Float64Array(n);
  }

  /** The result is valid until the next call. */
  transform(inRe: Float64Array, inIm: Float64Array): { re: Float64Array; im: Float64Array } {
    const [n, re, im] = [this.#n, this.#re, this.#im];
    for (let i = 0; i < n; i++) {
      re[i] = inRe[this.#order[i]!]!;
      im[i] = inIm[this.#order[i]!]!;
    }
    const tr = new Float64Array(8);
    const ti = new Float64Array(8);
    let size = 1;
    for (const p of this.#factors) {
      const next = size * p;
      const stride = n / next;
      for (let block = 0; block < n; block += next) {
        for (let j = 0; j < size; j++) {
          for (let q = 0; q < p; q++) {
            const i = block + j + q * size;
            const w = (q * j * stride) % n;
            tr[q] = re[i]! * this.#cos[w]! - im[i]! * this.#sin[w]!;
            ti[q] = re[i]! * this.#sin[w]! + im[i]! * this.#cos[w]!;
          }
          for (let r = 0; r < p; r++) {
            let sumRe = tr[0]!;
            let sumIm = ti[0]!;
            for (let q = 1; q < p; q++) {
              const w = ((q * r) % p) * (n / p);
              sumRe += tr[q]! * this.#cos[w]! - ti[q]! * this.#sin[w]!;
              sumIm += tr[q]! * this.#sin[w]! + ti[q]! * this.#cos[w]!;
            }
            const i = block + j + r * size;
            re[i] = sumRe;
            im[i] = sumIm;
          }
        }
      }
      size = next;
    }
    return { re, im };
  }
}

/** Where each input goes before the first butterfly; the first factor is that of the innermost stage. */
function digitReversal(n: number, factors: readonly number[]): Int32Array {
  const place = (indices: readonly number[], stage: number): readonly number[] => {
    const p = factors[stage];
    if (p === undefined) return indices;
    const parts: number[] = [];
    for (let q = 0; q < p; q++) {
      const part = indices.filter((_, i) => i % p === q);
      parts.push(...place(part, stage - 1));
    }
    return parts;
  };
  const all = Array.from({ length: n }, (_, i) => i);
  return Int32Array.from(place(all, factors.length - 1));
}
