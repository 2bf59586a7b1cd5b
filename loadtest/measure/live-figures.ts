import { INTERPRET_DELAY_MS } from '../../pipeline/live-tuning.ts';
import type { PlacedUtterance } from '../../pipeline/observer.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import { averageLaggingMs, lengthAdaptiveAverageLaggingMs } from '../metrics/latency.ts';
import type { LiveSpeech } from './live-speech.ts';

type Clause = LiveSpeech['clauses'][number];

/** Goals of the project for interpreting continuous speech, ms and shares. */
export const LIVE_GOALS = {
  earVoiceP50: { atMost: 3000 },
  earVoiceP90: { atMost: 5000 },
  startP50: { atMost: 1000 },
  startP95: { atMost: 2000 },
  lagMax: { atMost: 8000 },
  silencePercent: { atMost: 15 },
  cores: { atMost: 1.5 },
} as const;

/** What a listener of one language meets in interpret mode; ms where nothing else is said. */
export interface LiveFigures {
  readonly spoken: number;
  readonly skipped: number;
  /**
   * From each source word's end to the start of its counterpart. Words are spread evenly over their clause and over its
   * utterance: an estimate, as nothing says which word became which.
   */
  readonly earVoiceMs: readonly number[];
  /** From each clause's end to the first sound of its dub. */
  readonly startMs: readonly number[];
  /** Silence between utterances while the speaker goes on, in percent. */
  readonly silencePercent: number | null;
  /** Mean over stretches without a pause: see loadtest/metrics/latency.ts. */
  readonly averageLaggingMs: LaggingPair;
  readonly lengthAdaptiveMs: LaggingPair;
  /** Median start of the last third minus that of the first. */
  readonly driftMs: number | null;
}

export interface LaggingPair {
  /** Counting the source that had been taken in. */
  readonly unaware: number | null;
  /** Counting the time at which words were heard. */
  readonly aware: number | null;
}

/** Pauses of the speaker shorter than this are continuous speech, µs. */
const CONTINUOUS_US = 500_000;

export function liveFigures(live: LiveSpeech, language: LanguageCode): LiveFigures {
  const clauses = new Map(live.clauses.map((clause) => [clause.id, clause]));
  const told = live.utterances.filter((utterance) => utterance.language === language);
  const spoken = told.flatMap((utterance) => {
    const clause = clauses.get(utterance.clauseId);
    return utterance.outcome === 'spoken' && clause ? [{ utterance, clause }] : [];
  });
  const startMs = spoken.map(({ utterance, clause }) => (heardUs(utterance, 0) - clause.endUs) / 1000);
  const third = Math.floor(startMs.length / 3);
  return {
    spoken: spoken.length,
    skipped: told.length - spoken.length,
    earVoiceMs: spoken.flatMap(({ utterance, clause }) => earVoice(utterance, clause)),
    startMs,
    silencePercent: silence(spoken),
    ...lagging(spoken),
    driftMs:
      third === 0
        ? null
        : percentile(startMs.slice(-third), 0.5)! - percentile(startMs.slice(0, third), 0.5)!,
  };
}

/** @returns null for no values */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}

interface Spoken {
  readonly utterance: PlacedUtterance;
  readonly clause: Clause;
}

/** Media time of the live sound when a listener hears some share of an utterance. */
function heardUs({ startUs, endUs }: PlacedUtterance, share: number): number {
  return startUs + (endUs - startUs) * share + INTERPRET_DELAY_MS * 1000;
}

function earVoice(utterance: PlacedUtterance, clause: Clause): number[] {
  const count = clause.text.split(/\s+/u).length;
  return Array.from({ length: count }, (_, i) => {
    const wordEndUs = clause.startUs + ((clause.endUs - clause.startUs) * (i + 1)) / count;
    return (heardUs(utterance, i / count) - wordEndUs) / 1000;
  });
}

function silence(spoken: readonly Spoken[]): number | null {
  let silentUs = 0;
  let allUs = 0;
  for (const [i, next] of spoken.entries()) {
    const before = spoken[i - 1];
    if (!before || next.clause.startUs - before.clause.endUs > CONTINUOUS_US) continue;
    silentUs += Math.max(0, next.utterance.startUs - before.utterance.endUs);
    allUs += next.utterance.startUs - before.utterance.startUs;
  }
  return allUs === 0 ? null : (100 * silentUs) / allUs;
}

function lagging(spoken: readonly Spoken[]): Pick<LiveFigures, 'averageLaggingMs' | 'lengthAdaptiveMs'> {
  const values = { al: [[], []] as number[][], laal: [[], []] as number[][] };
  for (const stretch of stretches(spoken)) {
    const originUs = stretch[0]!.clause.startUs;
    const sourceMs = (stretch.at(-1)!.clause.endUs - originUs) / 1000;
    const words = stretch.flatMap(({ utterance, clause }) => {
      const count = utterance.text.split(/\s+/u).length;
      return Array.from({ length: count }, (_, i) => ({
        unaware: (clause.mediaTimeUs - originUs) / 1000,
        aware: (heardUs(utterance, i / count) - originUs) / 1000,
      }));
    });
    for (const [at, kind] of (['unaware', 'aware'] as const).entries()) {
      const emitted = { delaysMs: words.map((word) => word[kind]), sourceMs };
      const al = averageLaggingMs(emitted);
      const laal = lengthAdaptiveAverageLaggingMs(emitted);
      if (al !== undefined) values.al[at]!.push(al);
      if (laal !== undefined) values.laal[at]!.push(laal);
    }
  }
  const pair = ([unaware, aware]: number[][]) => ({ unaware: mean(unaware!), aware: mean(aware!) });
  return { averageLaggingMs: pair(values.al), lengthAdaptiveMs: pair(values.laal) };
}

/** Clauses that follow each other without a pause. */
function stretches(spoken: readonly Spoken[]): Spoken[][] {
  const all: Spoken[][] = [];
  for (const one of spoken) {
    const last = all.at(-1);
    if (last && one.clause.startUs - last.at(-1)!.clause.endUs <= CONTINUOUS_US) last.push(one);
    else all.push([one]);
  }
  return all;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
