import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RtpTimestampUnwrapper, sequenceDelta, wrap32 } from './rtp-timestamp.ts';

describe('RtpTimestampUnwrapper', () => {
  it('keeps differences of any walk whose steps are below half the range, across wraps', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.array(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), { maxLength: 200 }),
        (first, steps) => {
          const unwrapper = new RtpTimestampUnwrapper();
          let expected = first;
          expect(unwrapper.unwrap(first)).toBe(first);
          for (const step of steps) {
            expected += step;
            expect(unwrapper.unwrap(wrap32(expected))).toBe(expected);
          }
        },
      ),
    );
  });

  it('looks ahead without moving', () => {
    const unwrapper = new RtpTimestampUnwrapper();
    unwrapper.unwrap(0xffff_fff0);
    expect(unwrapper.peek(16)).toBe(0x1_0000_0010);
    expect(unwrapper.unwrap(0xffff_ff00)).toBe(0xffff_ff00);
  });

  it('tells sequence distances across the wrap', () => {
    expect(sequenceDelta(2, 65_534)).toBe(4);
    expect(sequenceDelta(65_534, 2)).toBe(-4);
  });
});
