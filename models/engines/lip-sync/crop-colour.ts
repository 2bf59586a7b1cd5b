import type { CropMask } from '../../../pipeline/face/affine-paste.ts';
import type { RgbRaster } from '../../../pipeline/face/pixels/colour-convert.ts';
import { blendPatch, type ColourGain, matchColour } from '../../../pipeline/face/pixels/colour-match.ts';

/** Gives faces that a network made the colours of the filmed ones around their edge, steadily from picture to picture. */
export class CropColour {
  #gain: ColourGain | undefined;
  #shot = -1;

  /** The next picture begins anew. */
  reset(): void {
    this.#gain = undefined;
  }

  /**
   * @param filmed, made [3][size][size], 0…1
   * @returns `made` in other colours
   */
  match(options: {
    readonly filmed: Float32Array;
    readonly made: Float32Array;
    readonly mask: CropMask;
    readonly shot: number;
  }): Float32Array {
    const { filmed, made, mask, shot } = options;
    if (shot !== this.#shot) this.reset();
    this.#shot = shot;
    const size = mask.sizePx;
    const area = size * size;
    const picture: RgbRaster = { x: 0, y: 0, widthPx: size, heightPx: size, data: interleaved(filmed, area) };
    const patch = interleaved(made, area);
    this.#gain = matchColour(picture, patch, mask.alpha, this.#gain);
    blendPatch({
      ...{ picture, patch, gain: this.#gain, opacity: 1 },
      alpha: new Float32Array(area).fill(1),
      touched: new Uint8Array(area),
    });
    const out = new Float32Array(3 * area);
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < area; i++) out[c * area + i] = picture.data[3 * i + c]! / 255;
    return out;
  }
}

function interleaved(planes: Float32Array, area: number): Float32Array {
  const out = new Float32Array(3 * area);
  for (let c = 0; c < 3; c++) for (let i = 0; i < area; i++) out[3 * i + c] = planes[c * area + i]! * 255;
  return out;
}
