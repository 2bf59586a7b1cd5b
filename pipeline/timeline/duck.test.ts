import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ducker } from './duck.ts';

const MS = 1000;

describe('Ducker', () => {
  it('is down before the first dubbed sample, holds, and comes back up', () => {
    const ducker = new Ducker({ duckedDb: -20, rampMs: 50, holdMs: 300 });
    ducker.add(1000 * MS, 2000 * MS);
    expect(ducker.gainAt(949 * MS)).toBe(1);
    expect(ducker.gainAt(1000 * MS)).toBeCloseTo(0.1);
    expect(ducker.gainAt(2299 * MS)).toBeCloseTo(0.1);
    expect(ducker.gainAt(2351 * MS)).toBe(1);
  });

  it('stays down over a short pause between two utterances', () => {
    const ducker = new Ducker();
    ducker.add(0, 1000 * MS);
    ducker.add(1250 * MS, 2000 * MS);
    for (let ms = 50; ms < 2000; ms += 10) expect(ducker.gainAt(ms * MS)).toBeLessThan(0.2);
  });

  it('never jumps: within 1 ms the gain moves by no more than its ramp allows', () => {
    const spans = fc.array(fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 1500 })), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(spans, (list) => {
        const ducker = new Ducker();
        for (const [startMs, lengthMs] of list) ducker.add(startMs * MS, (startMs + lengthMs) * MS);
        let before = ducker.gainAt(-1000 * MS);
        let largestStep = 0;
        let lowest = 1;
        for (let ms = -1000; ms < 8000; ms += 1) {
          const gain = ducker.gainAt(ms * MS);
          largestStep = Math.max(largestStep, Math.abs(gain - before));
          lowest = Math.min(lowest, gain);
          before = gain;
        }
        expect(largestStep).toBeLessThanOrEqual(1 / 50 + 1e-9);
        expect(lowest).toBeGreaterThan(0.1);
      }),
      { numRuns: 30 },
    );
  });
});
