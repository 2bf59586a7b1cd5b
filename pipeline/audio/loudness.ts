import { LivedubError } from '../errors.ts';

/** Below this a block counts as silence and takes no part in the integrated loudness (BS.1770-4, absolute gate). */
const ABSOLUTE_GATE_LUFS = -70;
const RELATIVE_GATE_LU = -10;
/** Gated blocks are kept in a histogram, so memory stays flat; its step bounds the error of the relative gate. */
const HISTOGRAM_STEP_LU = 0.01;
const HISTOGRAM_TOP_LUFS = 10;
const HISTOGRAM_BINS = Math.round((HISTOGRAM_TOP_LUFS - ABSOLUTE_GATE_LUFS) / HISTOGRAM_STEP_LU);
/** 100 ms sub-blocks: 4 make a momentary block, 30 a short-term block. */
const MOMENTARY_PARTS = 4;
const SHORT_TERM_PARTS = 30;

export interface LoudnessMeterOptions {
  /** 1 or 2. A mono programme is measured as one channel: 3 LU less than the same sound on two. */
  readonly channels: number;
  /** Default 48 000. */
  readonly sampleRateHz?: number;
}

/**
 * Streaming loudness meter after ITU-R BS.1770-4 and EBU R 128 / Tech 3341: K-weighting, 400 ms blocks that overlap by
 * 75 %, absolute and relative gate. All readings are in LUFS; −Infinity before enough sound has come.
 */
export class LoudnessMeter {
  readonly #channels: number;
  readonly #partSamples: number;
  readonly #shelf: Biquad;
  readonly #highPass: Biquad;
  /** Per channel: two delays of the shelf, two of the high-pass. */
  readonly #state: Float64Array;
  readonly #parts = new Float64Array(SHORT_TERM_PARTS);
  readonly #blockCounts = new Uint32Array(HISTOGRAM_BINS);
  readonly #blockEnergies = new Float64Array(HISTOGRAM_BINS);
  #partsSeen = 0;
  #partEnergy = 0;
  #partFill = 0;

  constructor(options: LoudnessMeterOptions) {
    const { channels, sampleRateHz = 48_000 } = options;
    if (channels !== 1 && channels !== 2) {
      throw new LivedubError(
        'LIVEDUB_E_BAD_REQUEST',
        `Loudness is measured on 1 or 2 channels, not ${channels}.`,
      );
    }
    this.#channels = channels;
    this.#partSamples = Math.round(sampleRateHz / 10);
    this.#shelf = headShelf(sampleRateHz);
    this.#highPass = weightingHighPass(sampleRateHz);
    this.#state = new Float64Array(channels * 4);
  }

