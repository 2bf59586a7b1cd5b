import { percentile } from '../measure/live-figures.ts';
import { averageLaggingMs, type EmittedWords, lengthAdaptiveAverageLaggingMs } from '../metrics/latency.ts';
import {
  type HeardLevels,
  longSilenceMs,
  onsets,
  type Sounding,
  soundingShare,
  soundings,
} from './heard-sound.ts';

/** A committed clause, on media time. */
export interface SourceClause {
  readonly id: number;
  readonly text: string;
  readonly startUs: number;
  readonly endUs: number;
  /** How much of the source had come in when it was committed. */
  readonly mediaTimeUs: number;
}

/** What the server said of an utterance. */
export interface ToldUtterance {
  readonly clauseId: number;
  readonly outcome: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly rate: number;
}

/** When a clause's translation reached the desk. */
export interface ToldTranslation {
  readonly clauseId: number;
  readonly text: string;
  /** Wall time, ms. */
  readonly atMs: number;
}

export interface Interpreted {
  readonly clauses: readonly SourceClause[];
  readonly utterances: readonly ToldUtterance[];
  readonly translations: readonly ToldTranslation[];
  /** The voice as a viewer received it. */
  readonly levels: HeardLevels;
  /** Wall time of media time 0, ms. */
  readonly originMs: number;
}

export interface LaggingFigures {
  readonly al: number | null;
  readonly laal: number | null;
}

/** What a listener meets in interpret mode; ms where nothing else is said. */
export interface InterpretFigures {
  /**
   * From a source word's end to the start of its dubbed counterpart in the viewer's ears. Nothing says which word became
   * which, so the words of a clause are spread over the clause by their letters, and over its utterance likewise.
   */
  readonly earVoiceMs: readonly number[];
  /** The same by what the server says of its utterances, without the way to the ear. */
  readonly earVoiceToldMs: readonly number[];
  /** From a clause's end to the first sound of its dub in the viewer's ears. */
  readonly afterClauseMs: readonly number[];
  /** From where an utterance stands on the timeline to its sound in the viewer's ears; those that can be told apart. */
  readonly pathMs: readonly number[];
  /** By how much `pathMs` grows in 10 minutes, by a line of least squares. */
  readonly pathDriftMs: number | null;
  /** By how much the median of `afterClauseMs` is larger in the last third than in the first. */
  readonly lagDriftMs: number | null;
  /** Of the dub while the speaker goes on, %: silence of 300 ms and more in what the viewer received. */
  readonly silenceHeardPercent: number | null;
  /** The same by the gaps between utterances. */
  readonly silenceToldPercent: number | null;
  /** Utterances during which the received track really sounds. */
  readonly heardPercent: number | null;
  /** Clauses of those during which it does not. */
  readonly unheard: readonly number[];
  readonly spoken: number;
  readonly skipped: number;
  readonly failed: number;
  readonly rates: readonly number[];
  /** Means over stretches of continuous speech; text counts when it is committed, the voice when it is heard. */
  readonly lagging: {
    readonly textUnaware: LaggingFigures;
    readonly textAware: LaggingFigures;
    readonly voice: LaggingFigures;
  };
}

interface Heard {
  readonly clause: SourceClause;
  readonly utterance: ToldUtterance;
  /** Media time at which the viewer hears it, ms. */
  readonly startMs: number;
  readonly endMs: number;
}

/** Pauses of the speaker shorter than this are continuous speech, ms. */
const CONTINUOUS_MS = 500;
/** Longer than the silence of a plosive or between phrases. */
const SILENCE_MS = 300;
/** Silence before an utterance without which its beginning cannot be told from the one before, ms. */
const CLEAR_MS = 150;
/** Longest way to the ear that is looked for, ms, and how finely. */
const LONGEST_PATH_MS = 2000;
const PATH_STEP_MS = 10;
/** How far one utterance may be off the usual way, ms. */
const PATH_SPREAD_MS = 250;
/** An utterance sounds at least so much of its time. */
const SOUNDING_SHARE = 0.4;
const TEN_MINUTES_MS = 600_000;

