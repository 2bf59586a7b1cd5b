import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { Mode } from '../../server/live/contract.ts';
import type { FigureRow } from '../bench/table.ts';
import { percentile } from '../measure/live-figures.ts';
import { type LiveCost, LiveCostMeter } from './cost.ts';
import type { HeardLevels } from './heard-sound.ts';
import {
  type InterpretFigures,
  interpretFigures,
  type SourceClause,
  type ToldTranslation,
  type ToldUtterance,
} from './interpret-figures.ts';
import { GOALS } from './live-goals.ts';
import { BenchProgramme, type ProgrammeOptions, type ToldEvent } from './programme.ts';

export interface SpeechRun {
  readonly languages: readonly LanguageCode[];
  readonly clauses: readonly SourceClause[];
  readonly told: readonly ToldEvent[];
  readonly levels: ReadonlyMap<LanguageCode, HeardLevels>;
  /** Mean time of the voice in the viewer's jitter buffer, second by second, ms. */
  readonly buffersMs: ReadonlyMap<LanguageCode, readonly number[]>;
  readonly originMs: number;
  readonly cost: LiveCost;
}

interface BufferTime {
  readonly track: string;
  readonly bufferMs: number;
}

export interface SpeechOptions extends Omit<ProgrammeOptions, 'id' | 'sound' | 'loop'> {
  readonly mode: Mode;
  /** Length of the clip that is the microphone. */
  readonly seconds: number;
}

/** 10.7 ms: fine enough for when a voice begins. */
const VOICE_BLOCK_SAMPLES = 512;
/** What starts up is not the cost of running. */
const COST_AFTER_MS = 10_000;
/** Sound after the clip's end, so that its last words are dubbed. */
const TAIL_MS = 6000;

/** A channel of continuous speech, dubbed into every language of the channel, with one viewer of each. */
export async function runSpeech(options: SpeechOptions): Promise<SpeechRun> {
  const { languages, mode, seconds, picture, server } = options;
  const id = `bench-${mode}`;
  return await BenchProgramme.during(
    { ...options, id, sound: 'microphone', loop: false },
    async (programme) => {
      const viewer = await programme.browser.page();
      for (const language of languages) {
        await viewer.call('view', language, id, { language, mode, video: picture });
        await viewer.call('listen', language, `voice:${language}:${mode}`, VOICE_BLOCK_SAMPLES);
        // Pictures are decoded only where they are shown.
        if (picture) await viewer.call('look', language, mode === 'synced' ? 'delayed:video' : 'live:video');
      }
      await programme.wait(COST_AFTER_MS);
      const cost = new LiveCostMeter(server.pid);
      await programme.until(seconds * 1000);
      const costs = cost.end();
      await programme.wait(TAIL_MS + (mode === 'synced' ? (options.delayMs ?? 6000) : 0));
      const levels = new Map<LanguageCode, HeardLevels>();
      const buffersMs = new Map<LanguageCode, number[]>();
      for (const language of languages) {
        const track = `voice:${language}:${mode}`;
        levels.set(language, await viewer.call('levels', language, track));
        const buffers = await viewer.call<BufferTime[]>('buffers', language);
        const ofVoice = buffers.filter((one) => one.track === track);
        buffersMs.set(
          language,
          ofVoice.map(({ bufferMs }) => bufferMs),
        );
      }

      const told = await programme.told();
      const log = await server.clauseLog(id);
      return {
        languages,
        clauses: log.flatMap((entry) => (entry.kind === 'clause' ? [entry.clause] : [])),
        told,
        levels,
        buffersMs,
        originMs: programme.originMs,
        cost: costs,
      };
    },
  );
}

export function utterancesOf(run: SpeechRun, language: LanguageCode, mode: Mode): ToldUtterance[] {
  return run.told.flatMap(({ event }) =>
    event.kind === 'utterance' && event.language === language && event.mode === mode ? [event] : [],
  );
}

export function interpretOf(run: SpeechRun, language: LanguageCode): InterpretFigures {
  return interpretFigures({
    clauses: run.clauses,
    utterances: utterancesOf(run, language, 'interpret'),
    translations: run.told.flatMap(({ event, atMs }): ToldTranslation[] =>
      event.kind === 'translation' && event.language === language
        ? [{ clauseId: event.clauseId, text: event.text, atMs }]
        : [],
    ),
    levels: run.levels.get(language)!,
    originMs: run.originMs,
  });
}

/** Highest lag that a player is told of, ms. */
function toldLagMs(run: SpeechRun, language: LanguageCode): number | null {
  const lags = run.told.flatMap(({ event }) => (event.kind === 'tick' ? (event.lagMs[language] ?? []) : []));
  return lags.length === 0 ? null : Math.max(...lags);
}

