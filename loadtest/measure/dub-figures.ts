import type { DubReport } from '../../server/dub/report.ts';
import type { FigureRow } from '../bench/table.ts';
import type { MeasuredDub } from './dub-child.ts';
import type { TrackLoudness } from './loudness.ts';

const MB = 1e6;

/** Goals of the project on two cores, with the packaged engines. */
export const GOALS = {
  overheadPercent: { atMost: 15 },
  peakMemoryMb: { atMost: 1200 },
  firstPartialMs: { atMost: 500 },
  rateMean: { atMost: 1.1 },
  rateMax: { atMost: 1.25 },
  loudnessLufs: { atLeast: -17, atMost: -15 },
  truePeakDb: { atMost: -1 },
} as const;

/** Where the CPU time of a dub went, seconds. */
export interface CpuShares {
  readonly total: number;
  /** The engines' own compute, by engine. */
  readonly engines: Readonly<Record<string, number>>;
  /** Helper programs that are no engine, by name: FFmpeg (probe, decode, AAC, mux), the media worker. */
  readonly helpers: Readonly<Record<string, number>>;
  /** The rest of this process: Node, stages, Opus, start-up and loading of models. */
  readonly node: number;
  /** Everything but the engines. */
  readonly overhead: number;
}

/** Programs that become FFmpeg: a process may have been seen first under their name. */
const LAUNCHER = /^(?:setpriv|prlimit)$/;
const APERTIUM = /^(?:lt-|lrx-|cg-|hfst-|rtx-|lsx-|apertium)/;

export function cpuShares(totals: DubReport['totals']): CpuShares {
  const total = totals.cpuSeconds;
  const engineSum = sum(Object.values(totals.engineCpuSeconds));
  const helpers: Record<string, number> = {};
  for (const [program, seconds] of Object.entries(totals.childCpuSeconds)) {
    if (APERTIUM.test(program)) continue;
    const name = LAUNCHER.test(program) ? 'ffmpeg' : program;
    helpers[name] = (helpers[name] ?? 0) + seconds;
  }
  const overhead = Math.max(0, total - engineSum);
  return {
    total,
    engines: totals.engineCpuSeconds,
    helpers,
    node: Math.max(0, overhead - sum(Object.values(helpers))),
    overhead,
  };
}

/** Percent of all CPU time that is not the engines'. */
export function overheadPercent(totals: DubReport['totals']): number {
  const { overhead, total } = cpuShares(totals);
  return total > 0 ? (100 * overhead) / total : 0;
}

/** One measured dub in a table. */
export interface DubCase {
  readonly title: string;
  readonly dub: MeasuredDub;
  readonly loudness: readonly TrackLoudness[];
  /** Goal for the speed, × real time. */
  readonly speedGoal?: number;
}

