import { PER_OPENING, PER_WIDTH, TEMPLATE } from './face-prior-data.ts';

/** What is known of faces before one was seen: how they are shaped, and how that changes as lips open and widen. */
export interface FacePrior {
  /** 468 × (x, y, z), canonical units. */
  readonly template: Float32Array;
  /** Change of each coordinate per unit of lip opening, and of lip width. */
  readonly perOpening: Float32Array;
  readonly perWidth: Float32Array;
  /** Variance of opening and width in speech, per picture: what the prior weighs against what is seen. */
  readonly openingVariance: number;
  readonly widthVariance: number;
  /** Typical ranges in speech: 3rd and 96th percentile of opening, half the span of width. */
  readonly openingMin: number;
  readonly openingMax: number;
  readonly widthHalfRange: number;
}

export const FACE_PRIOR: FacePrior = {
  template: fractions(TEMPLATE, 16_000),
  perOpening: fractions(PER_OPENING, 8000),
  perWidth: fractions(PER_WIDTH, 8000),
  openingVariance: 9.2e-4,
  widthVariance: 2e-4,
  openingMin: 0.012,
  openingMax: 0.13,
  widthHalfRange: 0.03,
};

function fractions(base64: string, unit: number): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i) / unit);
}
