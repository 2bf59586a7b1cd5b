import type { CropArea } from '../../../pipeline/face/affine-crop.ts';
import type { Picture } from '../../../pipeline/face/picture.ts';
import { FACE_MARGIN } from './face-areas.ts';

const FIELDS = 16;
/** Samples a field, across and down. */
const SAMPLES = 3;
/** Standard deviation of luma below which nothing is to be seen of a face: a flash, or the dark. */
const MIN_DEVIATION = 3;

/**
 * What a face looks like, coarsely and whatever the light: means of fields in the face's own frame, as a vector of length 1 without its
 * mean. From picture to picture the product of two is above 0.85 for one person; it is below 0.6 when another takes the place.
 * @returns undefined where the picture shows too little
 */
export function faceLook({ widthPx, heightPx, bytes }: Picture, area: CropArea): Float32Array | undefined {
  const { centreX, centreY, sizePx, angleRad = 0 } = area;
  const [cos, sin] = [Math.cos(angleRad), Math.sin(angleRad)];
  const stepPx = sizePx / FACE_MARGIN / (FIELDS * SAMPLES);
  const look = new Float32Array(FIELDS * FIELDS);
  for (let row = 0; row < FIELDS * SAMPLES; row += 1)
    for (let column = 0; column < FIELDS * SAMPLES; column += 1) {
      const u = (column + 0.5 - (FIELDS * SAMPLES) / 2) * stepPx;
      const v = (row + 0.5 - (FIELDS * SAMPLES) / 2) * stepPx;
      const x = bound(Math.round(centreX + u * cos - v * sin), widthPx);
      const y = bound(Math.round(centreY + u * sin + v * cos), heightPx);
      look[Math.floor(row / SAMPLES) * FIELDS + Math.floor(column / SAMPLES)]! += bytes[y * widthPx + x]!;
    }
  const mean = look.reduce((sum, value) => sum + value, 0) / look.length;
  for (let i = 0; i < look.length; i += 1) look[i]! -= mean;
  const length = Math.hypot(...look);
  if (length < MIN_DEVIATION * SAMPLES ** 2 * FIELDS) return undefined;
  return look.map((value) => value / length);
}

export function likeness(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function bound(at: number, size: number): number {
  return Math.max(0, Math.min(size - 1, at));
}
