import type { Rect } from '../canvas.ts';
import {
  colourNumbers,
  type Picture,
  type PictureColour,
  type PictureFormat,
  planeLayout,
} from '../picture.ts';

/** Red, green and blue of a part of a picture, interleaved, 0…255. */
export interface RgbRaster<Data extends Float32Array | Uint8ClampedArray = Float32Array> extends Rect {
  readonly data: Data;
}

/** Pixels as they come from a picture. */
export type SourceRaster = RgbRaster<Uint8ClampedArray>;

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

const matrices = new Map<string, ColourMatrix>();

export function colourMatrix(colour: PictureColour): ColourMatrix {
  const key = `${colour.matrix} ${colour.range}`;
  let made = matrices.get(key);
  if (made !== undefined) return made;
  const { red: kr, green: kg, blue: kb, black, lumaSteps, chromaSteps } = colourNumbers(colour);
  const gain = 255 / lumaSteps;
  const chroma = 255 / chromaSteps;
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
export function toRgb<Data extends Float32Array | Uint8ClampedArray>(
  picture: Picture,
  rect: Rect,
  data: Data,
): RgbRaster<Data> {
  const { widthPx, bytes } = picture;
  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset } = planeLayout(picture);
  const { black, gain, rv, gu, gv, bu } = colourMatrix(picture.colour);
  const endX = rect.x + rect.widthPx;
  const firstChroma = Math.max(0, (rect.x >> 1) - 1);
  const lastChroma = Math.min(chromaWidthPx - 1, ((endX - 1) >> 1) + 1);
  // Chroma of one row of pixels, a quarter from the farther row, in sixteenths once columns are added.
  const u = new Int32Array(lastChroma - firstChroma + 1);
  const v = new Int32Array(u.length);
  for (let y = rect.y, k = 0; y < rect.y + rect.heightPx; y += 1) {
    const near = y >> 1;
    const far = Math.max(0, Math.min(chromaHeightPx - 1, (y & 1) === 0 ? near - 1 : near + 1));
    const nearRow = near * chromaWidthPx;
    const farRow = far * chromaWidthPx;
    for (let cx = firstChroma, i = 0; cx <= lastChroma; cx += 1, i += 1) {
      u[i] = 3 * bytes[uOffset + nearRow + cx]! + bytes[uOffset + farRow + cx]!;
      v[i] = 3 * bytes[vOffset + nearRow + cx]! + bytes[vOffset + farRow + cx]!;
    }
    const row = y * widthPx;
    for (let x = rect.x; x < endX; x += 1, k += 3) {
      const a = (x >> 1) - firstChroma;
      const beside = (x & 1) === 0 ? a - 1 : a + 1;
      const b = beside < 0 || beside >= u.length ? a : beside;
      const chromaU = (3 * u[a]! + u[b]!) / 16 - 128;
      const chromaV = (3 * v[a]! + v[b]!) / 16 - 128;
      const luma = (bytes[row + x]! - black) * gain;
      data[k] = luma + rv * chromaV;
      data[k + 1] = luma + gu * chromaU + gv * chromaV;
      data[k + 2] = luma + bu * chromaU;
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
    const lower = Math.min(rows - 1, top + 1) * columns;
    for (let left = 0; left < columns; left += 2) {
      const right = Math.min(columns - 1, left + 1);
      const a = top * columns + left;
      const b = top * columns + right;
      const c = lower + left;
      const d = lower + right;
      if (touched[a] === 0 && touched[b] === 0 && touched[c] === 0 && touched[d] === 0) continue;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let corner = 0; corner < 4; corner += 1) {
        const p = corner === 0 ? a : corner === 1 ? b : corner === 2 ? c : d;
        const r = clamp(data[p * 3]!);
        const g = clamp(data[p * 3 + 1]!);
        const bl = clamp(data[p * 3 + 2]!);
        red += r / 4;
        green += g / 4;
        blue += bl / 4;
        if (touched[p] === 0) continue;
        const x = corner % 2 === 0 ? left : right;
        const y = corner < 2 ? top : lower / columns;
        bytes[(raster.y + y) * format.widthPx + raster.x + x] = Math.round(black + yr * r + yg * g + yb * bl);
      }
      const at = ((raster.y + top) >> 1) * chromaWidthPx + ((raster.x + left) >> 1);
      bytes[uOffset + at] = Math.round(128 + ur * red + ug * green + ub * blue);
      bytes[vOffset + at] = Math.round(128 + vr * red + vg * green + vb * blue);
    }
  }
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, value));
}
