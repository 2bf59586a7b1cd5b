import { describe, expect, it } from 'vitest';
import { averageLaggingMs, lengthAdaptiveAverageLaggingMs } from './latency.ts';

describe('latency metrics', () => {
  it('give nothing of lag to an output that keeps pace, and the wait to one that starts late', () => {
    expect(averageLaggingMs({ delaysMs: [0, 1000, 2000, 3000], sourceMs: 4000 })).toBe(0);
    expect(averageLaggingMs({ delaysMs: [1000, 2000, 3000, 4000], sourceMs: 4000 })).toBe(1000);
  });

  it('count up to the first word after the end of the source', () => {
    // Ideal 0, 1000, 2000; lags 2000, 2000, 2000; the rest came in one go.
    expect(averageLaggingMs({ delaysMs: [2000, 3000, 4000, 4000], sourceMs: 4000 })).toBe(2000);
    // All at the end: only the first word counts.
    expect(averageLaggingMs({ delaysMs: [4000, 4000], sourceMs: 4000 })).toBe(4000);
  });

  it('reward a long output in AL and not in LAAL', () => {
    const emitted = { delaysMs: [1000, 2000, 3000, 4000], sourceMs: 4000, referenceWords: 2 };
    // Ideal by the reference: 0, 2000, 4000, 6000 → lags 1000, 0, −1000, −2000.
    expect(averageLaggingMs(emitted)).toBe(-500);
    expect(lengthAdaptiveAverageLaggingMs(emitted)).toBe(1000);
  });

  it('are as adaptive to an output that is too short', () => {
    const emitted = { delaysMs: [2000, 4000], sourceMs: 4000, referenceWords: 4 };
    // Ideal 0, 1000 → lags 2000, 3000.
    expect(averageLaggingMs(emitted)).toBe(2500);
    expect(lengthAdaptiveAverageLaggingMs(emitted)).toBe(2500);
  });

  it('take times with computing as they come', () => {
    // Ideal 0, 1000 → 1500, 2300; the second came after the source's end.
    expect(averageLaggingMs({ delaysMs: [1500, 3300, 3400], sourceMs: 3000 })).toBe(1900);
    expect(averageLaggingMs({ delaysMs: [], sourceMs: 3000 })).toBeUndefined();
  });
});
