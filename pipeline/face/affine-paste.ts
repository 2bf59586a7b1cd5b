import type { Rect } from './canvas.ts';
import {
  colourNumbers,
  type Picture,
  type PictureColour,
  type PictureFormat,
  planeLayout,
} from './picture.ts';

/**
 * How a square crop lies in a picture: x = xu·u + xv·v + x0, y = yu·u + yv·v + y0, pixel centres at whole numbers in both. The crop
 * may be turned, and stretched along its own axes.
 */
export interface CropPlace {
  readonly sizePx: number;
  readonly xu: number;
  readonly xv: number;
  readonly x0: number;
  readonly yu: number;
  readonly yv: number;
  readonly y0: number;
}

export interface CropBox {
  readonly centreX: number;
  readonly centreY: number;
  /** Along the crop's own axes, px of the picture. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** From the picture's x axis to the crop's, clockwise as seen. */
  readonly angleRad: number;
}

/** How much of a crop is seen: `sizePx` × `sizePx` values of 0…1 over the same square, at a resolution of its own. */
export interface CropMask {
  readonly sizePx: number;
  readonly alpha: Float32Array;
}

/** Less changes no byte. */
const LEAST_ALPHA = 1 / 512;
/** Samples across one crop pixel, at most: smooths what would alias where a large face goes into a small crop. */
const MOST_TAPS = 4;

export function placeCrop(box: CropBox, sizePx: number): CropPlace {
  const [cos, sin] = [Math.cos(box.angleRad), Math.sin(box.angleRad)];
  const [across, down] = [box.widthPx / sizePx, box.heightPx / sizePx];
  const middle = (sizePx - 1) / 2;
  const [xu, xv, yu, yv] = [across * cos, -down * sin, across * sin, down * cos];
  return {
    sizePx,
    xu,
    xv,
    yu,
    yv,
    x0: box.centreX - middle * (xu + xv),
    y0: box.centreY - middle * (yu + yv),
  };
}

/** Where a point of the picture lies in a crop, crop pixels. */
export function inCrop(place: CropPlace, x: number, y: number): [number, number] {
  const { xu, xv, yu, yv } = place;
  const scale = 1 / (xu * yv - xv * yu);
  const [dx, dy] = [x - place.x0, y - place.y0];
  return [(yv * dx - xv * dy) * scale, (xu * dy - yu * dx) * scale];
}

/**
 * Cuts a crop out; beyond the picture's edge its outermost pixels go on.
 * @returns [3][sizePx][sizePx] red, green, blue, 0…1
 */
export function cutCrop(picture: Picture, place: CropPlace): Float32Array {
  const { sizePx } = place;
  const area = sizePx * sizePx;
  const out = new Float32Array(3 * area);
  const toRgb = rgbOf(picture.colour);
  const planes = samplerOf(picture);
  const taps = Math.min(MOST_TAPS, Math.max(1, Math.round(longestStep(place))));
  const share = 1 / (taps * taps);
  const yuv: [number, number, number] = [0, 0, 0];
  for (let v = 0; v < sizePx; v++) {
    for (let u = 0; u < sizePx; u++) {
      yuv.fill(0);
      for (let j = 0; j < taps; j++) {
        for (let i = 0; i < taps; i++) {
          const [uu, vv] = [u + (i + 0.5) / taps - 0.5, v + (j + 0.5) / taps - 0.5];
          const x = place.xu * uu + place.xv * vv + place.x0;
          const y = place.yu * uu + place.yv * vv + place.y0;
          planes(x, y, yuv, share);
        }
      }
      toRgb(yuv, out, v * sizePx + u, area);
    }
  }
  return out;
}

export interface PasteJob {
  readonly place: CropPlace;
  /** As `cutCrop` gives it. */
  readonly rgb: Float32Array;
  readonly mask: CropMask;
  /** 0…1 over everything. */
  readonly opacity: number;
}

/**
 * Blends a crop into planes. Bytes where the mask shows nothing are not written.
 * @param bytes planes of a picture of this format, changed in place
 * @returns what may have been changed; undefined where nothing is
 */
export function pasteCrop(bytes: Uint8Array, format: PictureFormat, job: PasteJob): Rect | undefined {
  const rect = boundsOf(job.place, format);
  if (rect === undefined || job.opacity < LEAST_ALPHA) return undefined;
  const { chromaWidthPx, uOffset, vOffset } = planeLayout(format);
  const toYuv = yuvOf(format.colour);
  const sample = cropSampler(job);
  const [right, bottom] = [rect.x + rect.widthPx, rect.y + rect.heightPx];
  for (let y = rect.y; y < bottom; y++) {
    for (let x = rect.x; x < right; x++) {
      const found = sample(x, y);
      if (found === undefined) continue;
      const at = y * format.widthPx + x;
      bytes[at] = blend(bytes[at]!, toYuv.y(found), found.alpha);
    }
  }
  for (let cy = rect.y >> 1; 2 * cy < bottom; cy++) {
    for (let cx = rect.x >> 1; 2 * cx < right; cx++) {
      const found = sample(
        Math.min(2 * cx + 0.5, format.widthPx - 1),
        Math.min(2 * cy + 0.5, format.heightPx - 1),
      );
      if (found === undefined) continue;
      const at = cy * chromaWidthPx + cx;
      bytes[uOffset + at] = blend(bytes[uOffset + at]!, toYuv.u(found), found.alpha);
      bytes[vOffset + at] = blend(bytes[vOffset + at]!, toYuv.v(found), found.alpha);
    }
  }
  return rect;
}

interface CropSample {
  r: number;
  g: number;
  b: number;
  alpha: number;
}

