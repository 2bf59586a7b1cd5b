import { describe, expect, it } from 'vitest';
import type { DubReport } from '../../server/dub/report.ts';
import { meetsGoal } from '../bench/goal.ts';
import type { MeasuredDub } from './dub-child.ts';
import { cpuRows, cpuShares, type DubCase, dubFigures, overheadPercent } from './dub-figures.ts';
import { readLoudness } from './loudness.ts';

const TOTALS: DubReport['totals'] = {
  mediaSeconds: 60,
  wallSeconds: 8,
  speed: 7.5,
  firstPartialMs: { count: 2, mean: 480, p50: 480, p95: 520, max: 520 },
  commitLatencyMs: null,
  cpuSeconds: 10,
  engineCpuSeconds: { 'moonshine-tiny-en': 7, apertium: 1 },
  childCpuSeconds: {
    'lt-proc': 0.6,
    'apertium-tagger': 0.4,
    ffmpeg: 0.25,
    setpriv: 0.25,
    'mediasoup-worke': 0.5,
  },
  stages: {},
  peakMemoryBytes: 900e6,
};

function report(languages: DubReport['languages']): DubReport {
  const clause = {
    ...{ id: 0, text: 'Hello.', startMs: 0, endMs: 900, confidence: 0.9, commitLatencyMs: 200 },
    recogniser: { id: 'r', version: '1', licence: 'MIT' },
    dubs: [0, 151].map((latenessMs) => ({
      ...({
        language: 'es',
        text: 'Hola.',
        unknownWords: [],
        outcome: 'spoken',
        startMs: 0,
        endMs: 800,
      } as const),
      ...{ rate: 1, latenessMs, translator: null, synthesiser: null, voice: null },
    })),
  };
  return {
    format: 'livedub-report/1',
    sourceLanguage: 'en',
    partial: false,
    warnings: [],
    clauses: [clause],
    leftOriginal: [{ startMs: 1000, endMs: 2500, reason: 'noise' }],
    languages,
    picture: 'none',
    totals: TOTALS,
  };
}

function dubCase(): DubCase {
  const late = { count: 1, mean: 0, p50: 0, p95: 10, max: 10 };
  const mark = { rendition: '00000000a', keyId: 7, issuer: 'test' };
  const languages = [
    { language: 'es', mark, spoken: 2, skipped: 0, rateMean: 1.05, rateMax: 1.2, latenessMs: late },
    {
      language: 'fr',
      mark,
      spoken: 2,
      skipped: 1,
      rateMean: 1.12,
      rateMax: 1.25,
      latenessMs: { ...late, max: 300 },
    },
  ];
  const dub: MeasuredDub = {
    result: {
      ...{ outFile: 'a.mp4', reportFile: 'r.json', captions: [], sourceLanguage: 'en', tracks: [] },
      picture: 'none',
      faces: [],
      ...{ partial: false, warnings: [], report: report(languages) },
    },
    commandSeconds: 10,
  };
  const loudness = [
    { lufs: -16.2, truePeakDb: -1.4 },
    { lufs: -15.6, truePeakDb: -0.8 },
  ];
  return { title: 'es,fr', dub, loudness, speedGoal: 6 };
}

describe('CPU of a dub', () => {
  it('counts the processes of an engine with the engine, and media tools with the overhead', () => {
    const shares = cpuShares(TOTALS);
    expect(shares.helpers).toEqual({ ffmpeg: 0.5, 'mediasoup-worke': 0.5 });
    expect(shares.overhead).toBeCloseTo(2, 6);
    expect(shares.node).toBeCloseTo(1, 6);
    expect(overheadPercent(TOTALS)).toBeCloseTo(20, 6);
  });

  it('is listed with the largest first, all but the engines last', () => {
    const rows = cpuRows(dubCase());
    expect(rows[0]).toEqual(['es,fr', 'engine', 'moonshine-tiny-en', '7.00', '70.0']);
    expect(rows.at(-1)).toEqual(['es,fr', '', 'all but the engines', '2.00', '20.0']);
  });
});

describe('figures of a dub', () => {
  const rows = dubFigures([dubCase()]);
  const figure = (name: string) => rows.find((row) => row.name === name)!.figures[0]!;

  it('are those of the worst language', () => {
    expect(figure('speaking rate, mean').value).toBe(1.12);
    expect(figure('lateness, max').value).toBe(300);
    expect(figure('skipped utterances').value).toBe(1);
    expect(figure('true peak').value).toBe(-0.8);
    expect(figure('loudness, lowest').value).toBe(-16.2);
  });

  it('are held against the goals', () => {
    expect(meetsGoal(figure('speed'))).toBe(true);
    expect(meetsGoal(figure('pipeline overhead'))).toBe(false);
    expect(meetsGoal(figure('true peak'))).toBe(false);
    expect(meetsGoal(figure('speaking rate, max'))).toBe(true);
  });

  it('count what was late and what was left, and show nothing where nothing was measured', () => {
    expect(figure('utterances within 150 ms').value).toBe(50);
    expect(figure('speech left original').value).toBe(1.5);
    expect(figure('commit latency, median').value).toBeNull();
    expect(figure('speed of the whole command').value).toBe(6);
  });
});

describe('the loudness meter', () => {
  it('reads the last summary', () => {
    const text =
      '[Parsed_ebur128_0 @ 0x1] Summary:\n\n  Integrated loudness:\n    I:         -16.3 LUFS\n    Threshold: -26.6 LUFS\n\n' +
      '  Loudness range:\n    LRA:         4.1 LU\n\n  True peak:\n    Peak:       -1.2 dBFS\n';
    expect(readLoudness(text)).toEqual({ lufs: -16.3, truePeakDb: -1.2 });
    expect(() => readLoudness('no such stream')).toThrowError(/measured nothing/);
  });
});
