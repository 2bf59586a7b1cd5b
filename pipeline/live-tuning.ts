import type { SegmenterOptions } from './stages/segmenter.ts';
import type { ClauseCutterOptions } from './text/clause-cutter.ts';

/**
 * Where a live channel differs from a replay: it trades a little accuracy for a short way from mouth to ear. Measured with
 * loadtest/measure/live-speech.ts.
 */
export const LIVE_SEGMENTER: Omit<SegmenterOptions, 'windowSamples'> = {
  partialEveryMs: 320,
  pauseMs: 192,
  closeSilenceMs: 448,
  closeLongSilenceMs: 288,
};

export const LIVE_CLAUSES: ClauseCutterOptions = {
  minSentenceMs: 800,
  minPhraseMs: 1200,
  maxClauseMs: 2600,
};

/** An engine that takes longer than this on one clause is given up for it, ms. */
export const LIVE_TIMEOUTS = { recogniseMs: 6000, translateMs: 3000, synthesiseMs: 4000 } as const;
