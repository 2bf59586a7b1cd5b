import { describe, expect, it } from 'vitest';
import { INTERPRET_DELAY_MS } from '../../pipeline/live-tuning.ts';
import { FAKE_ENGINE } from '../../pipeline/ports/fakes.ts';
import { liveFigures, percentile } from './live-figures.ts';
import type { LiveSpeech } from './live-speech.ts';

const clause = (id: number, startMs: number, endMs: number, text: string): LiveSpeech['clauses'][number] => ({
  kind: 'clause',
  id,
  segmentId: 0,
  language: 'en',
  text,
  startUs: startMs * 1000,
  endUs: endMs * 1000,
  confidence: 1,
  endsSegment: false,
  mediaTimeUs: (endMs + 300) * 1000,
  recogniser: FAKE_ENGINE,
  pitchHz: 0,
  pcm: new Float32Array(0),
  committedMs: endMs + 350,
});

const utterance = (clauseId: number, startMs: number, endMs: number, outcome: 'spoken' | 'skipped-lag') =>
  ({
    clauseId,
    language: 'es',
    mode: 'interpret',
    text: 'uno dos',
    outcome,
    startUs: startMs * 1000,
    endUs: endMs * 1000,
    clauseEndUs: 0,
    rate: 1,
    latenessMs: 0,
    synthesiser: FAKE_ENGINE,
    voiceId: 'v',
  }) as const;

const live = (utterances: LiveSpeech['utterances']): LiveSpeech => ({
  clauses: [clause(0, 0, 2000, 'one two'), clause(1, 2000, 4000, 'three four')],
  utterances,
  lags: [],
  failures: [],
  cpuSeconds: 1,
  wallSeconds: 10,
  timings: [],
  outputs: new Map(),
});

describe('liveFigures', () => {
  it('counts from the end of clauses and words to what a listener hears, a little behind the output timeline', () => {
    const figures = liveFigures(
      live([utterance(0, 2600, 4600, 'spoken'), utterance(1, 5100, 7100, 'spoken')]),
      'es',
    );
    expect(figures.startMs).toEqual([600 + INTERPRET_DELAY_MS, 1100 + INTERPRET_DELAY_MS]);
    expect(figures.earVoiceMs).toEqual([1600, 1600, 2100, 2100].map((ms) => ms + INTERPRET_DELAY_MS));
    expect(figures.silencePercent).toBeCloseTo(20);
    // Ideal: a word a second. Clause 0 was committed at 2300, clause 1 at 4300.
    expect(figures.averageLaggingMs.unaware).toBeCloseTo((2300 + 1300 + 2300) / 3);
    expect(figures.averageLaggingMs.aware).toBeCloseTo((2600 + 2600 + 3100) / 3 + INTERPRET_DELAY_MS, 0);
  });

  it('counts what was left out, and nothing for a language that said nothing', () => {
    expect(liveFigures(live([utterance(0, 0, 0, 'skipped-lag')]), 'es')).toMatchObject({
      spoken: 0,
      skipped: 1,
    });
    expect(liveFigures(live([]), 'fr')).toMatchObject({ silencePercent: null, driftMs: null });
    expect(percentile([], 0.5)).toBeNull();
  });
});