export function interpretRows(run: SpeechRun): FigureRow[] {
  const all = run.languages.map((language) => ({ language, figures: interpretOf(run, language) }));
  const row = (
    name: string,
    unit: string,
    value: (figures: InterpretFigures, language: LanguageCode) => number | null,
    goal?: FigureRow['figures'][number]['goal'],
  ): FigureRow => ({
    name,
    unit,
    digits: unit === '×' ? 3 : unit === '%' ? 1 : 0,
    figures: all.map(({ figures, language }) => ({
      value: value(figures, language),
      ...(goal === undefined ? {} : { goal }),
    })),
  });
  return [
    row('ear-voice span, median', 'ms', (f) => percentile(f.earVoiceMs, 0.5), GOALS.earVoiceP50),
    row('ear-voice span, P90', 'ms', (f) => percentile(f.earVoiceMs, 0.9), GOALS.earVoiceP90),
    row('  as the server tells it, median', 'ms', (f) => percentile(f.earVoiceToldMs, 0.5)),
    row('  as the server tells it, P90', 'ms', (f) => percentile(f.earVoiceToldMs, 0.9)),
    row('voice after the clause, P50', 'ms', (f) => percentile(f.afterClauseMs, 0.5), GOALS.afterClauseP50),
    row('voice after the clause, P95', 'ms', (f) => percentile(f.afterClauseMs, 0.95), GOALS.afterClauseP95),
    row('voice after the clause, most', 'ms', (f) => percentile(f.afterClauseMs, 1), GOALS.lag),
    row('lag as players are told, most', 'ms', (_, language) => toldLagMs(run, language), GOALS.lag),
    row('timeline to ear, P50', 'ms', (f) => percentile(f.pathMs, 0.5)),
    row('timeline to ear, P95', 'ms', (f) => percentile(f.pathMs, 0.95)),
    row('  of it in the browser, P50', 'ms', (_, language) => percentile(run.buffersMs.get(language)!, 0.5)),
    row('drift of it in 10 min', 'ms', (f) => f.pathDriftMs, GOALS.drift),
    row('lag, last third against first', 'ms', (f) => f.lagDriftMs),
    row('silence in the dub, heard', '%', (f) => f.silenceHeardPercent, GOALS.silencePercent),
    row('silence in the dub, told', '%', (f) => f.silenceToldPercent, GOALS.silencePercent),
    row('speaking rate, mean', '×', (f) => meanOf(f.rates)),
    row('speaking rate, most', '×', (f) => percentile(f.rates, 1)),
    row('utterances spoken', '', (f) => f.spoken),
    row('  and really heard', '%', (f) => f.heardPercent),
    row('utterances skipped', '', (f) => f.skipped),
    row('utterances failed', '', (f) => f.failed),
    row('AL, text, computation-unaware', 'ms', (f) => f.lagging.textUnaware.al),
    row('AL, text, computation-aware', 'ms', (f) => f.lagging.textAware.al),
    row('AL, voice as heard', 'ms', (f) => f.lagging.voice.al),
    row('LAAL, text, computation-unaware', 'ms', (f) => f.lagging.textUnaware.laal),
    row('LAAL, text, computation-aware', 'ms', (f) => f.lagging.textAware.laal),
    row('LAAL, voice as heard', 'ms', (f) => f.lagging.voice.laal),
  ];
}

/** Where a clause's utterance stands in synced mode: how far its beginning is from that of the clause, where there is room. */
export function syncedRows(run: SpeechRun): FigureRow[] {
  const all = run.languages.map((language) => {
    const spoken = utterancesOf(run, language, 'synced')
      .filter(({ outcome }) => outcome === 'spoken')
      .sort((a, b) => a.startUs - b.startUs);
    const clauses = new Map(run.clauses.map((clause) => [clause.id, clause]));
    const offsets = spoken.flatMap((utterance, i) => {
      const clause = clauses.get(utterance.clauseId);
      if (!clause) return [];
      const isFree = (spoken[i - 1]?.endUs ?? 0) <= clause.startUs;
      return [{ isFree, ms: Math.abs(utterance.startUs - clause.startUs) / 1000 }];
    });
    return {
      offsets,
      free: offsets.filter(({ isFree }) => isFree),
      told: utterancesOf(run, language, 'synced'),
    };
  });
  const row = (name: string, unit: string, values: readonly (number | null)[]): FigureRow => ({
    name,
    unit,
    digits: 0,
    figures: values.map((value) => ({ value })),
  });
  const ms = (list: readonly { readonly ms: number }[]) => list.map((one) => one.ms);
  return [
    row(
      'voice off its clause, with room, P50',
      'ms',
      all.map(({ free }) => percentile(ms(free), 0.5)),
    ),
    row(
      'voice off its clause, with room, P95',
      'ms',
      all.map(({ free }) => percentile(ms(free), 0.95)),
    ),
    row(
      'voice off its clause, all, P95',
      'ms',
      all.map(({ offsets }) => percentile(ms(offsets), 0.95)),
    ),
    row(
      'utterances spoken',
      '',
      all.map(({ offsets }) => offsets.length),
    ),
    row(
      '  with room',
      '',
      all.map(({ free }) => free.length),
    ),
    row(
      'utterances skipped',
      '',
      all.map(({ told }) => told.filter((u) => /^skipped/.test(u.outcome)).length),
    ),
  ];
}

export function costRows(costs: readonly LiveCost[]): FigureRow[] {
  const kinds = [...new Set(costs.flatMap(({ coresByKind }) => [...coresByKind.keys()]))];
  const row = (
    name: string,
    unit: string,
    value: (cost: LiveCost) => number,
    goal?: FigureRow['figures'][number]['goal'],
  ): FigureRow => ({
    name,
    unit,
    digits: unit === 'cores' ? 2 : 0,
    figures: costs.map((cost) => ({ value: value(cost), ...(goal === undefined ? {} : { goal }) })),
  });
  return [
    ...kinds.map((kind) => row(`CPU: ${kind}`, 'cores', ({ coresByKind }) => coresByKind.get(kind) ?? 0)),
    row('CPU to spare, of all cores', '%', (cost) => cost.toSparePercent, GOALS.cpuToSparePercent),
    row('CPU that nobody used, browser counted', '%', (cost) => cost.idlePercent),
    row('memory (PSS), most', 'MB', (cost) => cost.peakMemoryBytes / 1e6),
  ];
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
