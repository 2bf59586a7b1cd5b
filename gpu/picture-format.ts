import type { Rect } from '../pipeline/face/canvas.ts';
import { colourNumbers, type PictureFormat, planeLayout } from '../pipeline/face/picture.ts';

export const FORMAT_BYTES = 64;

/** `PictureFormat` of gpu/kernels/picture.wgsl. */
export function formatWords(format: PictureFormat): Uint8Array {
  const { widthPx, heightPx, colour } = format;
  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset, totalBytes } = planeLayout(format);
  const { red, green, blue, black, lumaSteps, chromaSteps } = colourNumbers(colour);
  const out = new ArrayBuffer(FORMAT_BYTES);
  new Uint32Array(out).set([widthPx, heightPx, chromaWidthPx, chromaHeightPx, uOffset, vOffset, totalBytes]);
  new Float32Array(out, 32).set([red, green, blue, black, lumaSteps, chromaSteps]);
  return new Uint8Array(out);
}

/** Words of a picture that hold the rows of a part of it, in each plane. */
export interface WordStretches {
  readonly firstWords: readonly [number, number, number];
  /** Words of the first, of the first two, of all three. */
  readonly wordsBefore: readonly [number, number, number];
}

export function wordStretches(format: PictureFormat, rect: Rect): WordStretches {
  const { widthPx } = format;
  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset } = planeLayout(format);
  const bottom = rect.y + rect.heightPx;
  const chromaTop = rect.y >> 1;
  const chromaBottom = Math.min(chromaHeightPx, (bottom + 1) >> 1);
  const ranges = [
    [rect.y * widthPx, bottom * widthPx],
    [uOffset + chromaTop * chromaWidthPx, uOffset + chromaBottom * chromaWidthPx],
    [vOffset + chromaTop * chromaWidthPx, vOffset + chromaBottom * chromaWidthPx],
  ].map(([from, to]) => [from! >> 2, Math.ceil(to! / 4)] as const);
  const [y, u, v] = ranges.map(([from, to]) => to - from) as [number, number, number];
  return {
    firstWords: ranges.map(([from]) => from) as [number, number, number],
    wordsBefore: [y, y + u, y + u + v],
  };
}
