import type { FacePrior } from './face-prior.ts';
import type { LipShape } from './lip-shape.ts';

/** Range of a speaker's lips while speaking, canonical units. */
export interface LipRange {
  readonly openingMin: number;
  readonly openingMax: number;
  readonly widthMin: number;
  readonly widthMiddle: number;
  readonly widthMax: number;
  /** Median of `lipAsymmetry`. */
  readonly asymmetry: number;
}

/** The running mean looks back over so many pictures. */
const MEAN_PICTURES = 200;
/** What the prior weighs, in pictures. */
const PRIOR_PICTURES = 30;
/** Sums fade over so many pictures: a stream of hours stays able to change. */
const MEMORY_PICTURES = 1500;
/** The prior's share in the range is gone after so many pictures. */
const LEARNT_PICTURES = 75;
/** Who speaks may keep the lips apart for long: that they cannot meet is believed only after so many. */
const CLOSED_PICTURES = 750;
const UPDATE_EVERY = 5;
const COORDINATES = 1404;

/**
 * How one person's face is shaped, and how that changes with the lips: mean and a ridge regression on opening and width, towards a
 * prior, updated with every picture. Memory does not grow.
 */
export class SpeakerModel {
  /** 468 × (x, y, z), canonical units. */
  readonly mean: Float64Array;
  readonly perOpening: Float64Array;
  readonly perWidth: Float64Array;
  readonly #prior: FacePrior;
  readonly #openings: number[] = [];
  readonly #widths: number[] = [];
  readonly #asymmetries: number[] = [];
  readonly #byOpening = new Float64Array(COORDINATES);
  readonly #byWidth = new Float64Array(COORDINATES);
  #variance = { opening: 0, both: 0, width: 0 };
  #meanOpening = 0;
  #meanWidth = 0;
  #pictures = 0;
  #range: LipRange | undefined;

  constructor(prior: FacePrior) {
    this.#prior = prior;
    this.mean = Float64Array.from(prior.template);
    this.perOpening = Float64Array.from(prior.perOpening);
    this.perWidth = Float64Array.from(prior.perWidth);
  }

  /** Pictures it has learnt from. */
  get pictures(): number {
    return this.#pictures;
  }

  get meanLips(): { readonly opening: number; readonly width: number } {
    return { opening: this.#meanOpening, width: this.#meanWidth };
  }

  /** Undefined before the first picture. */
  get range(): LipRange | undefined {
    return this.#range;
  }

  learn(canonical: Float32Array, lips: LipShape, asymmetry: number): void {
    this.#pictures += 1;
    const n = this.#pictures;
    if (n === 1) {
      this.mean.set(canonical);
      this.#meanOpening = lips.opening;
      this.#meanWidth = lips.width;
    }
    remember(this.#openings, lips.opening);
    remember(this.#widths, lips.width);
    remember(this.#asymmetries, asymmetry);
    const step = 1 / Math.min(n, MEAN_PICTURES);
    const fade = 1 - 1 / MEMORY_PICTURES;
    const opening = lips.opening - this.#meanOpening;
    const width = lips.width - this.#meanWidth;
    for (let i = 0; i < COORDINATES; i += 1) {
      const off = canonical[i]! - this.mean[i]!;
      this.#byOpening[i] = this.#byOpening[i]! * fade + opening * off;
      this.#byWidth[i] = this.#byWidth[i]! * fade + width * off;
      this.mean[i]! += step * off;
    }
    this.#meanOpening += step * opening;
    this.#meanWidth += step * width;
    const v = this.#variance;
    this.#variance = {
      opening: v.opening * fade + opening * opening,
      both: v.both * fade + opening * width,
      width: v.width * fade + width * width,
    };
    if (n < UPDATE_EVERY || n % UPDATE_EVERY === 0) this.#update();
  }

  /** What is particular about a shape: what the lips' opening and width do not explain. @param out 1404 */
  residual(canonical: Float32Array, lips: LipShape, out: Float32Array): Float32Array {
    const opening = lips.opening - this.#meanOpening;
    const width = lips.width - this.#meanWidth;
    for (let i = 0; i < COORDINATES; i += 1)
      out[i] = canonical[i]! - this.mean[i]! - this.perOpening[i]! * opening - this.perWidth[i]! * width;
    return out;
  }

  #update(): void {
    const prior = this.#prior;
    const openingPrior = PRIOR_PICTURES * prior.openingVariance;
    const widthPrior = PRIOR_PICTURES * prior.widthVariance;
    const a = this.#variance.opening + openingPrior;
    const b = this.#variance.both;
    const c = this.#variance.width + widthPrior;
    const scale = 1 / (a * c - b * b);
    for (let i = 0; i < COORDINATES; i += 1) {
      const u = this.#byOpening[i]! + openingPrior * prior.perOpening[i]!;
      const v = this.#byWidth[i]! + widthPrior * prior.perWidth[i]!;
      this.perOpening[i] = (c * u - b * v) * scale;
      this.perWidth[i] = (a * v - b * u) * scale;
    }
    this.#range = this.#learnRange();
  }

  #learnRange(): LipRange {
    const { openingMin, openingMax, widthHalfRange } = this.#prior;
    const openings = Float64Array.from(this.#openings).sort();
    const widths = Float64Array.from(this.#widths).sort();
    const seen = Math.min(1, this.#pictures / LEARNT_PICTURES);
    const low = percentile(openings, 0.03);
    const middle = percentile(widths, 0.5);
    const closed = Math.min(1, this.#pictures / CLOSED_PICTURES);
    const between = (known: number, assumed: number) => seen * known + (1 - seen) * assumed;
    return {
      openingMin: low > openingMin ? openingMin + closed * (low - openingMin) : low,
      openingMax: Math.max(percentile(openings, 0.96), between(0.5 * openingMax, openingMax)),
      widthMin: Math.min(
        between(percentile(widths, 0.08), this.#meanWidth - widthHalfRange),
        middle - 0.5 * widthHalfRange,
      ),
      widthMiddle: middle,
      widthMax: Math.max(
        between(percentile(widths, 0.92), this.#meanWidth + widthHalfRange),
        middle + 0.5 * widthHalfRange,
      ),
      asymmetry: percentile(Float64Array.from(this.#asymmetries).sort(), 0.5),
    };
  }
}

function remember(values: number[], value: number): void {
  values.push(value);
  if (values.length > MEMORY_PICTURES) values.shift();
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
