import { type PictureFormat, planeLayout } from './picture.ts';
import { colourMatrix } from './pixels/colour-convert.ts';

/** A square of a picture, perhaps turned, perhaps partly outside. */
export interface CropArea {
  /** px, pixel centres at whole numbers. */
  readonly centreX: number;
  readonly centreY: number;
  /** Length of a side, px of the picture. */
  readonly sizePx: number;
  /** Which way the square's own x axis points in the picture, clockwise as it is seen. Default 0. */
  readonly angleRad?: number;
  /** Left and right change places in the crop. Default false. */
  readonly mirrored?: boolean;
}

export interface CropTarget {
  /** Length of a side, samples. */
  readonly size: number;
  /** 3 × size × size: red, then green, then blue, each row by row. */
  readonly samples: Float32Array;
  /** A colour of 0…255 becomes colour · scale + offset. Default 1 and 0. */
  readonly scale?: number;
  readonly offset?: number;
  /** What is seen beyond the picture: its outermost pixels, or black. Default `edge`. */
  readonly outside?: 'edge' | 'black';
}

/** Of a block that becomes one pixel, so many rows and columns are read at most. */
const BLOCK_READS = 4;

/** How many pixels of a plane become one before they are sampled, each way. */
export function reduction(pxPerSample: number): number {
  return Math.max(1, Math.floor(pxPerSample));
}

/**
 * Cuts a square out of a picture and scales it to what a network takes.
 *
 * Sample (i, j) lies at u = (i + ½)/size − ½ and v = (j + ½)/size − ½ of the square, which is centre + sizePx · (u·cos − v·sin,
 * u·sin + v·cos) of the picture; mirrored, u changes its sign. Luma and chroma are interpolated bilinearly, chroma lying in the middle
 * of its four pixels. A plane with n whole pixels for each sample is reduced first, so that fine detail of large pictures does not
 * alias: blocks of n × n, counted from the plane's corner, become their mean, rounded; of blocks larger than 4 × 4 every ⌈n/4⌉th row
 * and column is read.
 *
 * @param bytes planes of the picture as in `Picture`
 */
export function affineCrop(
  picture: PictureFormat & { readonly bytes: Uint8Array },
  area: CropArea,
  target: CropTarget,
): void {
  const { widthPx, heightPx, bytes } = picture;
  const { size, samples, scale = 1, offset = 0, outside = 'edge' } = target;
  const { centreX, centreY, sizePx, angleRad = 0, mirrored = false } = area;
  const { black, gain, rv, gu, gv, bu } = colourMatrix(picture.colour);

  const step = sizePx / size;
  const cos = Math.cos(angleRad) * step;
  const sin = Math.sin(angleRad) * step;
  const acrossX = mirrored ? -cos : cos;
  const acrossY = mirrored ? -sin : sin;
  const half = (size - 1) / 2;
  const startX = centreX - (acrossX - sin) * half;
  const startY = centreY - (acrossY + cos) * half;
  const reach = half * (Math.abs(cos) + Math.abs(sin));
  const box: Box = [centreX - reach, centreY - reach, centreX + reach, centreY + reach];

  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset } = planeLayout(picture);
  const l = planeOf(0, bytes, 0, widthPx, heightPx, reduction(step), 1, box);
  const chromaStep = reduction(step / 2);
  const u = planeOf(1, bytes, uOffset, chromaWidthPx, chromaHeightPx, chromaStep, 2, box);
  const v = planeOf(2, bytes, vOffset, chromaWidthPx, chromaHeightPx, chromaStep, 2, box);
  const [yData, uData, vData] = [l.data, u.data, v.data];
  const [yStart, yStride, yRight, yBottom] = [l.start, l.stride, l.width - 1, l.height - 1];
  const [uStart, uToV, cStride, cRight, cBottom] = [
    u.start,
    v.start - u.start,
    u.stride,
    u.width - 1,
    u.height - 1,
  ];
  const [yScale, yX, yY, cScale, cX, cY] = [l.scale, l.shiftX, l.shiftY, u.scale, u.shiftX, u.shiftY];

  const [isBlack, lastX, lastY] = [outside === 'black', widthPx - 0.5, heightPx - 0.5];
  const green = size * size;
  const blue = 2 * green;
  for (let row = 0, at = 0; row < size; row += 1) {
    let px = startX - sin * row;
    let py = startY + cos * row;
    for (let column = 0; column < size; column += 1, at += 1, px += acrossX, py += acrossY) {
      if (isBlack && (px < -0.5 || py < -0.5 || px > lastX || py > lastY)) {
        samples[at] = offset;
        samples[at + green] = offset;
        samples[at + blue] = offset;
        continue;
      }
      let x = clamp(px * yScale + yX, yRight);
      let y = clamp(py * yScale + yY, yBottom);
      let left = x | 0;
      let top = y | 0;
      let above = yStart + top * yStride + left;
      let below = top < yBottom ? above + yStride : above;
      let next = left < yRight ? 1 : 0;
      const light = (bilinear(yData, above, below, next, x - left, y - top) - black) * gain;

      x = clamp(px * cScale + cX, cRight);
      y = clamp(py * cScale + cY, cBottom);
      left = x | 0;
      top = y | 0;
      above = uStart + top * cStride + left;
      below = top < cBottom ? above + cStride : above;
      next = left < cRight ? 1 : 0;
      const cu = bilinear(uData, above, below, next, x - left, y - top) - 128;
      const cv = bilinear(vData, above + uToV, below + uToV, next, x - left, y - top) - 128;

      samples[at] = clamp(light + rv * cv, 255) * scale + offset;
      samples[at + green] = clamp(light + gu * cu + gv * cv, 255) * scale + offset;
      samples[at + blue] = clamp(light + bu * cu, 255) * scale + offset;
    }
  }
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 0), max);
}

