import { describe, expect, it } from 'vitest';
import { type HeardLevels, longSilenceMs, onsets, soundingShare, soundings } from './heard-sound.ts';

/** 10 ms blocks from wall time 1000: loud where a span says so, in two batches. */
function levels(...loud: readonly (readonly [number, number])[]): HeardLevels {
  const blocks = Array.from({ length: 200 }, (_, i) => {
    const atMs = 1000 + i * 10;
    return loud.some(([from, to]) => atMs >= from && atMs < to) ? -20 : -120;
  });
  return {
    blockMs: 10,
    batches: [
      [1000, blocks.slice(0, 100)],
      [2000, blocks.slice(100)],
    ],
  };
}

describe('what is heard of a track', () => {
  it('is one stretch over a short silence and over the border of batches, and leaves out clicks', () => {
    expect(soundings(levels([1200, 1400], [1450, 1500], [1700, 1710], [1950, 2100]))).toEqual([
      { startMs: 1200, endMs: 1500 },
      { startMs: 1950, endMs: 2100 },
    ]);
  });

  it('is counted within a span, and so is silence that is long enough', () => {
    const heard = soundings(levels([1200, 1500], [1600, 1700], [2300, 2400]));
    expect(soundingShare(heard, 1400, 1800)).toBeCloseTo(0.5);
    expect(soundingShare(heard, 1500, 1500)).toBe(0);
    expect(longSilenceMs(heard, 1200, 2400, 300)).toBe(600);
    expect(longSilenceMs(heard, 1200, 2400, 100)).toBe(700);
    expect(longSilenceMs([], 1000, 2000, 300)).toBe(1000);
    expect(longSilenceMs(heard, 1250, 1450, 10)).toBe(0);
  });

  it('begins where a sound begins nearest to what is expected', () => {
    const heard = soundings(levels([1200, 1500], [1600, 1700]));
    expect(onsets(heard, [1190, 1580, 1900], 50)).toEqual([1200, 1600, undefined]);
  });
});
