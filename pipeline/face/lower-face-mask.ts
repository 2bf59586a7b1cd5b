import { type CropMask, type CropPlace, inCrop } from './affine-paste.ts';
import { JAW } from './topology.ts';

/** The upper edge, from below the left cheekbone along the base of the nose to the right one. */
const UPPER_EDGE = [411, 326, 2, 97, 187] as const;
const LIPS_MIDDLE = 13;
/** How far the jaw may drop below where it was filmed, and how much is left of the sides, from the middle of the lips. */
const JAW_DROP = 1.12;
const SIDES = 0.94;
/** Half the width of the soft edge, as a share of the crop. */
const FEATHER = 0.05;

/**
 * What is shown of a crop in which a lower face was made anew: from the base of the nose to a little below the chin, with soft edges.
 * @param landmarks FACE_POINTS × (x, y, z), px of the picture
 * @returns a mask of the crop's own resolution
 */
export function lowerFaceMask(landmarks: Float32Array, place: CropPlace): CropMask {
  const at = (point: number) => inCrop(place, landmarks[point * 3]!, landmarks[point * 3 + 1]!);
  const [middleX, middleY] = at(LIPS_MIDDLE);
  const jaw = JAW.map((point) => {
    const [x, y] = at(point);
    return [middleX + SIDES * (x - middleX), middleY + (y > middleY ? JAW_DROP : 1) * (y - middleY)] as const;
  });
  const { sizePx } = place;
  const alpha = new Float32Array(sizePx * sizePx);
  fill(alpha, sizePx, [...jaw, ...UPPER_EDGE.map(at)]);
  // Two boxes make a soft edge without corners.
  const reach = Math.max(1, Math.round((FEATHER * sizePx) / 2));
  for (const step of [1, sizePx]) for (let pass = 0; pass < 2; pass++) blur(alpha, sizePx, step, reach);
  return { sizePx, alpha };
}

/** Sets what lies inside a polygon to 1, by the even-odd rule at pixel centres. */
function fill(alpha: Float32Array, sizePx: number, polygon: readonly (readonly [number, number])[]): void {
  for (let y = 0; y < sizePx; y++) {
    const crossings: number[] = [];
    for (const [i, [x0, y0]] of polygon.entries()) {
      const [x1, y1] = polygon[(i + 1) % polygon.length]!;
      if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) * (x1 - x0)) / (y1 - y0));
    }
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i]!));
      const to = Math.min(sizePx - 1, Math.floor(crossings[i + 1]!));
      if (to >= from) alpha.fill(1, y * sizePx + from, y * sizePx + to + 1);
    }
  }
}

/** Mean of each value and `reach` neighbours on both sides, along rows (`step` 1) or columns; beyond the crop nothing is seen. */
function blur(alpha: Float32Array, sizePx: number, step: number, reach: number): void {
  const across = step === 1 ? sizePx : 1;
  const line = new Float32Array(sizePx);
  for (let n = 0; n < sizePx; n++) {
    const start = n * across;
    let sum = 0;
    for (let i = 0; i < Math.min(reach, sizePx); i++) sum += alpha[start + i * step]!;
    for (let i = 0; i < sizePx; i++) {
      if (i + reach < sizePx) sum += alpha[start + (i + reach) * step]!;
      if (i > reach) sum -= alpha[start + (i - reach - 1) * step]!;
      line[i] = sum / (2 * reach + 1);
    }
    // Sums of floats keep a crumb where nothing is left.
    for (let i = 0; i < sizePx; i++) alpha[start + i * step] = line[i]! < 1e-4 ? 0 : line[i]!;
  }
}