/** @param next 0 in the last column */
function bilinear(
  data: Uint8Array,
  above: number,
  below: number,
  next: number,
  fx: number,
  fy: number,
): number {
  const upper = data[above]! + (data[above + next]! - data[above]!) * fx;
  const lower = data[below]! + (data[below + next]! - data[below]!) * fx;
  return upper + (lower - upper) * fy;
}

/** Left, top, right, bottom. */
type Box = readonly [number, number, number, number];

/** What is to be read of a plane. A place p of the picture is at p · scale + shift. */
interface Plane {
  readonly data: Uint8Array;
  readonly start: number;
  readonly stride: number;
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly shiftX: number;
  readonly shiftY: number;
}

/** Reduced planes are needed only until the crop is made. */
const scratch: Uint8Array[] = [];

/**
 * @param n pixels that become one
 * @param spacing pixels of the picture from one of the plane to the next
 */
function planeOf(
  index: number,
  bytes: Uint8Array,
  start: number,
  width: number,
  height: number,
  n: number,
  spacing: number,
  box: Box,
): Plane {
  const scale = 1 / (n * spacing);
  // A block's place is the middle of its pixels.
  const shift = (1 / spacing - n) / (2 * n);
  if (n === 1)
    return { data: bytes, start, stride: width, width, height, scale, shiftX: shift, shiftY: shift };
  const [columns, rows] = [Math.ceil(width / n), Math.ceil(height / n)];
  const within = (value: number, count: number) => Math.max(0, Math.min(count - 1, Math.floor(value)));
  const [left, right] = [
    within(box[0] * scale + shift, columns),
    within(box[2] * scale + shift + 1, columns),
  ];
  const [top, bottom] = [within(box[1] * scale + shift, rows), within(box[3] * scale + shift + 1, rows)];
  const stride = right - left + 1;
  const lines = bottom - top + 1;
  if ((scratch[index]?.length ?? 0) < stride * lines) scratch[index] = new Uint8Array(stride * lines);
  const data = scratch[index]!;
  const every = Math.ceil(n / BLOCK_READS);
  const first = (n - 1 - every * Math.floor((n - 1) / every)) >> 1;
  for (let j = 0, at = 0; j < lines; j += 1) {
    const yEnd = Math.min(height, (top + j + 1) * n);
    const yFirst = Math.min(yEnd - 1, (top + j) * n + first);
    for (let i = 0; i < stride; i += 1, at += 1) {
      const xEnd = Math.min(width, (left + i + 1) * n);
      const xFirst = Math.min(xEnd - 1, (left + i) * n + first);
      let sum = 0;
      let count = 0;
      for (let y = yFirst; y < yEnd; y += every)
        for (let x = xFirst, p = start + y * width + xFirst; x < xEnd; x += every, p += every, count += 1)
          sum += bytes[p]!;
      data[at] = (sum / count + 0.5) | 0;
    }
  }
  return {
    data,
    start: 0,
    stride,
    width: stride,
    height: lines,
    scale,
    shiftX: shift - left,
    shiftY: shift - top,
  };
}
