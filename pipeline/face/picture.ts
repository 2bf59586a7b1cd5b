/** How the numbers of luma and chroma become colours (ITU-R BT.601, BT.709). */
export interface PictureColour {
  readonly matrix: 'bt601' | 'bt709';
  /** `limited`: luma 16…235, chroma 16…240; `full`: 0…255. */
  readonly range: 'limited' | 'full';
}

/** Weights of red, green and blue in luma, and how luma and chroma are laid over a byte (BT.601-7, BT.709-6, §3). */
export function colourNumbers({ matrix, range }: PictureColour) {
  const [red, blue] = matrix === 'bt601' ? [0.299, 0.114] : [0.2126, 0.0722];
  const isLimited = range === 'limited';
  return {
    ...{ red: red!, green: 1 - red! - blue!, blue: blue! },
    /** Luma of black, and steps from there to white. */
    black: isLimited ? 16 : 0,
    lumaSteps: isLimited ? 219 : 255,
    chromaSteps: isLimited ? 224 : 255,
  };
}

/** What all pictures of a stream have in common. */
export interface PictureFormat {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly colour: PictureColour;
}

/** One upright picture, 8-bit 4:2:0: planes Y, U, V one after the other without padding, chroma of odd sizes rounded up. */
export interface Picture extends PictureFormat {
  readonly mediaTimeUs: number;
  readonly bytes: Uint8Array;
}

/** Where the planes of a picture lie in its bytes. */
export interface PlaneLayout {
  readonly chromaWidthPx: number;
  readonly chromaHeightPx: number;
  readonly uOffset: number;
  readonly vOffset: number;
  readonly totalBytes: number;
}

export function planeLayout({
  widthPx,
  heightPx,
}: {
  readonly widthPx: number;
  readonly heightPx: number;
}): PlaneLayout {
  const chromaWidthPx = Math.ceil(widthPx / 2);
  const chromaHeightPx = Math.ceil(heightPx / 2);
  const uOffset = widthPx * heightPx;
  const vOffset = uOffset + chromaWidthPx * chromaHeightPx;
  const totalBytes = vOffset + chromaWidthPx * chromaHeightPx;
  return { chromaWidthPx, chromaHeightPx, uOffset, vOffset, totalBytes };
}
