import { describe, expect, it } from 'vitest';
import { type PictureFormat, planeLayout } from '../../pipeline/face/picture.ts';
import { changedOutside, changedShare, convexHull, type MovableRegion } from './movable-region.ts';

const FORMAT: PictureFormat = { widthPx: 9, heightPx: 7, colour: { matrix: 'bt601', range: 'limited' } };

/** Columns 3 to 5 of rows 2 to 4. */
const REGION: MovableRegion = {
  first: Int32Array.of(9, 9, 3, 3, 3, 9, 9),
  last: Int32Array.of(-1, -1, 5, 5, 5, -1, -1),
};

function changed(...at: readonly number[]): number {
  const before = new Uint8Array(planeLayout(FORMAT).totalBytes).fill(100);
  const after = before.slice();
  for (const i of at) after[i] = 101;
  return changedOutside(before, after, FORMAT, [REGION]);
}

describe('changes outside the region', () => {
  const { chromaWidthPx, uOffset, vOffset } = planeLayout(FORMAT);

  it('are counted sample by sample, in luma', () => {
    expect(changed()).toBe(0);
    expect(changed(3 * 9 + 4)).toBe(0);
    expect(changed(3 * 9 + 2, 3 * 9 + 6, 0)).toBe(3);
  });

  it('are counted in chroma where all of a sample lies outside', () => {
    // Covers columns 2 and 3 of rows 2 and 3: one of them is inside.
    expect(changed(uOffset + chromaWidthPx + 1)).toBe(0);
    expect(changed(uOffset, vOffset + 3 * chromaWidthPx + 4)).toBe(2);
  });

  it('are all changes where nothing may change', () => {
    const before = new Uint8Array(planeLayout(FORMAT).totalBytes);
    expect(
      changedOutside(
        before,
        before.map((x) => x + 1),
        FORMAT,
        [],
      ),
    ).toBe(before.length);
    expect(
      changedShare(
        before,
        before.map((x, i) => (i < 9 ? 1 : x)),
        63,
      ),
    ).toBeCloseTo(1 / 7);
  });
});

describe('a hull', () => {
  it('leaves out what lies inside', () => {
    const hull = convexHull([
      [0, 0],
      [4, 0],
      [2, 1],
      [4, 4],
      [0, 4],
      [2, 2],
    ]);
    expect(new Set(hull.map(String))).toEqual(new Set(['0,0', '4,0', '4,4', '0,4']));
  });
});
