import { describe, expect, it } from 'vitest';
import { type Picture, planeLayout } from '../../pipeline/face/picture.ts';
import { blankImage, drawCrop, drawNumber } from './picture-crop.ts';

function picture(luma: (x: number, y: number) => number): Picture {
  const format = { widthPx: 8, heightPx: 8, colour: { matrix: 'bt601', range: 'limited' } } as const;
  const bytes = new Uint8Array(planeLayout(format).totalBytes).fill(128);
  for (let i = 0; i < 64; i += 1) bytes[i] = luma(i % 8, Math.floor(i / 8));
  return { ...format, mediaTimeUs: 0, bytes };
}

describe('a crop', () => {
  it('shows its part of the picture, enlarged, black as black and white as white', () => {
    const image = blankImage(16, 8);
    const halves = picture((x) => (x < 4 ? 16 : 235));
    drawCrop(image, { x: 8, y: 0, sidePx: 8 }, halves, { x: 2, y: 2, sidePx: 4 });
    const red = Array.from({ length: 16 }, (_, x) => image.bytes[(4 * 16 + x) * 3]!);
    expect(red.slice(0, 8)).toEqual(Array(8).fill(0));
    expect(red[8]).toBeLessThan(5);
    expect(red[15]).toBeGreaterThan(250);
  });

  it('repeats the edge where it reaches beyond the picture', () => {
    const image = blankImage(4, 4);
    drawCrop(
      image,
      { x: 0, y: 0, sidePx: 4 },
      picture(() => 235),
      { x: -6, y: 5, sidePx: 10 },
    );
    expect(Math.min(...image.bytes)).toBeGreaterThan(250);
  });
});

describe('a number', () => {
  it('is written in white dots', () => {
    const image = blankImage(40, 12);
    drawNumber(image, 0, 0, '1.');
    expect(image.bytes[2 * 3]).toBe(255);
    expect(image.bytes[0]).toBe(0);
  });
});
