import { type Picture, planeLayout } from '../../pipeline/face/picture.ts';

/** A square part of a picture, px; may lie between pixels. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly sidePx: number;
}

/** Red, green, blue of an image, row by row. */
export interface RgbImage {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly bytes: Uint8Array;
}

export function blankImage(widthPx: number, heightPx: number): RgbImage {
  return { widthPx, heightPx, bytes: new Uint8Array(widthPx * heightPx * 3) };
}

/** Draws a part of a picture into an image, enlarged by cubic interpolation (Catmull-Rom). What lies outside the picture repeats its edge. */
export function drawCrop(
  image: RgbImage,
  at: { readonly x: number; readonly y: number; readonly sidePx: number },
  picture: Picture,
  square: Square,
): void {
  const { widthPx, heightPx, bytes } = picture;
  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset } = planeLayout(picture);
  const step = square.sidePx / at.sidePx;
  for (let row = 0; row < at.sidePx; row += 1)
    for (let column = 0; column < at.sidePx; column += 1) {
      const x = square.x + (column + 0.5) * step - 0.5;
      const y = square.y + (row + 0.5) * step - 0.5;
      const luma = cubic(bytes, 0, widthPx, heightPx, x, y);
      const [cx, cy] = [(x + 0.5) / 2 - 0.5, (y + 0.5) / 2 - 0.5];
      const u = cubic(bytes, uOffset, chromaWidthPx, chromaHeightPx, cx, cy) - 128;
      const v = cubic(bytes, vOffset, chromaWidthPx, chromaHeightPx, cx, cy) - 128;
      const bright = 1.164 * (luma - 16);
      const to = ((at.y + row) * image.widthPx + at.x + column) * 3;
      image.bytes[to] = clamp(bright + 1.596 * v);
      image.bytes[to + 1] = clamp(bright - 0.813 * v - 0.391 * u);
      image.bytes[to + 2] = clamp(bright + 2.018 * u);
    }
}

function cubic(
  plane: Uint8Array,
  offset: number,
  width: number,
  height: number,
  x: number,
  y: number,
): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const across = weights(x - left);
  const down = weights(y - top);
  let sum = 0;
  for (let j = 0; j < 4; j += 1) {
    const row = Math.max(0, Math.min(height - 1, top - 1 + j)) * width;
    for (let i = 0; i < 4; i += 1)
      sum += down[j]! * across[i]! * plane[offset + row + Math.max(0, Math.min(width - 1, left - 1 + i))]!;
  }
  return sum;
}

function weights(t: number): [number, number, number, number] {
  const t2 = t * t;
  const t3 = t2 * t;
  return [(-t3 + 2 * t2 - t) / 2, (3 * t3 - 5 * t2 + 2) / 2, (-3 * t3 + 4 * t2 + t) / 2, (t3 - t2) / 2];
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

const DIGITS: Readonly<Record<string, readonly string[]>> = {
  '0': ['###', '# #', '# #', '# #', '###'],
  '1': [' # ', '## ', ' # ', ' # ', '###'],
  '2': ['###', '  #', '###', '#  ', '###'],
  '3': ['###', '  #', '###', '  #', '###'],
  '4': ['# #', '# #', '###', '  #', '  #'],
  '5': ['###', '#  ', '###', '  #', '###'],
  '6': ['###', '#  ', '###', '# #', '###'],
  '7': ['###', '  #', '  #', ' # ', ' # '],
  '8': ['###', '# #', '###', '# #', '###'],
  '9': ['###', '# #', '###', '  #', '###'],
  '.': ['   ', '   ', '   ', '   ', ' # '],
};
const DOT_PX = 2;

/** Writes a number in white; other characters are gaps. */
export function drawNumber(image: RgbImage, x: number, y: number, text: string): void {
  for (const [i, character] of [...text].entries())
    for (const [row, dots] of (DIGITS[character] ?? []).entries())
      for (const [column, dot] of [...dots].entries()) {
        if (dot === ' ') continue;
        for (let k = 0; k < DOT_PX * DOT_PX; k += 1) {
          const px = x + (i * 4 + column) * DOT_PX + (k % DOT_PX);
          const py = y + row * DOT_PX + Math.floor(k / DOT_PX);
          image.bytes.fill(255, (py * image.widthPx + px) * 3, (py * image.widthPx + px) * 3 + 3);
        }
      }
}
