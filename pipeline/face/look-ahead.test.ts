import { describe, expect, it } from 'vitest';
import { affordableAheadUs, aheadPictures, FULL_AHEAD_US, liveAheadUs } from './look-ahead.ts';

const colour = { matrix: 'bt709', range: 'limited' } as const;

describe('looking ahead', () => {
  it('takes what the delay of a live channel leaves, and no more than in a file', () => {
    expect(liveAheadUs(2000)).toBe(600_000);
    expect(liveAheadUs(2500)).toBe(1_100_000);
    expect(liveAheadUs(2900)).toBe(FULL_AHEAD_US);
    for (const delayMs of [6000, 15_000]) expect(liveAheadUs(delayMs)).toBe(FULL_AHEAD_US);
    expect(liveAheadUs(1000)).toBe(0);
  });

  it('is as long as wished for in pictures of usual sizes', () => {
    const format = { widthPx: 1280, heightPx: 720, colour };
    expect(affordableAheadUs(600_000, format)).toBe(600_000);
    expect(aheadPictures(600_000, format)).toBe(36);
  });

  it('keeps to its memory however large pictures are, and however many there are a second', () => {
    for (const [widthPx, heightPx] of [
      [1920, 1080],
      [3840, 2160],
      [15_360, 8640],
    ] as const) {
      const format = { widthPx, heightPx, colour };
      expect(affordableAheadUs(1_500_000, format)).toBeLessThan(700_000);
      expect(aheadPictures(1_500_000, format) * widthPx * heightPx * 1.5).toBeLessThanOrEqual(48 * 2 ** 20);
    }
  });
});
