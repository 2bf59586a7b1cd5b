import type { CropArea } from '../../../pipeline/face/affine-crop.ts';
import type { FoundFace } from './blaze-face.ts';

/** How much larger than the face the square is that FaceMesh sees. */
export const FACE_MARGIN = 1.5;
const RIGHT_EYE = [33, 133] as const;
const LEFT_EYE = [362, 263] as const;
const EYE_MARGIN = 2.3;

/** Where FaceMesh is to look after a detection. */
export function areaOfFound({ centreX, centreY, widthPx, heightPx, angleRad }: FoundFace): CropArea {
  return { centreX, centreY, sizePx: Math.max(widthPx, heightPx) * FACE_MARGIN, angleRad };
}

/** Where FaceMesh is to look in the next picture: upright by the eyes, round the whole mesh. @param points (x, y, z) each, px */
export function areaOfMesh(points: Float32Array): CropArea {
  const [right, left] = [RIGHT_EYE[0] * 3, LEFT_EYE[1] * 3];
  const angleRad = Math.atan2(points[left + 1]! - points[right + 1]!, points[left]! - points[right]!);
  const [cos, sin] = [Math.cos(angleRad), Math.sin(angleRad)];
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i]! * cos + points[i + 1]! * sin;
    const y = points[i + 1]! * cos - points[i]! * sin;
    if (x < minX) minX = x;
    if (x > maxX) maxX = x;
    if (y < minY) minY = y;
    if (y > maxY) maxY = y;
  }
  const [x, y] = [(minX + maxX) / 2, (minY + maxY) / 2];
  return {
    centreX: x * cos - y * sin,
    centreY: x * sin + y * cos,
    sizePx: Math.max(maxX - minX, maxY - minY) * FACE_MARGIN,
    angleRad,
  };
}

/** A face that moves less than this within its square, in sides of it, and turns less, is looked at through the same square. */
const STEADY = 0.04;
const STEADY_RAD = 0.04;

/**
 * Leaves the square where it was while the face hardly moves: every change of the samples' places changes the mesh a little, and so a
 * picture that stands still would have a mesh that does not.
 */
export function steadied(next: CropArea, former: CropArea): CropArea {
  const limit = STEADY * former.sizePx;
  const isSteady =
    Math.abs(next.centreX - former.centreX) < limit &&
    Math.abs(next.centreY - former.centreY) < limit &&
    Math.abs(next.sizePx - former.sizePx) < limit &&
    Math.abs((next.angleRad ?? 0) - (former.angleRad ?? 0)) < STEADY_RAD;
  return isSteady ? former : next;
}

/** Round each eye, the person's right one first, turned as the head is. The network knows right eyes: left ones are mirrored. */
export function areasOfEyes(points: Float32Array): readonly [CropArea, CropArea] {
  const { angleRad } = areaOfMesh(points);
  const around = ([a, b]: readonly [number, number], mirrored: boolean): CropArea => {
    const [ax, ay, bx, by] = [points[a * 3]!, points[a * 3 + 1]!, points[b * 3]!, points[b * 3 + 1]!];
    return {
      centreX: (ax + bx) / 2,
      centreY: (ay + by) / 2,
      sizePx: Math.hypot(bx - ax, by - ay) * EYE_MARGIN,
      ...(angleRad === undefined ? {} : { angleRad }),
      mirrored,
    };
  };
  return [around(RIGHT_EYE, false), around(LEFT_EYE, true)];
}

/**
 * Points of a crop to where they are in the picture.
 * @param points (x, y, z) each, samples of the crop with edges at whole numbers
 * @param cropSize samples a side
 * @returns px, pixel centres at whole numbers; z on the same scale
 */
export function toPicture(points: Float32Array, area: CropArea, cropSize: number): Float32Array {
  const { centreX, centreY, sizePx, angleRad = 0, mirrored = false } = area;
  const scale = sizePx / cropSize;
  const [cos, sin] = [Math.cos(angleRad), Math.sin(angleRad)];
  const out = new Float32Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    const u = (points[i]! - cropSize / 2) * (mirrored ? -scale : scale);
    const v = (points[i + 1]! - cropSize / 2) * scale;
    out[i] = centreX + u * cos - v * sin;
    out[i + 1] = centreY + u * sin + v * cos;
    out[i + 2] = points[i + 2]! * scale;
  }
  return out;
}
