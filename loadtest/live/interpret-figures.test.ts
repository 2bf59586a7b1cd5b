import { describe, expect, it } from 'vitest';
import { percentile } from '../measure/live-figures.ts';
import type { HeardLevels } from './heard-sound.ts';
import { type Interpreted, interpretFigures } from './interpret-figures.ts';

const ORIGIN_MS = 1_000_000;

interface Said {
  readonly startS: number;
  readonly endS: number;
  /** Of its utterance. */
  readonly dubS?: readonly [number, number];
}

/** A run in which the way to the ear takes `wayMs`, growing by `driftMs` in 10 minutes. */
function run(said: readonly Said[], { wayMs = 300, driftMs = 0, muted = [] as number[] } = {}): Interpreted {
  const utterances = said.flatMap(({ dubS }, clauseId) =>
    dubS
      ? [{ clauseId, outcome: 'spoken', startUs: dubS[0] * 1e6, endUs: dubS[1] * 1e6, rate: 1.1 }]
      : [{ clauseId, outcome: 'skipped-lag', startUs: 0, endUs: 0, rate: 1 }],
  );
  const loud = utterances.flatMap(({ clauseId, outcome, startUs, endUs }) => {
    if (outcome !== 'spoken' || muted.includes(clauseId)) return [];
    const way = wayMs + (driftMs * startUs) / 600e6;
    return [[startUs / 1000 + way, endUs / 1000 + way] as const];
  });
  const lastMs = Math.max(...loud.map(([, to]) => to)) + 1000;
  const blocks = Array.from({ length: Math.ceil(lastMs) }, (_, ms) =>
    loud.some(([from, to]) => ms >= from && ms < to) ? -20 : -120,
  );
  const levels: HeardLevels = { blockMs: 1, batches: [[ORIGIN_MS, blocks]] };
  return {
    originMs: ORIGIN_MS,
    levels,
    utterances,
    clauses: said.map(({ startS, endS }, id) => ({
      id,
      text: 'aaaa bbbb',
      startUs: startS * 1e6,
      endUs: endS * 1e6,
      mediaTimeUs: (endS + 0.2) * 1e6,
    })),
    translations: said.map(({ endS }, clauseId) => ({
      clauseId,
      text: 'cc dd',
      atMs: ORIGIN_MS + (endS + 0.5) * 1000,
    })),
  };
}

describe('figures of interpreting', () => {
  const two: Said[] = [
    { startS: 1, endS: 3, dubS: [3.5, 5.5] },
    { startS: 3, endS: 5, dubS: [6, 8] },
  ];

  it('count from the end of a source word to the start of its counterpart in the ear', () => {
    const figures = interpretFigures(run(two));
    // Words end at 2, 3, 4 and 5 s; their counterparts are heard at 3.8, 4.8, 6.3 and 7.3 s.
    expect(figures.earVoiceMs.map(Math.round)).toEqual([1800, 1800, 2300, 2300]);
    expect(figures.earVoiceToldMs.map(Math.round)).toEqual([1500, 1500, 2000, 2000]);
    expect(figures.afterClauseMs.map(Math.round)).toEqual([800, 1300]);
    expect(figures.pathMs.map(Math.round)).toEqual([300, 300]);
  });

  it('find silence while the speaker goes on, and none where the speaker pauses', () => {
    const figures = interpretFigures(run(two));
    // 0.5 s of 3.5 to 8 s.
    expect(figures.silenceToldPercent).toBeCloseTo(100 / 9);
    expect(figures.silenceHeardPercent).toBeCloseTo(100 / 9, 0);
    const apart = interpretFigures(run([two[0]!, { startS: 9, endS: 10, dubS: [11, 12] }]));
    expect(apart.silenceToldPercent).toBe(0);
  });

  it('tell what was said to be spoken and is not heard, and what was left out', () => {
    const figures = interpretFigures(run([...two, { startS: 5, endS: 6 }], { muted: [1] }));
    expect(figures.unheard).toEqual([1]);
    expect(figures.heardPercent).toBe(50);
    expect([figures.spoken, figures.skipped]).toEqual([2, 1]);
  });

  it('find the way to the ear however long it is', () => {
    for (const wayMs of [120, 700, 1400])
      expect(percentile(interpretFigures(run(two, { wayMs })).pathMs, 0.5)).toBeCloseTo(wayMs, 0);
  });

  it('see the way to the ear grow', () => {
    const many = Array.from({ length: 60 }, (_, i) => ({
      startS: i * 3,
      endS: i * 3 + 1,
      dubS: [i * 3 + 1.5, i * 3 + 2.5] as const,
    }));
    expect(interpretFigures(run(many, { driftMs: 200 })).pathDriftMs).toBeCloseTo(200, -1);
    expect(interpretFigures(run(many)).pathDriftMs).toBeCloseTo(0, 0);
  });

  it('lag by what was taken in, by when the text came, and by when the voice is heard', () => {
    const { lagging } = interpretFigures(run([two[0]!]));
    // One clause of 2 s, two words at once: the first counts, as all of the source had been heard.
    expect(lagging.textUnaware.al).toBeCloseTo(2200);
    expect(lagging.textAware.al).toBeCloseTo(2500);
    expect(lagging.voice.al).toBeCloseTo(2800);
  });
});