/** Bilinear in the crop and in its mask; undefined where nothing is seen. The result is valid until the next call. */
function cropSampler({
  place,
  rgb,
  mask,
  opacity,
}: PasteJob): (x: number, y: number) => CropSample | undefined {
  const { sizePx, xu, xv, yu, yv, x0, y0 } = place;
  const scale = 1 / (xu * yv - xv * yu);
  const area = sizePx * sizePx;
  const maskScale = mask.sizePx / sizePx;
  const found: CropSample = { r: 0, g: 0, b: 0, alpha: 0 };
  return (x, y) => {
    const [dx, dy] = [x - x0, y - y0];
    const u = (yv * dx - xv * dy) * scale;
    const v = (xu * dy - yu * dx) * scale;
    if (u < -0.5 || v < -0.5 || u > sizePx - 0.5 || v > sizePx - 0.5) return undefined;
    const at = bilinear(mask.sizePx, mask.sizePx, (u + 0.5) * maskScale - 0.5, (v + 0.5) * maskScale - 0.5);
    found.alpha = opacity * weigh(mask.alpha, 0, at);
    if (found.alpha < LEAST_ALPHA) return undefined;
    bilinear(sizePx, sizePx, u, v);
    found.r = weigh(rgb, 0, at);
    found.g = weigh(rgb, area, at);
    found.b = weigh(rgb, 2 * area, at);
    return found;
  };
}

/** Indices and weights of the four pixels around a point; one object for all calls, so use it at once. */
const corner = { i00: 0, i10: 0, i01: 0, i11: 0, fx: 0, fy: 0 };

function bilinear(widthPx: number, heightPx: number, x: number, y: number): typeof corner {
  const cx = Math.min(widthPx - 1, Math.max(0, x));
  const cy = Math.min(heightPx - 1, Math.max(0, y));
  const [left, top] = [Math.floor(cx), Math.floor(cy)];
  const [right, below] = [Math.min(widthPx - 1, left + 1), Math.min(heightPx - 1, top + 1)];
  corner.i00 = top * widthPx + left;
  corner.i10 = top * widthPx + right;
  corner.i01 = below * widthPx + left;
  corner.i11 = below * widthPx + right;
  corner.fx = cx - left;
  corner.fy = cy - top;
  return corner;
}

function weigh(
  plane: Float32Array | Uint8Array,
  offset: number,
  { i00, i10, i01, i11, fx, fy }: typeof corner,
): number {
  const above = plane[offset + i00]! + fx * (plane[offset + i10]! - plane[offset + i00]!);
  const below = plane[offset + i01]! + fx * (plane[offset + i11]! - plane[offset + i01]!);
  return above + fy * (below - above);
}

/** Adds `share` of the picture's luma and chroma at a point. */
function samplerOf(
  picture: Picture,
): (x: number, y: number, into: [number, number, number], share: number) => void {
  const { bytes, widthPx, heightPx } = picture;
  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset } = planeLayout(picture);
  return (x, y, into, share) => {
    into[0] += share * weigh(bytes, 0, bilinear(widthPx, heightPx, x, y));
    const at = bilinear(chromaWidthPx, chromaHeightPx, (x - 0.5) / 2, (y - 0.5) / 2);
    into[1] += share * weigh(bytes, uOffset, at);
    into[2] += share * weigh(bytes, vOffset, at);
  };
}

const blend = (from: number, to: number, alpha: number): number =>
  Math.min(255, Math.max(0, Math.round(from + alpha * (to - from))));

function longestStep({ xu, xv, yu, yv }: CropPlace): number {
  return Math.max(Math.hypot(xu, yu), Math.hypot(xv, yv));
}

/** The part of the picture that a crop covers. */
function boundsOf(place: CropPlace, { widthPx, heightPx }: PictureFormat): Rect | undefined {
  const ends = [-0.5, place.sizePx - 0.5];
  const xs = ends.flatMap((u) => ends.map((v) => place.xu * u + place.xv * v + place.x0));
  const ys = ends.flatMap((u) => ends.map((v) => place.yu * u + place.yv * v + place.y0));
  const x = Math.max(0, Math.floor(Math.min(...xs)));
  const y = Math.max(0, Math.floor(Math.min(...ys)));
  const right = Math.min(widthPx, Math.ceil(Math.max(...xs)) + 1);
  const bottom = Math.min(heightPx, Math.ceil(Math.max(...ys)) + 1);
  return right > x && bottom > y ? { x, y, widthPx: right - x, heightPx: bottom - y } : undefined;
}

function rgbOf(
  colour: PictureColour,
): (yuv: readonly [number, number, number], into: Float32Array, at: number, area: number) => void {
  const { red: kr, green: kg, blue: kb, black, lumaSteps: luma, chromaSteps: chroma } = colourNumbers(colour);
  const unit = (value: number): number => Math.min(1, Math.max(0, value));
  return ([y, u, v], into, at, area) => {
    const light = (y - black) / luma;
    const blueness = (u - 128) / chroma;
    const redness = (v - 128) / chroma;
    const red = light + 2 * (1 - kr) * redness;
    const blue = light + 2 * (1 - kb) * blueness;
    into[at] = unit(red);
    into[area + at] = unit((light - kr * red - kb * blue) / kg);
    into[2 * area + at] = unit(blue);
  };
}

function yuvOf(colour: PictureColour) {
  const { red: kr, green: kg, blue: kb, black, lumaSteps: luma, chromaSteps: chroma } = colourNumbers(colour);
  const light = ({ r, g, b }: CropSample): number => kr * r + kg * g + kb * b;
  return {
    y: (found: CropSample): number => black + luma * light(found),
    u: (found: CropSample): number => 128 + (chroma * (found.b - light(found))) / (2 * (1 - kb)),
    v: (found: CropSample): number => 128 + (chroma * (found.r - light(found))) / (2 * (1 - kr)),
  };
}
