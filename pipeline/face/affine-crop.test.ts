import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { affineCrop, type CropArea, type CropTarget, reduction } from './affine-crop.ts';
import { type Picture, planeLayout } from './picture.ts';
import { colourMatrix } from './pixels/colour-convert.ts';

/** A picture whose planes are given as functions of place. */
function paint(
  widthPx: number,
  heightPx: number,
  planes: (x: number, y: number) => readonly [number, number, number],
  colour: Picture['colour'] = { matrix: 'bt601', range: 'full' },
): Picture {
  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset, totalBytes } = planeLayout({ widthPx, heightPx });
  const bytes = new Uint8Array(totalBytes);
  for (let y = 0; y < heightPx; y += 1)
    for (let x = 0; x < widthPx; x += 1) bytes[y * widthPx + x] = planes(x, y)[0];
  for (let y = 0; y < chromaHeightPx; y += 1)
    for (let x = 0; x < chromaWidthPx; x += 1) {
      const [, u, v] = planes(2 * x + 0.5, 2 * y + 0.5);
      bytes[uOffset + y * chromaWidthPx + x] = u;
      bytes[vOffset + y * chromaWidthPx + x] = v;
    }
  return { widthPx, heightPx, colour, mediaTimeUs: 0, bytes };
}

function crop(
  picture: Picture,
  area: CropArea,
  size: number,
  values: Partial<CropTarget> = {},
): Float32Array {
  const samples = new Float32Array(3 * size * size);
  affineCrop(picture, area, { size, samples, ...values });
  return samples;
}

/** What the documentation says, step by step. */
function slowly(picture: Picture, area: CropArea, size: number): Float32Array {
  const { widthPx, heightPx, bytes } = picture;
  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset } = planeLayout(picture);
  const { angleRad = 0, mirrored = false } = area;
  const read = (start: number, width: number, height: number, n: number, x: number, y: number) => {
    const block = (i: number, j: number) => {
      const [columns, rows] = [Math.ceil(width / n), Math.ceil(height / n)];
      const [left, top] = [Math.min(columns - 1, Math.max(0, i)) * n, Math.min(rows - 1, Math.max(0, j)) * n];
      let [sum, count] = [0, 0];
      for (let b = top; b < Math.min(height, top + n); b += 1)
        for (let a = left; a < Math.min(width, left + n); a += 1, count += 1)
          sum += bytes[start + b * width + a]!;
      return Math.floor(sum / count + 0.5);
    };
    const [p, q] = [(x - (n - 1) / 2) / n, (y - (n - 1) / 2) / n];
    const clamped = (value: number, length: number) =>
      Math.min(Math.max(value, 0), Math.ceil(length / n) - 1);
    const [i, j] = [clamped(p, width), clamped(q, height)];
    const [left, top] = [Math.floor(i), Math.floor(j)];
    const mix = (a: number, b: number, share: number) => a + (b - a) * share;
    return mix(
      mix(block(left, top), block(left + 1, top), i - left),
      mix(block(left, top + 1), block(left + 1, top + 1), i - left),
      j - top,
    );
  };
  const { black, gain, rv, gu, gv, bu } = colourMatrix(picture.colour);
  const step = area.sizePx / size;
  const out = new Float32Array(3 * size * size);
  for (let row = 0; row < size; row += 1)
    for (let column = 0; column < size; column += 1) {
      const u = ((column + 0.5) / size - 0.5) * (mirrored ? -1 : 1);
      const v = (row + 0.5) / size - 0.5;
      const x = area.centreX + area.sizePx * (u * Math.cos(angleRad) - v * Math.sin(angleRad));
      const y = area.centreY + area.sizePx * (u * Math.sin(angleRad) + v * Math.cos(angleRad));
      const light = (read(0, widthPx, heightPx, reduction(step), x, y) - black) * gain;
      const [cx, cy, n] = [(x - 0.5) / 2, (y - 0.5) / 2, reduction(step / 2)];
      const cu = read(uOffset, chromaWidthPx, chromaHeightPx, n, cx, cy) - 128;
      const cv = read(vOffset, chromaWidthPx, chromaHeightPx, n, cx, cy) - 128;
      const rgb = [light + rv * cv, light + gu * cu + gv * cv, light + bu * cu];
      for (let plane = 0; plane < 3; plane += 1)
        out[plane * size * size + row * size + column] = Math.min(255, Math.max(0, rgb[plane]!));
    }
  return out;
}

