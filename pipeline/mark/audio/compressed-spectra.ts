import { createRealFft, type RealFft } from '../fft.ts';

/** Rate at which marks are looked for. */
export const DETECT_RATE_HZ = 16_000;
export const HOP = 128;
const SIZE = 512;
export const BINS = SIZE / 2 + 1;
export const BIN_HZ = DETECT_RATE_HZ / SIZE;
/** Keeps digital silence finite; far below any recording's noise. */
const FLOOR = 1e-9;

const SCALE = 75;

const WINDOW = Float32Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE));

/**
 * Powers of a clip's short-time spectrum, compressed, `BINS` of them every 8 ms. The sixteenth root lies near the logarithm, to
 * which a change of level is the same at every level, but lets quiet bins, which noise spoils first, count for less. Scaled so
 * that a decibel is about 1.
 */
export interface CompressedSpectra {
  readonly frames: number;
  readonly levels: Float32Array;
}

/** Short-time spectra of 16 kHz sound. */
export class SpectrumAnalyser {
  readonly #fft: RealFft;
  readonly #frame = new Float32Array(SIZE);
  readonly #spectrum = new Float32Array(SIZE);

  private constructor(fft: RealFft) {
    this.#fft = fft;
  }

  static async create(): Promise<SpectrumAnalyser> {
    return new SpectrumAnalyser(await createRealFft(SIZE));
  }

  /** Frames that fit into the samples whole. */
  analyse(samples: Float32Array): CompressedSpectra {
    const frames = Math.max(0, Math.floor((samples.length - SIZE) / HOP) + 1);
    const levels = new Float32Array(frames * BINS);
    const spectrum = this.#spectrum;
    for (let f = 0; f < frames; f += 1) {
      for (let i = 0; i < SIZE; i += 1) this.#frame[i] = samples[f * HOP + i]! * WINDOW[i]!;
      this.#fft.forward(this.#frame, spectrum);
      const at = f * BINS;
      levels[at] = compress(spectrum[0]! ** 2);
      levels[at + BINS - 1] = compress(spectrum[1]! ** 2);
      for (let k = 1; k < BINS - 1; k += 1)
        levels[at + k] = compress(spectrum[2 * k]! ** 2 + spectrum[2 * k + 1]! ** 2);
    }
    return { frames, levels };
  }
}

function compress(power: number): number {
  return SCALE * Math.sqrt(Math.sqrt(Math.sqrt(Math.sqrt(power + FLOOR))));
}

/** The power that `compress` made a level of. */
export function powerOf(level: number): number {
  const fourth = (level / SCALE) ** 4;
  return fourth * fourth * fourth * fourth;
}
