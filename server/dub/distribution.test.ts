import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Distribution } from './distribution.ts';

describe('Distribution', () => {
  it('gives percentiles right to a few per cent, in bounded memory', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.02, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 400 }),
        (values) => {
          const distribution = new Distribution();
          for (const value of values) distribution.add(value);
          const sorted = [...values].sort((a, b) => a - b);
          const exact = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!;
          const { count, p50, p95, max } = distribution.percentiles()!;
          expect(count).toBe(values.length);
          expect(Math.abs(p50 - exact(0.5))).toBeLessThanOrEqual(exact(0.5) * 0.05 + 0.01);
          expect(Math.abs(p95 - exact(0.95))).toBeLessThanOrEqual(exact(0.95) * 0.05 + 0.01);
          expect(max).toBeCloseTo(sorted.at(-1)!, 1);
        },
      ),
    );
  });

  it('has none when nothing was added', () => {
    expect(new Distribution().percentiles()).toBeNull();
  });
});
