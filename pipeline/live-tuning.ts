import type { RecogniseStageOptions } from './stages/recognise.ts';
import type { SegmenterOptions } from './stages/segmenter.ts';

/**
 * Where a live channel differs from a replay: it trades a little accuracy for a short way from mouth to ear. Measured with
 * loadtest/measure/live-speech.ts.
 */
export const LIVE_SEGMENTER: Omit<SegmenterOptions, 'windowSamples'> = {
  partialEveryMs: 240,
  pauseMs: 192,
  closeSilenceMs: 448,
  closeLongSilenceMs: 288,
};

export const LIVE_RECOGNITION = {
  clauses: { minSentenceMs: 800, minPhraseMs: 1100, maxClauseMs: 2400, maxWaitMs: 3000 },
  patienceMs: 4000,
  /** An engine that takes longer is given up for the sound or the clause, here and below. */
  timeoutMs: 6000,
  alignMs: 1000,
} as const satisfies Partial<RecogniseStageOptions>;

export const LIVE_TIMEOUTS = { vadMs: 2000, translateMs: 3000, synthesiseMs: 4000 } as const;

/**
 * How far interpreted outputs run behind, ms. The voice waits as long, so it is no more than a good network's jitter: on a
 * worse one the original under a premixed dub has holes, and the original on its own track none.
 */
export const INTERPRET_DELAY_MS = 120;

/**
 * Where lips follow a synced voice, utterances are placed so far ahead of playout, ms: pictures are made of what is known up to
 * some tenths of a second after them. What the worker takes to make them is part of it.
 */
export const FACE_LEAD_MS = 800;
