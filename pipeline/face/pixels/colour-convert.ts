import type { Rect } from '../canvas.ts';
import { type Picture, type PictureColour, type PictureFormat, planeLayout } from '../picture.ts';

/** Red, green and blue of a part of a picture, interleaved, 0…255. */
export interface RgbRaster extends Rect {
  readonly data: Float32Array | Uint8ClampedArray;
}

/** R = y' + rv·v, G = y' + gu·u + gv·v, B = y' + bu·u with y' = (Y − black)·gain; and back. */
export interface ColourMatrix {
  readonly black: number;
  readonly gain: number;
  readonly rv: number;
  readonly gu: number;
  readonly gv: number;
  readonly bu: number;
  /** Rows for Y, U, V; columns for R, G, B. */
  readonly back: readonly (readonly [number, number, number])[];
}

/** Weights of red and blue in luma. */
const LUMA = { bt601: [0.299, 0.114], bt709: [0.2126, 0.0722] } as const;

const matrices = new Map<string, ColourMatrix>();

/** ITU-R BT.601-7 and BT.709-6, §3. */
export function colourMatrix({ matrix, range }: PictureColour): ColourMatrix {
  const key = `${matrix} ${range}`;
  let made = matrices.get(key);
  if (made !== undefined) return made;
  const [kr, kb] = LUMA[matrix];
  const kg = 1 - kr - kb;
  const black = range === 'limited' ? 16 : 0;
  const gain = range === 'limited' ? 255 / 219 : 1;
  const chroma = range === 'limited' ? 255 / 224 : 1;
  const u = 1 / (2 * (1 - kb) * chroma);
  const v = 1 / (2 * (1 - kr) * chroma);
  made = {
    black,
    gain,
    rv: 2 * (1 - kr) * chroma,
    gu: ((-2 * (1 - kb) * kb) / kg) * chroma,
    gv: ((-2 * (1 - kr) * kr) / kg) * chroma,
    bu: 2 * (1 - kb) * chroma,
    back: [
      [kr / gain, kg / gain, kb / gain],
      [-kr * u, -kg * u, (1 - kb) * u],
      [(1 - kr) * v, -kg * v, -kb * v],
    ],
  };
  matrices.set(key, made);
  return made;
}

/** A part of a picture as colours. Chroma is taken to lie in the middle of its four pixels, and interpolated. */
export function toRgb(picture: Picture, rect: Rect, data: RgbRaster['data']): RgbRaster {
  const { widthPx, bytes } = picture;
  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset } = planeLayout(picture);
  const { black, gain, rv, gu, gv, bu } = colourMatrix(picture.colour);
  const endX = rect.x + rect.widthPx;
  for (let y = rect.y, k = 0; y < rect.y + rect.heightPx; y += 1) {
    const near = y >> 1;
    const far = Math.max(0, Math.min(chromaHeightPx - 1, (y & 1) === 0 ? near - 1 : near + 1));
    const nearRow = near * chromaWidthPx;
    const farRow = far * chromaWidthPx;
    const row = y * widthPx;
    for (let x = rect.x; x < endX; x += 1, k += 3) {
      const cx = x >> 1;
      const dx = (x & 1) === 0 ? (cx > 0 ? cx - 1 : 0) : cx + 1 < chromaWidthPx ? cx + 1 : cx;
      const a = nearRow + cx;
      const b = nearRow + dx;
      const c = farRow + cx;
      const d = farRow + dx;
      const u =
        (9 * bytes[uOffset + a]! + 3 * (bytes[uOffset + b]! + bytes[uOffset + c]!) + bytes[uOffset + d]!) /
          16 -
        128;
      const v =
        (9 * bytes[vOffset + a]! + 3 * (bytes[vOffset + b]! + bytes[vOffset + c]!) + bytes[vOffset + d]!) /
          16 -
        128;
      const luma = (bytes[row + x]! - black) * gain;
      data[k] = luma + rv * v;
      data[k + 1] = luma + gu * u + gv * v;
      data[k + 2] = luma + bu * u;
    }
  }
  return { ...rect, data };
}

/**
 * Writes the touched pixels of a raster into a picture's planes, and chroma wherever one of its pixels was touched.
 * @param raster begins at even x and y
 * @param touched one value a pixel, not 0 where it was changed
 */
export function fromRgb(
  raster: RgbRaster,
  touched: Uint8Array,
  format: PictureFormat,
  bytes: Uint8Array,
): void {
  const { data, widthPx: columns, heightPx: rows } = raster;
  const { chromaWidthPx, uOffset, vOffset } = planeLayout(format);
  const { black, back } = colourMatrix(format.colour);
  const [[yr, yg, yb], [ur, ug, ub], [vr, vg, vb]] = back as [
    [number, number, number],
    [number, number, number],
    [number, number, number],
  ];
  for (let top = 0; top < rows; top += 2) {
    for (let left = 0; left < columns; left += 2) {
      let any = 0;
      let red = 0;
      let green = 0;
      let blue = 0;
      let count = 0;
      for (let y = top; y < Math.min(rows, top + 2); y += 1)
        for (let x = left; x < Math.min(columns, left + 2); x += 1) {
          const p = y * columns + x;
          const r = clamp(data[p * 3]!);
          const g = clamp(data[p * 3 + 1]!);
          const b = clamp(data[p * 3 + 2]!);
          red += r;
          green += g;
          blue += b;
          count += 1;
          if (touched[p] === 0) continue;
          any = 1;
          bytes[(raster.y + y) * format.widthPx + raster.x + x] = Math.round(
            black + yr * r + yg * g + yb * b,
          );
        }
      if (any === 0) continue;
      const at = ((raster.y + top) >> 1) * chromaWidthPx + ((raster.x + left) >> 1);
      red /= count;
      green /= count;
      blue /= count;
      bytes[uOffset + at] = Math.round(128 + ur * red + ug * green + ub * blue);
      bytes[vOffset + at] = Math.round(128 + vr * red + vg * green + vb * blue);
    }
  }
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
