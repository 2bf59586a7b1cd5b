import { describe, expect, it } from 'vitest';
import { type CropMask, cutCrop, inCrop, pasteCrop, placeCrop } from './affine-paste.ts';
import { type Picture, type PictureColour, planeLayout } from './picture.ts';

/** Smooth ramps, so that resampling loses little. */
function ramps(widthPx: number, heightPx: number, colour: PictureColour): Picture {
  const { uOffset, vOffset, totalBytes, chromaWidthPx, chromaHeightPx } = planeLayout({ widthPx, heightPx });
  const bytes = new Uint8Array(totalBytes);
  for (let y = 0; y < heightPx; y++)
    for (let x = 0; x < widthPx; x++) bytes[y * widthPx + x] = 60 + (100 * x) / widthPx + (60 * y) / heightPx;
  for (let y = 0; y < chromaHeightPx; y++) {
    for (let x = 0; x < chromaWidthPx; x++) {
      bytes[uOffset + y * chromaWidthPx + x] = 118 + (20 * x) / chromaWidthPx;
      bytes[vOffset + y * chromaWidthPx + x] = 118 + (20 * y) / chromaHeightPx;
    }
  }
  return { widthPx, heightPx, colour, mediaTimeUs: 0, bytes };
}

const COLOURS = (['bt601', 'bt709'] as const).flatMap((matrix) =>
  (['limited', 'full'] as const).map((range) => ({ matrix, range })),
);
const whole: CropMask = { sizePx: 1, alpha: Float32Array.of(1) };
const box = { centreX: 52.3, centreY: 40.8, widthPx: 48, heightPx: 60, angleRad: 0.3 };

describe('a crop of a picture', () => {
  it.each(COLOURS)('comes back where it was taken from within two levels ($matrix, $range)', (colour) => {
    for (const [widthPx, heightPx] of [
      [101, 83],
      [120, 90],
    ] as const) {
      const picture = ramps(widthPx, heightPx, colour);
      const place = placeCrop(box, 64);
      const bytes = picture.bytes.slice();
      const rect = pasteCrop(bytes, picture, {
        place,
        rgb: cutCrop(picture, place),
        mask: whole,
        opacity: 1,
      });
      expect(rect).toBeDefined();
      expect(Math.max(...bytes.map((value, i) => Math.abs(value - picture.bytes[i]!)))).toBeLessThanOrEqual(
        2,
      );
    }
  });

  it('has its corners where the box says, turned clockwise', () => {
    const place = placeCrop({ ...box, angleRad: Math.PI / 2 }, 10);
    const [u, v] = inCrop(place, box.centreX, box.centreY);
    expect([u, v]).toEqual([expect.closeTo(4.5), expect.closeTo(4.5)]);
    // The crop's right side lies at the bottom of the picture.
    expect(inCrop(place, box.centreX, box.centreY + 24)[0]).toBeCloseTo(9.5);
  });

  it('shows reds as red whatever the matrix', () => {
    for (const colour of COLOURS) {
      const picture = ramps(32, 32, colour);
      const place = placeCrop({ centreX: 16, centreY: 16, widthPx: 20, heightPx: 20, angleRad: 0 }, 8);
      const red = new Float32Array(3 * 64).fill(0.8, 0, 64);
      const bytes = picture.bytes.slice();
      pasteCrop(bytes, picture, { place, rgb: red, mask: whole, opacity: 1 });
      const back = cutCrop(
        { ...picture, bytes },
        placeCrop({ ...box, centreX: 16, centreY: 16, widthPx: 4, heightPx: 4 }, 1),
      );
      expect(back[0]).toBeCloseTo(0.8, 1);
      expect(back[1]).toBeCloseTo(0, 1);
      expect(back[2]).toBeCloseTo(0, 1);
    }
  });

  it('changes no byte that the mask hides, and nothing at all at opacity 0', () => {
    const picture = ramps(101, 83, COLOURS[0]!);
    const place = placeCrop(box, 32);
    const black = new Float32Array(3 * 32 * 32);
    const alpha = new Float32Array(16 * 16);
    for (let v = 10; v < 14; v++) alpha.fill(1, v * 16 + 4, v * 16 + 12);
    const bytes = picture.bytes.slice();
    expect(pasteCrop(bytes, picture, { place, rgb: black, mask: { sizePx: 16, alpha }, opacity: 0 })).toBe(
      undefined,
    );
    expect(bytes).toEqual(picture.bytes);
    pasteCrop(bytes, picture, { place, rgb: black, mask: { sizePx: 16, alpha }, opacity: 1 });
    let changed = 0;
    for (let y = 0; y < 83; y++) {
      for (let x = 0; x < 101; x++) {
        if (bytes[y * 101 + x] === picture.bytes[y * 101 + x]) continue;
        changed++;
        const [u, v] = inCrop(place, x, y);
        expect(u).toBeGreaterThan(6);
        expect(v).toBeGreaterThan(18);
      }
    }
    expect(changed).toBeGreaterThan(300);
  });

  it('may hang over the edge or lie outside', () => {
    const picture = ramps(40, 30, COLOURS[0]!);
    const bytes = picture.bytes.slice();
    const over = placeCrop({ ...box, centreX: 0, centreY: 30 }, 16);
    pasteCrop(bytes, picture, { place: over, rgb: cutCrop(picture, over), mask: whole, opacity: 1 });
    const away = placeCrop({ ...box, centreX: 900, centreY: 30 }, 16);
    expect(
      pasteCrop(bytes, picture, { place: away, rgb: cutCrop(picture, away), mask: whole, opacity: 1 }),
    ).toBe(undefined);
    expect(bytes.length).toBe(picture.bytes.length);
  });
});