export function interpretFigures(input: Interpreted): InterpretFigures {
  const { clauses, utterances, levels, originMs } = input;
  const byId = new Map(clauses.map((clause) => [clause.id, clause]));
  const told = utterances
    .flatMap((utterance) => {
      const clause = byId.get(utterance.clauseId);
      return utterance.outcome === 'spoken' && clause ? [{ utterance, clause }] : [];
    })
    .sort((a, b) => a.utterance.startUs - b.utterance.startUs);
  // On media time from here on.
  const sounds = soundings(levels).map(({ startMs, endMs }) => ({
    startMs: startMs - originMs,
    endMs: endMs - originMs,
  }));
  const fitMs = usualPathMs(told, sounds);
  const path = pathOf(told, sounds, fitMs);
  const usualMs = percentile([...path.values()], 0.5) ?? fitMs;
  const heard = told.map(({ utterance, clause }): Heard => {
    const wayMs = path.get(utterance) ?? usualMs;
    return {
      utterance,
      clause,
      startMs: utterance.startUs / 1000 + wayMs,
      endMs: utterance.endUs / 1000 + wayMs,
    };
  });
  const afterClauseMs = heard.map(({ startMs, clause }) => startMs - clause.endUs / 1000);
  const runs = stretches(heard);
  const unheard = heard.flatMap(({ clause, startMs, endMs }) =>
    soundingShare(sounds, startMs, endMs) >= SOUNDING_SHARE ? [] : [clause.id],
  );
  const count = (outcome: RegExp) => utterances.filter((one) => outcome.test(one.outcome)).length;
  return {
    earVoiceMs: heard.flatMap(earVoice),
    earVoiceToldMs: told.flatMap(({ utterance, clause }) =>
      earVoice({ clause, utterance, startMs: utterance.startUs / 1000, endMs: utterance.endUs / 1000 }),
    ),
    afterClauseMs,
    pathMs: [...path.values()],
    pathDriftMs: drift([...path].map(([{ startUs }, ms]) => [startUs / 1000, ms])),
    lagDriftMs: thirds(afterClauseMs),
    silenceHeardPercent: share(runs, ({ startMs }, { endMs }) =>
      longSilenceMs(sounds, startMs, endMs, SILENCE_MS),
    ),
    silenceToldPercent: share(runs, (_first, _last, run) => gapsMs(run)),
    heardPercent: heard.length === 0 ? null : 100 * (1 - unheard.length / heard.length),
    unheard,
    spoken: told.length,
    skipped: count(/^skipped/),
    failed: count(/^failed$/),
    rates: told.map(({ utterance }) => utterance.rate),
    lagging: lagging(runs, input),
  };
}

/** The way from the timeline to the ear of every utterance that begins after a silence, ms. */
function pathOf(
  told: readonly { readonly utterance: ToldUtterance }[],
  sounds: readonly Sounding[],
  usualMs: number,
): Map<ToldUtterance, number> {
  const clear = told.flatMap(({ utterance }, i) => {
    const before = told[i - 1]?.utterance.endUs ?? Number.NEGATIVE_INFINITY;
    return (utterance.startUs - before) / 1000 >= CLEAR_MS ? [utterance] : [];
  });
  const expected = clear.map(({ startUs }) => startUs / 1000 + usualMs);
  const found = onsets(sounds, expected, PATH_SPREAD_MS);
  return new Map(
    clear.flatMap((utterance, i) => {
      const atMs = found[i];
      return atMs === undefined ? [] : [[utterance, atMs - utterance.startUs / 1000] as const];
    }),
  );
}

/** The way by which all utterances together fit best on what was heard, ms. */
function usualPathMs(
  told: readonly { readonly utterance: ToldUtterance }[],
  sounds: readonly Sounding[],
): number {
  const said = told.map(({ utterance: { startUs, endUs } }) => ({
    startMs: startUs / 1000,
    endMs: endUs / 1000,
  }));
  const lastMs = Math.max(0, ...said.map(({ endMs }) => endMs), ...sounds.map(({ endMs }) => endMs));
  const steps = Math.ceil(lastMs / PATH_STEP_MS) + LONGEST_PATH_MS / PATH_STEP_MS;
  const saidAt = mask(said, steps);
  const heardAt = mask(sounds, steps);
  let best = 0;
  let bestFit = Number.NEGATIVE_INFINITY;
  for (let shift = 0; shift * PATH_STEP_MS <= LONGEST_PATH_MS; shift += 1) {
    let fit = 0;
    for (let i = 0; i + shift < steps; i += 1) if (saidAt[i] === heardAt[i + shift]) fit += 1;
    // What was cut off at the end would have been silent.
    fit += shift;
    if (fit > bestFit) [best, bestFit] = [shift, fit];
  }
  return best * PATH_STEP_MS;
}

