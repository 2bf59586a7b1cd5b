import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange } from './range.ts';

describe('parseRange', () => {
  it.each([
    ['', { kind: 'whole' }],
    ['bytes=0-99', { kind: 'part', start: 0, length: 100 }],
    ['bytes=900-', { kind: 'part', start: 900, length: 100 }],
    ['bytes=-10', { kind: 'part', start: 990, length: 10 }],
    ['bytes=-5000', { kind: 'part', start: 0, length: 1000 }],
    ['bytes=990-5000', { kind: 'part', start: 990, length: 10 }],
    ['bytes=1000-', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
    ['bytes=5-4', { kind: 'whole' }],
    ['bytes=-', { kind: 'whole' }],
    ['bytes=0-1,5-6', { kind: 'whole' }],
    ['lines=0-1', { kind: 'whole' }],
    ['bytes=a-b', { kind: 'whole' }],
  ])('reads %j of 1000 bytes', (header, answer) => {
    expect(parseRange(header, 1000)).toEqual(answer);
  });

  it('never leaves the file', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 0, max: 10_000 }),
        (junk, a, b, size) => {
          for (const header of [junk, `bytes=${a}-${b}`, `bytes=${a}-`, `bytes=-${b}`, `bytes=${junk}`]) {
            const range = parseRange(header, size);
            if (range.kind !== 'part') continue;
            expect(range.start).toBeGreaterThanOrEqual(0);
            expect(range.length).toBeGreaterThan(0);
            expect(range.start + range.length).toBeLessThanOrEqual(size);
          }
        },
      ),
    );
  });
});