describe('affineCrop', () => {
  it('copies pixel for pixel where the square lies on the pixels', () => {
    const picture = paint(16, 12, (x, y) => [10 * Math.round(x) + Math.round(y), 128, 128]);
    const samples = crop(picture, { centreX: 5.5, centreY: 4.5, sizePx: 4 }, 4);
    expect([...samples.slice(0, 4)]).toEqual([43, 53, 63, 73]);
    expect([...samples.slice(12, 16)]).toEqual([46, 56, 66, 76]);
    expect(samples.slice(0, 16)).toEqual(samples.slice(32, 48));
  });

  it('turns with the square, mirrors, and scales values', () => {
    const picture = paint(32, 32, (x) => [Math.round(4 * x), 128, 128]);
    const area = { centreX: 15.5, centreY: 15.5, sizePx: 8 };
    const turned = crop(picture, { ...area, angleRad: Math.PI / 2 }, 8);
    // Its x axis points down: brightness falls from row to row.
    expect(turned[0]).toBeCloseTo(4 * 19, 3);
    expect(turned[7]).toBeCloseTo(4 * 19, 3);
    expect(turned[56]).toBeCloseTo(4 * 12, 3);
    const [plain, mirrored] = [crop(picture, area, 8), crop(picture, { ...area, mirrored: true }, 8)];
    expect([...mirrored.slice(0, 8)]).toEqual([...plain.slice(0, 8)].reverse());
    const scaled = crop(picture, area, 8, { scale: 1 / 127.5, offset: -1 });
    expect(scaled[0]).toBeCloseTo(48 / 127.5 - 1, 5);
  });

  it('knows the colours of both matrices and ranges', () => {
    const area = { centreX: 4, centreY: 4, sizePx: 4 };
    // Red as each of them writes it.
    const reds = [
      ['bt601', 'limited', [81, 90, 240]],
      ['bt601', 'full', [76, 85, 255]],
      ['bt709', 'limited', [63, 102, 240]],
      ['bt709', 'full', [54, 99, 255]],
    ] as const;
    for (const [matrix, range, planes] of reds) {
      const samples = crop(
        paint(8, 8, () => planes, { matrix, range }),
        area,
        2,
      );
      expect(samples[0], `${matrix} ${range}`).toBeGreaterThan(251);
      expect(samples[4]).toBeLessThan(3);
      expect(samples[8]).toBeLessThan(3);
    }
  });

  it('sees black beyond the picture, or its outermost pixels', () => {
    const picture = paint(9, 7, () => [200, 128, 128]);
    const area = { centreX: 4, centreY: 3, sizePx: 18 };
    const black = crop(picture, area, 18, { outside: 'black', scale: 2, offset: -1 });
    expect(black[0]).toBe(-1);
    expect(black[9 * 18 + 9]).toBeCloseTo(399, 3);
    expect(new Set(crop(picture, area, 18).slice(0, 324))).toEqual(new Set([200]));
  });

  it('makes grey of a pattern that is too fine for the crop', () => {
    const picture = paint(512, 512, (x, y) => [
      (Math.round(x) + Math.round(y)) % 2 === 0 ? 255 : 0,
      128,
      128,
    ]);
    const samples = crop(picture, { centreX: 250, centreY: 250, sizePx: 400 }, 100);
    for (const value of samples) expect(Math.abs(value - 128)).toBeLessThan(1);
  });

  it('does what it says at any size, place and angle', () => {
    fc.assert(
      fc.property(
        fc.record({
          ...{ widthPx: fc.integer({ min: 1, max: 50 }), heightPx: fc.integer({ min: 1, max: 50 }) },
          ...{ centreX: fc.double({ min: -20, max: 70 }), centreY: fc.double({ min: -20, max: 70 }) },
          ...{ sizePx: fc.double({ min: 1, max: 90 }), angleRad: fc.double({ min: -4, max: 4 }) },
          ...{ mirrored: fc.boolean(), seed: fc.integer() },
        }),
        ({ widthPx, heightPx, seed, ...area }) => {
          fc.pre(!Object.values(area).some(Number.isNaN));
          const picture = paint(widthPx, heightPx, () => [0, 0, 0]);
          picture.bytes.forEach((_, i) => {
            picture.bytes[i] = (Math.imul(i + seed, 2_654_435_761) >>> 24) & 255;
          });
          // 24 samples: blocks are no larger than 4 × 4, of which every pixel is read.
          const [fast, slow] = [crop(picture, area, 24), slowly(picture, area, 24)];
          for (let i = 0; i < fast.length; i += 1) expect(Math.abs(fast[i]! - slow[i]!)).toBeLessThan(0.05);
        },
      ),
      { numRuns: 60 },
    );
  });
});
