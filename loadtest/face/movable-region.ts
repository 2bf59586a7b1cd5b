import { type PictureFormat, planeLayout } from '../../pipeline/face/picture.ts';
import { canonicalShape, type FacePose } from '../../pipeline/face/pose.ts';
import { FACE_TRIANGLES, JAW } from '../../pipeline/face/topology.ts';

const NOSE_BASE = 2;
const CORNERS = [61, 291] as const;
/** How far the skin that may stretch lies from the mouth's centre, in distances of the jaw. */
const RING = 1.4;
/** Smoothing moves landmarks a little; a chroma sample covers two pixels. */
const MARGIN_PX = 3;

/** For each row of a picture, the first and last column that may change; an empty row has `first` above `last`. */
export interface MovableRegion {
  readonly first: Int32Array;
  readonly last: Int32Array;
}

type Point = readonly [number, number];

/**
 * What may change when a mouth moves: the hull of everything below the nose, with the triangles that reach into it from above, and of
 * the skin around the jaw. Eyes, brows, and hair above are outside.
 */
export function movableRegion(
  landmarks: Float32Array,
  pose: FacePose,
  { widthPx, heightPx }: PictureFormat,
): MovableRegion {
  const canonical = canonicalShape(landmarks, pose);
  const noseY = canonical[NOSE_BASE * 3 + 1]!;
  const isBelow = (point: number) => canonical[point * 3 + 1]! > noseY;
  const points: Point[] = [];
  const at = (point: number): Point => [landmarks[point * 3]!, landmarks[point * 3 + 1]!];
  for (let i = 0; i < FACE_TRIANGLES.length; i += 3) {
    const corners = FACE_TRIANGLES.subarray(i, i + 3);
    if (corners.some(isBelow)) for (const corner of corners) points.push(at(corner));
  }
  const [right, left] = CORNERS.map(at) as [Point, Point];
  const centre: Point = [(right[0] + left[0]) / 2, (right[1] + left[1]) / 2];
  for (const point of JAW) {
    const [x, y] = at(point);
    points.push([centre[0] + RING * (x - centre[0]), centre[1] + RING * (y - centre[1])]);
  }
  return rowsOf(convexHull(points), widthPx, heightPx);
}

/** Samples of all planes that differ although every pixel they cover is outside the regions. */
export function changedOutside(
  before: Uint8Array,
  after: Uint8Array,
  format: PictureFormat,
  regions: readonly MovableRegion[],
): number {
  const { widthPx, heightPx } = format;
  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset } = planeLayout(format);
  const isInside = (x: number, y: number) =>
    regions.some(({ first, last }) => x >= first[y]! && x <= last[y]!);
  let changed = 0;
  for (let y = 0; y < heightPx; y += 1)
    for (let x = 0; x < widthPx; x += 1)
      if (before[y * widthPx + x] !== after[y * widthPx + x] && !isInside(x, y)) changed += 1;
  for (const offset of [uOffset, vOffset])
    for (let y = 0; y < chromaHeightPx; y += 1)
      for (let x = 0; x < chromaWidthPx; x += 1) {
        const i = offset + y * chromaWidthPx + x;
        if (before[i] === after[i]) continue;
        const [x2, y2] = [Math.min(2 * x + 1, widthPx - 1), Math.min(2 * y + 1, heightPx - 1)];
        if (![2 * x, x2].some((px) => [2 * y, y2].some((py) => isInside(px, py)))) changed += 1;
      }
  return changed;
}

/** Share of the luma that differs at all. */
export function changedShare(before: Uint8Array, after: Uint8Array, lumaBytes: number): number {
  if (before === after) return 0;
  let changed = 0;
  for (let i = 0; i < lumaBytes; i += 1) if (before[i] !== after[i]) changed += 1;
  return changed / lumaBytes;
}

/** Andrew's monotone chain, 1979. */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (list: readonly Point[]): Point[] => {
    const out: Point[] = [];
    for (const point of list) {
      while (out.length >= 2 && turn(out.at(-2)!, out.at(-1)!, point) <= 0) out.pop();
      out.push(point);
    }
    return out.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

function rowsOf(hull: readonly Point[], widthPx: number, heightPx: number): MovableRegion {
  const first = new Int32Array(heightPx).fill(widthPx);
  const last = new Int32Array(heightPx).fill(-1);
  const widen = (y: number, x: number) => {
    const from = Math.max(0, Math.ceil(y - MARGIN_PX));
    const to = Math.min(heightPx - 1, Math.floor(y + MARGIN_PX));
    for (let row = from; row <= to; row += 1) {
      first[row] = Math.min(first[row]!, Math.max(0, Math.floor(x - MARGIN_PX)));
      last[row] = Math.max(last[row]!, Math.min(widthPx - 1, Math.ceil(x + MARGIN_PX)));
    }
  };
  for (const [i, a] of hull.entries()) {
    const b = hull[(i + 1) % hull.length]!;
    const steps = Math.max(1, Math.ceil(Math.abs(b[1] - a[1])));
    for (let step = 0; step <= steps; step += 1) {
      const part = step / steps;
      widen(a[1] + part * (b[1] - a[1]), a[0] + part * (b[0] - a[0]));
    }
  }
  return { first, last };
}
