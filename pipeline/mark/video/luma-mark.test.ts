import { describe, expect, it } from 'vitest';
import { seeded } from '../code/random-for-tests.ts';
import {
  ACTIVITY_MAX,
  ACTIVITY_MIN,
  ACTIVITY_RADIUS,
  ACTIVITY_SD,
  BRIGHTNESS_FULL,
  BRIGHTNESS_GAIN,
  BRIGHTNESS_MIN,
  LumaMarker,
  type LumaPlane,
  markStrength,
} from './luma-mark.ts';
import { copyOf, flatPlane, noisePlane, psnrDb, scenePlane } from './pictures-for-tests.ts';
import { TILE_CELLS } from './video-layout.ts';
import { buildVideoPattern, type VideoMarkPattern } from './video-pattern.ts';

const random = seeded(1);
const tile = Int8Array.from({ length: TILE_CELLS }, () => (random() < 0.5 ? -1 : 1));

function patternFor({ width, height }: LumaPlane): VideoMarkPattern {
  return buildVideoPattern({ tile, offset: { column: 5, row: 30 }, width, height });
}

/** The formula of `LumaMarker`, pixel by pixel. */
function markSlowly(plane: LumaPlane, pattern: VideoMarkPattern, strength: number): Uint8Array {
  const { width, height, strideBytes, data } = plane;
  const result = data.slice();
  const clamp = (value: number, most: number) => Math.max(0, Math.min(most, value));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      let square = 0;
      for (let j = -ACTIVITY_RADIUS; j <= ACTIVITY_RADIUS; j += 1) {
        for (let i = -ACTIVITY_RADIUS; i <= ACTIVITY_RADIUS; i += 1) {
          const value = data[clamp(y + j, height - 1) * strideBytes + clamp(x + i, width - 1)]!;
          sum += value / 81;
          square += value ** 2 / 81;
        }
      }
      const sd = Math.sqrt(Math.max(0, square - sum ** 2));
      const activity = Math.min(ACTIVITY_MAX, ACTIVITY_MIN + sd / ACTIVITY_SD);
      const value = data[y * strideBytes + x]!;
      const brightness = BRIGHTNESS_MIN + BRIGHTNESS_GAIN * Math.min(value / BRIGHTNESS_FULL, 1);
      const change = strength * activity * brightness * pattern.values[y * width + x]!;
      result[y * strideBytes + x] = clamp(Math.floor(value + change + 0.5), 255);
    }
  }
  return result;
}

describe('luma marker', () => {
  it.each([
    [64, 36],
    [129, 77],
    [33, 5],
    [3, 140],
  ])('does what its formula says at %i x %i, and leaves what is past a line alone', (width, height) => {
    const strideBytes = width + 7;
    const { data } = noisePlane(strideBytes, height, 5);
    const soft = data.map((value, i) => (i % strideBytes < width / 2 ? 100 + value / 20 : value));
    const plane = { width, height, strideBytes, data: soft };
    const pattern = patternFor(plane);
    const expected = markSlowly(plane, pattern, 1.7);
    new LumaMarker().mark(plane, pattern, 1.7);
    let different = 0;
    for (let i = 0; i < expected.length; i += 1) if (expected[i] !== plane.data[i]) different += 1;
    expect(different).toBe(0);
  });

  it('marks planes of several sizes with one marker', () => {
    const marker = new LumaMarker();
    for (const [width, height] of [
      [64, 48],
      [128, 96],
      [64, 48],
    ] as const) {
      const plane = scenePlane({ width, height, scene: 1, frame: 0 });
      const pattern = patternFor(plane);
      const expected = markSlowly(plane, pattern, 2);
      marker.mark(plane, pattern, 2);
      expect(plane.data).toEqual(expected);
    }
  });

  it('changes no picture by more than 42 dB PSNR allow, whatever it shows', () => {
    const pictures = [
      scenePlane({ width: 640, height: 360, scene: 1, frame: 3 }),
      scenePlane({ width: 351, height: 289, scene: 2, frame: 3 }),
      noisePlane(320, 180, 1),
      flatPlane(320, 180, 0),
      flatPlane(320, 180, 128),
      flatPlane(320, 180, 255),
    ];
    for (const picture of pictures) {
      const marked = copyOf(picture);
      new LumaMarker().mark(marked, patternFor(marked), markStrength(marked));
      expect(psnrDb(picture, marked)).toBeGreaterThan(42);
    }
  });
});

describe('video pattern', () => {
  it('has a mean of nearly 0, a mean square of 1 and nothing far out', () => {
    const { values } = buildVideoPattern({ tile, offset: { column: 0, row: 0 }, width: 640, height: 360 });
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(square).toBeCloseTo(1, 4);
    expect(values.every((value) => Math.abs(value) < 3)).toBe(true);
  });
});
