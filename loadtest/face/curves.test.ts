import { describe, expect, it } from 'vitest';
import { correlation, lagSteps, percentile, tremor } from './curves.ts';

const wave = (i: number) => Math.sin(i / 3) + 0.5 * Math.sin(i / 1.3 + 1);
const curve = (length: number, shift = 0) => Array.from({ length }, (_, i) => wave(i - shift));

describe('correlation', () => {
  it('is 1 for the same shape at another scale, −1 for its mirror image', () => {
    const a = curve(60);
    expect(
      correlation(
        a,
        a.map((x) => 3 * x + 7),
      ),
    ).toBeCloseTo(1, 9);
    expect(
      correlation(
        a,
        a.map((x) => -x),
      ),
    ).toBeCloseTo(-1, 9);
  });

  it('leaves out what was not measured, and knows nothing of a flat line', () => {
    const a = curve(60);
    const holes = a.map((x, i) => (i % 7 === 0 ? Number.NaN : x));
    expect(correlation(a, holes)).toBeCloseTo(1, 9);
    expect(
      correlation(
        a,
        a.map(() => 2),
      ),
    ).toBeNaN();
    expect(correlation([1, 2], [1, 2])).toBeNaN();
  });
});

describe('a lag', () => {
  it.each([0, 2, -3, 0.4, -1.3])('of %f steps is found between steps too', (shift) => {
    expect(lagSteps(curve(120, shift), curve(120))).toBeCloseTo(shift, 1);
  });

  it('is not told where none of those tried is best', () => {
    expect(lagSteps(curve(120, 5), curve(120), 4)).toBeNaN();
  });
});

describe('tremor', () => {
  it('is nothing on a straight way and grows with noise', () => {
    const straight = Array.from({ length: 30 }, (_, i) => 2 * i);
    expect(tremor([straight])).toBeCloseTo(0, 9);
    const shaken = straight.map((x, i) => x + (i % 2 === 0 ? 0.5 : -0.5));
    expect(tremor([shaken])).toBeCloseTo(2, 9);
    expect(tremor([shaken, straight])).toBeCloseTo(Math.sqrt(2), 9);
  });
});

describe('a percentile', () => {
  it('lies between the values beside it', () => {
    expect(percentile([4, 1, Number.NaN, 3, 2], 0.5)).toBe(2.5);
    expect(percentile([], 0.5)).toBeNaN();
  });
});
