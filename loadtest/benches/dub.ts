import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { Bench, BenchContext } from '../bench/bench.ts';
import { type Column, formatTable } from '../bench/table.ts';
import { buildClip, type Clip, withPicture } from '../clips/clip.ts';
import { englishParts } from '../clips/clip-parts.ts';
import { dubInChild } from '../measure/dub-child.ts';
import { cpuRows, type DubCase, dubFigures, stageRows } from '../measure/dub-figures.ts';
import { dubLanguages } from '../measure/dub-languages.ts';
import { engineVersions } from '../measure/engine-versions.ts';
import { measureLoudness, type TrackLoudness } from '../measure/loudness.ts';

const SHORT_SECONDS = 60;
const LONG_SECONDS = 600;
/** Speed to reach on two cores with a 60 s clip, sound only, by number of languages. */
const SPEED_GOALS: Readonly<Record<number, number>> = { 1: 6, 3: 4 };

export const bench: Bench = {
  name: 'dub',
  what: 'a recording dubbed into 1, 2 and 3 languages: speed, cost, memory, timing, loudness',
  order: 1,
  run: async (context) => {
    const languages = await dubLanguages();
    context.progress('building the clips');
    const parts = await englishParts(context.signal);
    for (const seconds of context.quick ? [SHORT_SECONDS] : [SHORT_SECONDS, LONG_SECONDS]) {
      const outFile = join(context.folder, `${seconds}s.flac`);
      const clip = await buildClip({ parts, seconds, outFile, signal: context.signal });
      await measureClip(context, clip, languages);
    }
  },
};

async function measureClip(
  context: BenchContext,
  clip: Clip,
  languages: readonly LanguageCode[],
): Promise<void> {
  const short = clip.seconds === SHORT_SECONDS;
  context.print('clip', `${clip.made}\nSHA-256 of its samples: ${clip.sha256}`);
  const cases: DubCase[] = [];
  for (let count = 1; count <= languages.length; count += 1) {
    const goal = short ? SPEED_GOALS[count] : undefined;
    cases.push(await measure(context, clip, languages.slice(0, count), goal));
  }
  if (short) {
    const picture = await withPicture(clip, join(context.folder, 'picture.mp4'), context.signal);
    const one = await measure(context, picture, languages.slice(0, 1), undefined);
    cases.push({ ...one, title: `${one.title} + picture` });
  }
  const titles = cases.map(({ title }) => title);
  const name = `${clip.seconds} s clip`;
  context.figures(`${name}: figures (worst language where there are several)`, titles, dubFigures(cases));
  context.print(`${name}: where the CPU time went`, formatTable(CPU_COLUMNS, cases.flatMap(cpuRows)));
  context.print(
    `${name}: time in the stages (wall, with waiting for their engines; a call is one frame)`,
    formatTable(STAGE_COLUMNS, cases.flatMap(stageRows)),
  );
  context.record(`clip-${clip.seconds}s`, {
    made: clip.made,
    sha256: clip.sha256,
    engines: engineVersions(cases.map(({ dub }) => dub.result.report)),
    dubs: cases.map(({ title, dub, loudness }) => ({
      title,
      commandSeconds: dub.commandSeconds,
      totals: dub.result.report.totals,
      languages: dub.result.report.languages.map((language, i) => ({ ...language, loudness: loudness[i] })),
      warnings: dub.result.warnings,
    })),
  });
}

async function measure(
  { folder, signal, progress }: BenchContext,
  clip: Clip,
  to: readonly LanguageCode[],
  speedGoal: number | undefined,
): Promise<DubCase> {
  progress(`${clip.seconds} s into ${to.join(', ')}`);
  const outDir = join(folder, 'out');
  try {
    const dub = await dubInChild({ input: clip.path, outDir, from: 'en', to, signal });
    const loudness: TrackLoudness[] = [];
    // The original comes first among the sound tracks.
    for (const [i] of to.entries()) loudness.push(await measureLoudness(dub.result.outFile, i + 1, signal));
    return { title: to.join(','), dub, loudness, ...(speedGoal === undefined ? {} : { speedGoal }) };
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}

const CPU_COLUMNS: readonly Column[] = [
  { title: 'dub' },
  { title: 'kind' },
  { title: 'what' },
  { title: 'CPU s', align: 'right' },
  { title: '% of CPU', align: 'right' },
];
const STAGE_COLUMNS: readonly Column[] = [
  { title: 'dub' },
  { title: 'stage' },
  { title: 'busy s', align: 'right' },
  { title: '% of all', align: 'right' },
  { title: 'calls', align: 'right' },
  { title: 'median ms', align: 'right' },
  { title: 'P95 ms', align: 'right' },
  { title: 'max ms', align: 'right' },
];
