import { type PictureFormat, type PlaneLayout, planeLayout } from '../../pipeline/face/picture.ts';
import { GLYPH_HEIGHT_PX, GLYPH_WIDTH_PX, hasInk } from './tiny-font.ts';

/** A colour as it is stored: luma and the two chromas. */
export type Ink = readonly [y: number, u: number, v: number];

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

export interface TextOptions {
  readonly ink: Ink;
  /** Dots of a character, px. Default 1. */
  readonly scale?: number;
}

/** Draws into a 4:2:0 picture. What is outside of it is left out. */
export class Drawing {
  readonly bytes: Uint8Array;
  readonly #format: PictureFormat;
  readonly #layout: PlaneLayout;

  /** Black. */
  constructor(format: PictureFormat) {
    this.#format = format;
    this.#layout = planeLayout(format);
    this.bytes = new Uint8Array(this.#layout.totalBytes).fill(128);
    this.bytes.fill(16, 0, this.#layout.uOffset);
  }

  dot(x: number, y: number, [luma, u, v]: Ink): void {
    const { widthPx, heightPx } = this.#format;
    if (x < 0 || y < 0 || x >= widthPx || y >= heightPx) return;
    this.bytes[y * widthPx + x] = luma;
    const { uOffset, vOffset, chromaWidthPx } = this.#layout;
    const at = (y >> 1) * chromaWidthPx + (x >> 1);
    this.bytes[uOffset + at] = u;
    this.bytes[vOffset + at] = v;
  }

  fill(box: Box, ink: Ink): void {
    for (let y = box.y; y < box.y + box.heightPx; y += 1)
      for (let x = box.x; x < box.x + box.widthPx; x += 1) this.dot(x, y, ink);
  }

  /** @param within nothing is drawn outside of it */
  line(from: readonly [number, number], to: readonly [number, number], ink: Ink, within: Box): void {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(dx), Math.abs(dy))));
    // A point that is nowhere near the picture must not cost a walk there.
    if (!(steps < 16_384)) return;
    for (let i = 0; i <= steps; i += 1) {
      const x = Math.round(from[0] + (dx * i) / steps);
      const y = Math.round(from[1] + (dy * i) / steps);
      const isInside =
        x >= within.x && y >= within.y && x < within.x + within.widthPx && y < within.y + within.heightPx;
      if (isInside) this.dot(x, y, ink);
    }
  }

  /** @returns where the next character would begin */
  text(x: number, y: number, text: string, { ink, scale = 1 }: TextOptions): number {
    let left = x;
    for (const character of text) {
      for (let row = 0; row < GLYPH_HEIGHT_PX; row += 1)
        for (let column = 0; column < GLYPH_WIDTH_PX; column += 1)
          if (hasInk(character, column, row))
            this.fill({ x: left + column * scale, y: y + row * scale, widthPx: scale, heightPx: scale }, ink);
      left += (GLYPH_WIDTH_PX + 1) * scale;
    }
    return left;
  }

  /** Puts a picture of any size into a box with even edges, pixel by nearest pixel. */
  picture(source: PictureFormat, bytes: Uint8Array, box: Box): void {
    const from = planeLayout(source);
    const to = this.#layout;
    this.#plane(
      { bytes, at: 0, widthPx: source.widthPx, heightPx: source.heightPx },
      { at: 0, strideBytes: this.#format.widthPx },
      box,
    );
    const half = { x: box.x / 2, y: box.y / 2, widthPx: box.widthPx / 2, heightPx: box.heightPx / 2 };
    for (const plane of ['uOffset', 'vOffset'] as const)
      this.#plane(
        { bytes, at: from[plane], widthPx: from.chromaWidthPx, heightPx: from.chromaHeightPx },
        { at: to[plane], strideBytes: to.chromaWidthPx },
        half,
      );
  }

  #plane(
    source: { bytes: Uint8Array; at: number; widthPx: number; heightPx: number },
    target: { at: number; strideBytes: number },
    box: Box,
  ): void {
    for (let y = 0; y < box.heightPx; y += 1) {
      const row = source.at + Math.floor((y * source.heightPx) / box.heightPx) * source.widthPx;
      const out = target.at + (box.y + y) * target.strideBytes + box.x;
      if (source.widthPx === box.widthPx) {
        this.bytes.set(source.bytes.subarray(row, row + source.widthPx), out);
        continue;
      }
      for (let x = 0; x < box.widthPx; x += 1)
        this.bytes[out + x] = source.bytes[row + Math.floor((x * source.widthPx) / box.widthPx)]!;
    }
  }
}
