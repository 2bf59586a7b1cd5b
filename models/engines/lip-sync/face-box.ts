import type { CropBox } from '../../../pipeline/face/affine-paste.ts';
import { FACE_POINTS } from '../../../pipeline/ports/face-tracker.ts';

/** Outer corners of the eyes, which tell how a face is turned in the picture. */
const [RIGHT_EYE, LEFT_EYE] = [33, 263];

/** A face's extent along its own axes. */
export interface FaceAxes {
  readonly angleRad: number;
  readonly leftmost: number;
  readonly rightmost: number;
  readonly lowest: number;
  /** How far down the face a point of the mesh lies, px. */
  down(point: number): number;
}

/** @param landmarks FACE_POINTS × (x, y, z), px */
export function faceAxes(landmarks: Float32Array): FaceAxes {
  const angleRad = Math.atan2(
    landmarks[LEFT_EYE * 3 + 1]! - landmarks[RIGHT_EYE * 3 + 1]!,
    landmarks[LEFT_EYE * 3]! - landmarks[RIGHT_EYE * 3]!,
  );
  const [cos, sin] = [Math.cos(angleRad), Math.sin(angleRad)];
  const across = (point: number): number => cos * landmarks[point * 3]! + sin * landmarks[point * 3 + 1]!;
  const down = (point: number): number => cos * landmarks[point * 3 + 1]! - sin * landmarks[point * 3]!;
  let [leftmost, rightmost, lowest] = [Infinity, -Infinity, -Infinity];
  for (let point = 0; point < FACE_POINTS; point++) {
    leftmost = Math.min(leftmost, across(point));
    rightmost = Math.max(rightmost, across(point));
    lowest = Math.max(lowest, down(point));
  }
  return { angleRad, leftmost, rightmost, lowest, down };
}

/** The box between two heights of a face, as wide as it is. */
export function boxBetween(axes: FaceAxes, top: number, bottom: number): CropBox {
  const { angleRad, leftmost, rightmost } = axes;
  const [cos, sin] = [Math.cos(angleRad), Math.sin(angleRad)];
  const [across, down] = [(leftmost + rightmost) / 2, (top + bottom) / 2];
  return {
    centreX: cos * across - sin * down,
    centreY: sin * across + cos * down,
    widthPx: rightmost - leftmost,
    heightPx: bottom - top,
    angleRad,
  };
}
