import { LOWER_INNER_LIP, LOWER_OUTER_LIP, UPPER_INNER_LIP, UPPER_OUTER_LIP } from './topology.ts';

/** What a mouth does, in canonical units (distances between the outer corners of the eyes). */
export interface LipShape {
  /** Between the inner contours. */
  readonly opening: number;
  /** Between the corners. */
  readonly width: number;
}

const RIGHT_CORNER = 61;
const LEFT_CORNER = 291;

/** @param canonical as `canonicalShape` */
export function lipShape(canonical: Float32Array): LipShape {
  const c = canonical;
  const distance = (a: number, b: number) => Math.hypot(c[a * 3]! - c[b * 3]!, c[a * 3 + 1]! - c[b * 3 + 1]!);
  return {
    opening: (2 * distance(13, 14) + distance(82, 87) + distance(312, 317)) / 4,
    width: distance(RIGHT_CORNER, LEFT_CORNER),
  };
}

/** How far the lips are from being mirror images of themselves: large in grimaces. Canonical units. */
export function lipAsymmetry(canonical: Float32Array): number {
  const c = canonical;
  const middle = 2 * c[3]!;
  let sum = 0;
  for (let i = 0; i < 5; i += 1)
    for (const contour of [UPPER_OUTER_LIP, LOWER_OUTER_LIP, UPPER_INNER_LIP, LOWER_INNER_LIP]) {
      const right = contour[i]! * 3;
      const left = contour[10 - i]! * 3;
      sum += Math.abs(c[right + 1]! - c[left + 1]!) + Math.abs(c[right]! + c[left]! - middle);
    }
  return sum / 20;
}