  /** Takes the next sound: one plane per channel, all of the same length. */
  process(planes: readonly Float32Array[]): void {
    const length = planes[0]?.length ?? 0;
    for (let at = 0; at < length; ) {
      const end = Math.min(length, at + this.#partSamples - this.#partFill);
      for (let channel = 0; channel < this.#channels; channel++) {
        this.#partEnergy += this.#weightedEnergy(planes[channel]!, channel, at, end);
      }
      this.#partFill += end - at;
      at = end;
      if (this.#partFill === this.#partSamples) this.#closePart();
    }
  }

  /** Loudness of the last 400 ms. */
  get momentaryLufs(): number {
    return this.#partsSeen < MOMENTARY_PARTS
      ? Number.NEGATIVE_INFINITY
      : toLufs(this.#meanOfLast(MOMENTARY_PARTS));
  }

  /** Loudness of the last 3 s. */
  get shortTermLufs(): number {
    return this.#partsSeen < SHORT_TERM_PARTS
      ? Number.NEGATIVE_INFINITY
      : toLufs(this.#meanOfLast(SHORT_TERM_PARTS));
  }

  /** Gated loudness of everything since the start or the last reset. */
  get integratedLufs(): number {
    const ungated = this.#gatedMean(0);
    if (ungated === 0) return Number.NEGATIVE_INFINITY;
    const gateLufs = toLufs(ungated) + RELATIVE_GATE_LU;
    return toLufs(this.#gatedMean(binOf(gateLufs)));
  }

  reset(): void {
    this.#state.fill(0);
    this.#parts.fill(0);
    this.#blockCounts.fill(0);
    this.#blockEnergies.fill(0);
    this.#partsSeen = 0;
    this.#partEnergy = 0;
    this.#partFill = 0;
  }

  #weightedEnergy(plane: Float32Array, channel: number, from: number, to: number): number {
    const s = this.#shelf;
    const h = this.#highPass;
    const offset = channel * 4;
    let s1 = this.#state[offset]!;
    let s2 = this.#state[offset + 1]!;
    let h1 = this.#state[offset + 2]!;
    let h2 = this.#state[offset + 3]!;
    const { b0, b1, b2, a1, a2 } = s;
    const c1 = h.a1;
    const c2 = h.a2;
    let energy = 0;
    for (let i = from; i < to; i++) {
      const x = plane[i]!;
      // Transposed direct form II; the high-pass numerator is 1, −2, 1.
      const y = b0 * x + s1;
      s1 = b1 * x - a1 * y + s2;
      s2 = b2 * x - a2 * y;
      const z = y + h1;
      h1 = -2 * y - c1 * z + h2;
      h2 = y - c2 * z;
      energy += z * z;
    }
    // Denormal numbers after the end of a sound would make every later sample many times slower.
    this.#state[offset] = settle(s1);
    this.#state[offset + 1] = settle(s2);
    this.#state[offset + 2] = settle(h1);
    this.#state[offset + 3] = settle(h2);
    return energy;
  }

  #closePart(): void {
    this.#parts[this.#partsSeen % SHORT_TERM_PARTS] = this.#partEnergy / this.#partSamples;
    this.#partsSeen++;
    this.#partEnergy = 0;
    this.#partFill = 0;
    if (this.#partsSeen < MOMENTARY_PARTS) return;
    const energy = this.#meanOfLast(MOMENTARY_PARTS);
    const lufs = toLufs(energy);
    if (lufs < ABSOLUTE_GATE_LUFS) return;
    const bin = binOf(lufs);
    this.#blockCounts[bin]!++;
    this.#blockEnergies[bin]! += energy;
  }

  #meanOfLast(count: number): number {
    let sum = 0;
    for (let i = 1; i <= count; i++) sum += this.#parts[(this.#partsSeen - i) % SHORT_TERM_PARTS]!;
    return sum / count;
  }

  #gatedMean(fromBin: number): number {
    let count = 0;
    let energy = 0;
    for (let bin = fromBin; bin < HISTOGRAM_BINS; bin++) {
      count += this.#blockCounts[bin]!;
      energy += this.#blockEnergies[bin]!;
    }
    return count === 0 ? 0 : energy / count;
  }
}

/** Integrated loudness of one whole sound, LUFS. */
export function integratedLoudness(planes: readonly Float32Array[], sampleRateHz = 48_000): number {
  const meter = new LoudnessMeter({ channels: planes.length, sampleRateHz });
  meter.process(planes);
  return meter.integratedLufs;
}

interface Biquad {
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly a1: number;
  readonly a2: number;
}

/*
 * BS.1770-4 gives the coefficients for 48 kHz only; these are the analogue prototypes behind them, so that other rates
 * are weighted alike (the derivation libebur128 and FFmpeg use).
 */
function headShelf(sampleRateHz: number): Biquad {
  const q = 0.7071752369554196;
  const k = Math.tan((Math.PI * 1681.974450955533) / sampleRateHz);
  const vh = 10 ** (3.999843853973347 / 20);
  const vb = vh ** 0.4996667741545416;
  const a0 = 1 + k / q + k * k;
  return {
    b0: (vh + (vb * k) / q + k * k) / a0,
    b1: (2 * (k * k - vh)) / a0,
    b2: (vh - (vb * k) / q + k * k) / a0,
    a1: (2 * (k * k - 1)) / a0,
    a2: (1 - k / q + k * k) / a0,
  };
}

function weightingHighPass(sampleRateHz: number): Biquad {
  const q = 0.5003270373238773;
  const k = Math.tan((Math.PI * 38.13547087602444) / sampleRateHz);
  const a0 = 1 + k / q + k * k;
  return { b0: 1, b1: -2, b2: 1, a1: (2 * (k * k - 1)) / a0, a2: (1 - k / q + k * k) / a0 };
}

function toLufs(energy: number): number {
  return energy > 0 ? -0.691 + 10 * Math.log10(energy) : Number.NEGATIVE_INFINITY;
}

function binOf(lufs: number): number {
  return Math.max(
    0,
    Math.min(HISTOGRAM_BINS - 1, Math.floor((lufs - ABSOLUTE_GATE_LUFS) / HISTOGRAM_STEP_LU)),
  );
}

function settle(x: number): number {
  return Math.abs(x) < 1e-15 ? 0 : x;
}