function mask(spans: readonly Sounding[], steps: number): Uint8Array {
  const at = new Uint8Array(steps);
  for (const { startMs, endMs } of spans)
    at.fill(1, Math.max(0, Math.round(startMs / PATH_STEP_MS)), Math.round(endMs / PATH_STEP_MS));
  return at;
}

function earVoice({ clause, utterance, startMs }: Heard): number[] {
  const { places, total } = lettersBefore(clause.text);
  const clauseMs = (clause.endUs - clause.startUs) / 1000;
  const utteranceMs = (utterance.endUs - utterance.startUs) / 1000;
  return places.map(({ before, after }) => {
    const wordEndMs = clause.startUs / 1000 + (clauseMs * after) / total;
    return startMs + (utteranceMs * before) / total - wordEndMs;
  });
}

function lettersBefore(text: string) {
  let total = 0;
  const places = text
    .split(/\s+/u)
    .filter((word) => word !== '')
    .map((word) => {
      const before = total;
      total += word.length;
      return { before, after: total };
    });
  return { places, total };
}

/** Clauses that follow each other without a pause of the speaker. */
function stretches(heard: readonly Heard[]): Heard[][] {
  const all: Heard[][] = [];
  for (const one of heard) {
    const last = all.at(-1);
    const pauseMs = (one.clause.startUs - (last?.at(-1)?.clause.endUs ?? 0)) / 1000;
    if (last && pauseMs <= CONTINUOUS_MS) last.push(one);
    else all.push([one]);
  }
  return all;
}

/** Part of the dub of all stretches, from the first sound of each to its last, in percent. */
function share(
  runs: readonly Heard[][],
  part: (first: Heard, last: Heard, run: readonly Heard[]) => number,
): number | null {
  let partMs = 0;
  let allMs = 0;
  for (const run of runs) {
    partMs += part(run[0]!, run.at(-1)!, run);
    allMs += run.at(-1)!.endMs - run[0]!.startMs;
  }
  return allMs === 0 ? null : (100 * partMs) / allMs;
}

function gapsMs(run: readonly Heard[]): number {
  return run.slice(1).reduce((sum, next, i) => sum + Math.max(0, next.startMs - run[i]!.endMs), 0);
}

function thirds(values: readonly number[]): number | null {
  const third = Math.floor(values.length / 3);
  if (third === 0) return null;
  return percentile(values.slice(-third), 0.5)! - percentile(values.slice(0, third), 0.5)!;
}

/** Slope of a line of least squares, by 10 minutes. */
function drift(points: readonly (readonly [number, number])[]): number | null {
  if (points.length < 3) return null;
  const meanAt = mean(points.map(([at]) => at))!;
  const meanValue = mean(points.map(([, value]) => value))!;
  let products = 0;
  let squares = 0;
  for (const [at, value] of points) {
    products += (at - meanAt) * (value - meanValue);
    squares += (at - meanAt) ** 2;
  }
  return squares === 0 ? null : (TEN_MINUTES_MS * products) / squares;
}

function lagging(
  runs: readonly Heard[][],
  { translations, originMs }: Interpreted,
): InterpretFigures['lagging'] {
  const byId = new Map(translations.map((translation) => [translation.clauseId, translation]));
  const emitted = { unaware: [] as EmittedWords[], aware: [] as EmittedWords[], voice: [] as EmittedWords[] };
  for (const run of runs) {
    const beganMs = run[0]!.clause.startUs / 1000;
    const sourceMs = run.at(-1)!.clause.endUs / 1000 - beganMs;
    const delays = { unaware: [] as number[], aware: [] as number[], voice: [] as number[] };
    for (const { clause, startMs, endMs } of run) {
      const translation = byId.get(clause.id);
      if (!translation) continue;
      const { places, total } = lettersBefore(translation.text);
      for (const { before } of places) {
        delays.unaware.push(clause.mediaTimeUs / 1000 - beganMs);
        delays.aware.push(translation.atMs - originMs - beganMs);
        delays.voice.push(startMs + ((endMs - startMs) * before) / total - beganMs);
      }
    }
    for (const kind of ['unaware', 'aware', 'voice'] as const)
      emitted[kind].push({ delaysMs: delays[kind], sourceMs });
  }
  const figures = (all: readonly EmittedWords[]): LaggingFigures => ({
    al: mean(all.flatMap((one) => averageLaggingMs(one) ?? [])),
    laal: mean(all.flatMap((one) => lengthAdaptiveAverageLaggingMs(one) ?? [])),
  });
  return {
    textUnaware: figures(emitted.unaware),
    textAware: figures(emitted.aware),
    voice: figures(emitted.voice),
  };
}

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
