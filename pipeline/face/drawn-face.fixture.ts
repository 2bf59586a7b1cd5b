import type { TrackedFace, TrackedPicture } from '../ports/face-tracker.ts';
import { FACE_PRIOR } from './face-prior.ts';
import { type Picture, planeLayout } from './picture.ts';
import {
  FACE_TRIANGLES,
  LOWER_INNER_LIP,
  LOWER_OUTER_LIP,
  MOUTH_TRIANGLES,
  UPPER_INNER_LIP,
  UPPER_OUTER_LIP,
} from './topology.ts';

export interface DrawnFaceOptions {
  /** Lip opening, canonical units. */
  readonly opening: number;
  readonly mediaTimeUs: number;
  /** Default 320 × 240. */
  readonly widthPx?: number;
  readonly heightPx?: number;
  /** Distance between the eyes' outer corners, px. Default 90. */
  readonly scalePx?: number;
  /** Where the face is. Default: the middle. */
  readonly x?: number;
  readonly y?: number;
  /** Turned to the side, degrees. Default 0. */
  readonly yawDeg?: number;
  readonly faceId?: number;
}

export const SKIN = 150;
const INSIDE = 30;
const LIP = 100;
const LIPS = new Set<number>([
  ...UPPER_OUTER_LIP,
  ...LOWER_OUTER_LIP,
  ...UPPER_INNER_LIP,
  ...LOWER_INNER_LIP,
]);

/** A face of the mesh, drawn: skin with a grain, darker lips, dark between them; and where its points are. */
export function drawFace(options: DrawnFaceOptions): { picture: Picture; face: TrackedFace } {
  const { widthPx = 320, heightPx = 240, mediaTimeUs, faceId = 1 } = options;
  const landmarks = landmarksOf(options);
  const bytes = new Uint8Array(planeLayout({ widthPx, heightPx }).totalBytes).fill(128);
  for (let y = 0; y < heightPx; y += 1)
    for (let x = 0; x < widthPx; x += 1) bytes[y * widthPx + x] = 60 + ((x * 13 + y * 7) % 23);
  const fill = (
    triangles: Uint16Array,
    lumaOf: (corners: readonly number[], x: number, y: number) => number,
  ) => {
    for (let k = 0; k < triangles.length; k += 3) {
      const corners = [...triangles.subarray(k, k + 3)];
      fillTriangle(corners, landmarks, widthPx, heightPx, (x, y) => {
        bytes[y * widthPx + x] = lumaOf(corners, x, y);
      });
    }
  };
  // The grain goes with the skin: it is drawn in the face's own measure.
  const scale = options.scalePx ?? 90;
  fill(FACE_TRIANGLES, (corners, x, y) => {
    if (corners.every((point) => LIPS.has(point))) return LIP;
    return (
      SKIN +
      Math.round(
        8 * Math.sin((x - landmarks[3]!) * (18 / scale)) * Math.sin((y - landmarks[4]!) * (15 / scale)),
      )
    );
  });
  fill(MOUTH_TRIANGLES, () => INSIDE);
  return {
    picture: { widthPx, heightPx, bytes, mediaTimeUs, colour: { matrix: 'bt601', range: 'full' } },
    face: { id: faceId, landmarks, confidence: 1 },
  };
}

export function trackedFaces(
  mediaTimeUs: number,
  faces: readonly TrackedFace[],
  isCut = false,
): TrackedPicture {
  return { mediaTimeUs, isCut, faces };
}

/** Dark rows between the lips in the middle of the mouth: how open it looks, px. */
export function darkRows(
  picture: { readonly widthPx: number },
  bytes: Uint8Array,
  face: TrackedFace,
): number {
  const x = Math.round(face.landmarks[13 * 3]!);
  const top = Math.round(face.landmarks[2 * 3 + 1]!);
  const bottom = Math.round(face.landmarks[152 * 3 + 1]!);
  let rows = 0;
  for (let y = top; y < bottom; y += 1) if (bytes[y * picture.widthPx + x]! < 65) rows += 1;
  return rows;
}

function landmarksOf(options: DrawnFaceOptions): Float32Array {
  const { widthPx = 320, heightPx = 240, scalePx = 90, opening, yawDeg = 0 } = options;
  const { x = widthPx / 2, y = heightPx / 2 - scalePx * 0.2 } = options;
  const { template, perOpening } = FACE_PRIOR;
  const cos = Math.cos((yawDeg * Math.PI) / 180);
  const sin = Math.sin((yawDeg * Math.PI) / 180);
  const out = new Float32Array(1404);
  // The template's own lips are a little open.
  const more = opening - 0.04;
  for (let i = 0; i < 1404; i += 3) {
    const at = (axis: number) => template[i + axis]! + perOpening[i + axis]! * more;
    const [cx, cy, cz] = [at(0), at(1), at(2)];
    out[i] = x + scalePx * (cos * cx + sin * cz);
    out[i + 1] = y + scalePx * cy;
    out[i + 2] = scalePx * (-sin * cx + cos * cz);
  }
  // Lips that would cross just touch.
  for (let i = 1; i < 10; i += 1) {
    const upper = UPPER_INNER_LIP[i]! * 3 + 1;
    const lower = LOWER_INNER_LIP[i]! * 3 + 1;
    if (out[lower]! < out[upper]! + 0.3) out[lower] = out[upper]! + 0.3;
  }
  return out;
}

function fillTriangle(
  corners: readonly number[],
  landmarks: Float32Array,
  widthPx: number,
  heightPx: number,
  set: (x: number, y: number) => void,
): void {
  const [ax, ay, bx, by, cx, cy] = corners.flatMap((point) => [
    landmarks[point * 3]!,
    landmarks[point * 3 + 1]!,
  ]) as [number, number, number, number, number, number];
  const area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy);
  if (Math.abs(area) < 1e-6) return;
  for (
    let y = Math.max(0, Math.ceil(Math.min(ay, by, cy)));
    y <= Math.min(heightPx - 1, Math.max(ay, by, cy));
    y += 1
  )
    for (
      let x = Math.max(0, Math.ceil(Math.min(ax, bx, cx)));
      x <= Math.min(widthPx - 1, Math.max(ax, bx, cx));
      x += 1
    ) {
      const l = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / area;
      const m = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / area;
      if (l >= 0 && m >= 0 && l + m <= 1) set(x, y);
    }
}
