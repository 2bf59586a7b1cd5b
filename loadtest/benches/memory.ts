import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench, BenchContext } from '../bench/bench.ts';
import { buildClip } from '../clips/clip.ts';
import { type ClipParts, englishParts } from '../clips/clip-parts.ts';
import { dubInChild, type MeasuredDub } from '../measure/dub-child.ts';
import { GOALS } from '../measure/dub-figures.ts';
import { dubLanguages } from '../measure/dub-languages.ts';

const SHORT_SECONDS = 180;
/** With --quick: long enough to show a leak of 100 kB a second. */
const QUICK_LONG_SECONDS = 600;
const GROWTH_GOAL = { atMost: 150 } as const;
const MB = 1e6;

export const bench: Bench = {
  name: 'memory',
  what: 'peak memory of a 3-minute and of a long recording (30 min; --hours 3 for three hours)',
  order: 4,
  run: async (context) => {
    const languages = (await dubLanguages()).slice(0, 1);
    context.progress('building the clips');
    const parts = await englishParts(context.signal);
    const longSeconds = context.quick ? QUICK_LONG_SECONDS : Math.round(context.hours * 3600);
    const dubs: MeasuredDub[] = [];
    for (const seconds of [SHORT_SECONDS, longSeconds]) {
      dubs.push(await measure(context, parts, seconds, languages));
    }
    const totals = dubs.map(({ result }) => result.report.totals);
    const peaks = totals.map(({ peakMemoryBytes }) => peakMemoryBytes / MB);
    const only = (value: number, goal?: { atMost: number }) => [
      { value: null },
      { value, ...(goal === undefined ? {} : { goal }) },
    ];
    context.figures(
      `one language (${languages.join()}), sound only`,
      [`${SHORT_SECONDS / 60} min`, `${Math.round(longSeconds / 60)} min`],
      [
        {
          name: 'peak memory',
          unit: 'MB',
          digits: 0,
          figures: peaks.map((value) => ({ value, goal: GOALS.peakMemoryMb })),
        },
        { name: 'growth', unit: 'MB', digits: 0, figures: only(peaks[1]! - peaks[0]!, GROWTH_GOAL) },
        { name: 'speed', unit: '×', digits: 2, figures: totals.map(({ speed }) => ({ value: speed })) },
      ],
    );
    context.record(
      'dubs',
      totals.map(({ mediaSeconds, wallSeconds, peakMemoryBytes }) => ({
        mediaSeconds,
        wallSeconds,
        peakMemoryBytes,
      })),
    );
  },
};

async function measure(
  { folder, signal, progress, print }: BenchContext,
  parts: ClipParts,
  seconds: number,
  to: readonly string[],
): Promise<MeasuredDub> {
  const input = join(folder, `${seconds}s.flac`);
  const outDir = join(folder, 'out');
  try {
    const clip = await buildClip({ parts, seconds, outFile: input, signal });
    print('clip', `${clip.made}\nSHA-256 of its samples: ${clip.sha256}`);
    progress(`${Math.round(seconds / 60)} min into ${to.join(', ')}`);
    return await dubInChild({ input, outDir, from: 'en', to, signal });
  } finally {
    await rm(input, { force: true });
    await rm(outDir, { recursive: true, force: true });
  }
}
