import { describe, expect, it } from 'vitest';
import { MFCC_COEFFICIENTS, speechMfcc } from './mfcc.ts';

describe('cepstral coefficients', () => {
  it('are those of python_speech_features 0.6', () => {
    // Half a second of three tones and a click, silent from sample 6500 on.
    const pcm = Float32Array.from({ length: 8000 }, (_, i) => {
      const tone = (hz: number): number => Math.sin((2 * Math.PI * hz * i) / 16_000);
      return 0.3 * tone(220) + 0.2 * tone(1330) * tone(3) + (i > 4000 ? 0.1 * tone(4100) : 0);
    });
    pcm[2000]! += 0.5;
    pcm.fill(0, 6500);
    const found = speechMfcc(pcm);
    expect(found.length).toBe(49 * MFCC_COEFFICIENTS);
    const golden: readonly [number, readonly number[]][] = [
      [0, [18.8602, 28.6596, -10.0759, -10.9295, 19.036, 22.6356, -14.4131]],
      [10, [20.5996, 14.4342, -17.4261, -9.5465, 25.2048, 29.4396, -10.919]],
      [25, [21.9117, 0.125, -9.3119, 3.3729, -17.7507, 72.0248, -27.5319]],
      [45, [-36.0437, 0, 0, 0, 0, 0, 0]],
    ];
    for (const [frame, values] of golden)
      for (const [c, value] of values.entries())
        expect(found[frame * MFCC_COEFFICIENTS + c]).toBeCloseTo(value, 1);
    expect(found.reduce((sum, value) => sum + value, 0)).toBeCloseTo(-4394.23, -1);
  });
});