/** The figures of some dubs, one case each. */
export function dubFigures(cases: readonly DubCase[]): FigureRow[] {
  const row = (
    name: string,
    unit: string,
    digits: number,
    value: (report: DubReport, one: DubCase) => number | null | undefined,
    goal?: FigureRow['figures'][number]['goal'] | ((one: DubCase) => FigureRow['figures'][number]['goal']),
  ): FigureRow => ({
    name,
    unit,
    digits,
    figures: cases.map((one) => {
      const wanted = typeof goal === 'function' ? goal(one) : goal;
      return {
        value: value(one.dub.result.report, one) ?? null,
        ...(wanted === undefined ? {} : { goal: wanted }),
      };
    }),
  });
  const languages = (report: DubReport) => report.languages;
  return [
    row(
      'speed',
      '×',
      2,
      (r) => r.totals.speed,
      ({ speedGoal }) => (speedGoal === undefined ? undefined : { atLeast: speedGoal }),
    ),
    row('speed of the whole command', '×', 2, (r, { dub }) => r.totals.mediaSeconds / dub.commandSeconds),
    row('CPU', 's', 1, (r) => r.totals.cpuSeconds),
    row('pipeline overhead', '% of CPU', 1, (r) => overheadPercent(r.totals), GOALS.overheadPercent),
    row('peak memory', 'MB', 0, (r) => r.totals.peakMemoryBytes / MB, GOALS.peakMemoryMb),
    row('first partial, median', 'ms', 0, (r) => r.totals.firstPartialMs?.p50, GOALS.firstPartialMs),
    row('first partial, P95', 'ms', 0, (r) => r.totals.firstPartialMs?.p95),
    row('commit latency, median', 'ms', 0, (r) => r.totals.commitLatencyMs?.p50),
    row('commit latency, P95', 'ms', 0, (r) => r.totals.commitLatencyMs?.p95),
    row('clauses', '', 0, (r) => r.clauses.length),
    row('speaking rate, mean', '×', 3, (r) => worst(languages(r).map((l) => l.rateMean)), GOALS.rateMean),
    row('speaking rate, max', '×', 3, (r) => worst(languages(r).map((l) => l.rateMax)), GOALS.rateMax),
    row('lateness, median', 'ms', 0, (r) => worst(languages(r).map((l) => l.latenessMs?.p50))),
    row('lateness, P95', 'ms', 0, (r) => worst(languages(r).map((l) => l.latenessMs?.p95))),
    row('lateness, max', 'ms', 0, (r) => worst(languages(r).map((l) => l.latenessMs?.max))),
    row('utterances within 150 ms', '%', 0, (r) => punctualPercent(r)),
    row('skipped utterances', '', 0, (r) => sum(languages(r).map((l) => l.skipped))),
    row('speech left original', 's', 1, (r) => sum(r.leftOriginal.map((s) => (s.endMs - s.startMs) / 1000))),
    row('loudness, lowest', 'LUFS', 1, (_, c) => least(c.loudness.map((l) => l.lufs)), GOALS.loudnessLufs),
    row('loudness, highest', 'LUFS', 1, (_, c) => worst(c.loudness.map((l) => l.lufs)), GOALS.loudnessLufs),
    row('true peak', 'dBTP', 1, (_, c) => worst(c.loudness.map((l) => l.truePeakDb)), GOALS.truePeakDb),
  ];
}

/** Lines of the CPU table: engines first, then helpers, then Node; the largest first in each. */
export function cpuRows({ title, dub }: DubCase): string[][] {
  const { total, engines, helpers, node, overhead } = cpuShares(dub.result.report.totals);
  const percent = (seconds: number) => (total > 0 ? ((100 * seconds) / total).toFixed(1) : '–');
  const line = (kind: string, name: string, seconds: number) => [
    title,
    kind,
    name,
    seconds.toFixed(2),
    percent(seconds),
  ];
  return [
    ...largestFirst(engines).map(([name, seconds]) => line('engine', name, seconds)),
    ...largestFirst(helpers).map(([name, seconds]) => line('helper', name, seconds)),
    line('Node', 'stages, RTP, Opus, start-up', node),
    line('', 'all but the engines', overhead),
  ];
}

/** Lines of the stage table: wall time in each stage, what it waits for its engine included. */
export function stageRows({ title, dub }: DubCase): string[][] {
  const { stages } = dub.result.report.totals;
  const total = sum(Object.values(stages).map(({ busySeconds }) => busySeconds));
  return Object.entries(stages)
    .sort(([, a], [, b]) => b.busySeconds - a.busySeconds)
    .map(([name, { busySeconds, count, p50, p95, max }]) => [
      title,
      name,
      busySeconds.toFixed(2),
      total > 0 ? ((100 * busySeconds) / total).toFixed(1) : '–',
      String(count),
      p50.toFixed(2),
      p95.toFixed(2),
      max.toFixed(0),
    ]);
}

function punctualPercent(report: DubReport): number | null {
  const spoken = report.clauses.flatMap(({ dubs }) => dubs.filter(({ outcome }) => outcome === 'spoken'));
  if (spoken.length === 0) return null;
  const punctual = spoken.filter(({ latenessMs }) => Math.abs(latenessMs ?? 0) <= 150).length;
  return (100 * punctual) / spoken.length;
}

function largestFirst(shares: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(shares)
    .filter(([, seconds]) => seconds >= 0.005)
    .sort(([, a], [, b]) => b - a);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function worst(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((value) => typeof value === 'number');
  return known.length > 0 ? Math.max(...known) : null;
}

function least(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((value) => typeof value === 'number');
  return known.length > 0 ? Math.min(...known) : null;
}
