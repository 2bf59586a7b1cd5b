import { join } from 'node:path';
import type { EngineCall } from '../../pipeline/ports/engine.ts';
import type { FaceTracker } from '../../pipeline/ports/face-tracker.ts';
import type { Reanimator } from '../../pipeline/ports/reanimator.ts';
import type { BenchContext } from '../bench/bench.ts';
import type { Goal } from '../bench/goal.ts';
import { type Column, type FigureRow, formatTable } from '../bench/table.ts';
import { EngineShelf } from '../measure/engine-shelf.ts';
import { type ClipFigures, type MeasuredClip, measureClip } from './clip-figures.ts';
import { writeSheets } from './contact-sheet.ts';
import { meanOf } from './curves.ts';
import { type ClipDub, DUB_LANGUAGES, DubVoice, speechSpans } from './dub-speech.ts';
import { type DecodedClip, decodeClip, type FaceClip } from './face-clips.ts';
import { type ReanimatedClip, reanimateClip, trackPictures } from './reanimated-clip.ts';

export interface QualityEngines {
  readonly tracker: FaceTracker;
  readonly reanimator: Reanimator;
}

/** Has every clip's person speak a dub in each language, and measures what came of it. */
export async function measureLips(
  context: BenchContext,
  { tracker, reanimator }: QualityEngines,
  clips: readonly FaceClip[],
): Promise<void> {
  const { signal, progress, sheets } = context;
  const call: EngineCall = { signal, priority: 'upload' };
  const rows: { readonly clip: DecodedClip; readonly dub: ClipDub; readonly figures: ClipFigures }[] = [];
  for await (const { clip, dubs } of dubbedClips(context, clips)) {
    progress(`faces: ${clip.name}`);
    const tracked = await trackPictures(tracker, clip.pictures, call);
    for (const dub of dubs) {
      progress(`faces: ${clip.name} in ${dub.language}`);
      const reanimated = await reanimateClip(reanimator, { clip, dub, tracked }, call);
      const measured = await measureClip(tracker, reanimated, call);
      rows.push({ clip, dub, figures: measured.figures });
      if (sheets !== undefined) await writeSheets(sheets, reanimated, measured, signal);
      record(context, reanimated, measured);
    }
  }
  const all = rows.map(({ figures }) => figures);
  context.print(
    'faces: per clip',
    formatTable(
      [
        { title: 'clip' },
        { title: 'dub' },
        ...COLUMNS.map(({ title }) => ({ title, align: 'right' }) as Column),
      ],
      rows.map(({ clip, dub, figures }) => [
        clip.name,
        dub.language,
        ...COLUMNS.map(({ value, digits }) => text(value(figures), digits)),
      ]),
    ),
  );
  const unseen = rows.filter(({ clip }) => !clip.inPrior).map(({ figures }) => figures);
  context.figures(
    `faces: mean of ${new Set(rows.map(({ clip }) => clip.name)).size} people, ${rows.length} dubs`,
    ['all', 'of whom nothing is packaged'],
    figureRows([all, unseen]),
  );
}

interface DubbedClip {
  readonly clip: DecodedClip;
  readonly dubs: readonly ClipDub[];
}

/** Clips one at a time, each with its dubs; the voices speak once. */
async function* dubbedClips(context: BenchContext, clips: readonly FaceClip[]): AsyncGenerator<DubbedClip> {
  const { signal, quick, progress } = context;
  progress('faces: having our voices speak');
  const shelf = await EngineShelf.open(signal);
  try {
    const voices: DubVoice[] = [];
    for (const language of DUB_LANGUAGES) voices.push(await DubVoice.speak(shelf.engines, language, signal));
    context.print(
      'the dub',
      `synthesised: ${voices.map(({ voice }) => voice).join(', ')}; phonemes as a channel has them`,
    );
    for (const [i, one] of clips.entries()) {
      const clip = await decodeClip(one, signal);
      const spans = await speechSpans(shelf.engines.vad, clip, signal);
      const speaking = quick ? [voices[i % voices.length]!] : voices;
      const dubs = speaking
        .map((voice) => voice.place(clip, spans, i))
        .filter(({ utterances }) => utterances.length > 0);
      yield { clip, dubs };
    }
  } finally {
    await shelf.close();
  }
}

interface Aspect {
  readonly title: string;
  readonly value: (figures: ClipFigures) => number;
  readonly digits: number;
}

const COLUMNS: readonly Aspect[] = [
  { title: 'r target', value: (f) => f.withTarget, digits: 3 },
  { title: '3 s', value: (f) => f.withTargetFirst, digits: 3 },
  { title: 'r sounds', value: (f) => f.withSounds, digits: 2 },
  { title: 'r orig', value: (f) => f.withOriginal, digits: 2 },
  { title: 'chance', value: (f) => f.targetWithOriginal, digits: 2 },
  { title: 'A/V ms', value: (f) => f.offsetMs, digits: 0 },
  { title: 'error', value: (f) => f.openingError, digits: 2 },
  { title: 'outside', value: (f) => f.changedOutside, digits: 0 },
  { title: 'jitter', value: (f) => f.stillTremor, digits: 2 },
  { title: 'lips', value: (f) => f.lipTremor, digits: 2 },
  { title: 'silent %', value: (f) => 100 * f.silentClosed, digits: 0 },
  { title: '(orig)', value: (f) => 100 * f.silentClosedInOriginal, digits: 0 },
  { title: 'p b m %', value: (f) => 100 * f.bilabialsClosed, digits: 0 },
  { title: 'identity', value: (f) => f.identity, digits: 3 },
  { title: 'strength', value: (f) => f.strength, digits: 2 },
  { title: 'ms', value: (f) => f.pictureMs, digits: 1 },
];

interface GoalAspect extends Aspect {
  readonly unit?: string;
  readonly goal?: Goal;
}

const FIGURES: readonly GoalAspect[] = [
  { title: 'lips with the dub, r', value: (f) => f.withTarget, digits: 3, goal: { atLeast: 0.92 } },
  { title: '  in the first 3 s', value: (f) => f.withTargetFirst, digits: 3, goal: { atLeast: 0.92 } },
  { title: '  with openings straight from the phonemes', value: (f) => f.withSounds, digits: 3 },
  { title: 'lips with the original, r', value: (f) => f.withOriginal, digits: 3, goal: { atMost: 0.15 } },
  { title: '  in the first 3 s', value: (f) => f.withOriginalFirst, digits: 3, goal: { atMost: 0.15 } },
  { title: '  by chance: target with the original', value: (f) => f.targetWithOriginal, digits: 3 },
  { title: '  above chance', value: (f) => f.withOriginal - f.targetWithOriginal, digits: 3 },
  { title: 'lip width with the dub, r', value: (f) => f.widthWithTarget, digits: 3 },
  { title: 'opening off the target, of the range', value: (f) => f.openingError, digits: 3 },
  {
    title: 'lips after the dub',
    unit: 'ms',
    value: (f) => f.offsetMs,
    digits: 1,
    goal: { atLeast: -40, atMost: 40 },
  },
  {
    title: '  after the phonemes’ times',
    unit: 'ms',
    value: (f) => f.offsetOfSoundsMs,
    digits: 1,
    goal: { atLeast: -40, atMost: 40 },
  },
  {
    title: 'jitter of eyes, nose, brow: result / source',
    value: (f) => f.stillTremor,
    digits: 2,
    goal: { atMost: 1.3 },
  },
  {
    title: 'jitter of the lips: result / source',
    value: (f) => f.lipTremor,
    digits: 2,
    goal: { atMost: 1.3 },
  },
  {
    title: 'closed in silent pictures',
    unit: '%',
    value: (f) => 100 * f.silentClosed,
    digits: 1,
    goal: { atLeast: 97 },
  },
  {
    title: '  in the original’s same pictures',
    unit: '%',
    value: (f) => 100 * f.silentClosedInOriginal,
    digits: 1,
  },
  {
    title: 'closed on p, b, m',
    unit: '%',
    value: (f) => 100 * f.bilabialsClosed,
    digits: 1,
    goal: { atLeast: 97 },
  },
  { title: 'identity, of the source’s own', value: (f) => f.identity, digits: 3, goal: { atLeast: 0.95 } },
  { title: 'pixels of a picture that change', unit: '%', value: (f) => 100 * f.changedShare, digits: 1 },
  { title: 'strength', value: (f) => f.strength, digits: 3 },
];

function figureRows(columns: readonly (readonly ClipFigures[])[]): FigureRow[] {
  const rows = FIGURES.map(({ title, unit = '', value, digits, goal }) => ({
    name: title,
    unit,
    digits,
    figures: columns.map((all) => ({ value: nullIfNone(meanOf(all.map(value))), ...(goal ? { goal } : {}) })),
  }));
  const outside = {
    name: 'samples changed outside the mouth’s region',
    unit: '',
    digits: 0,
    figures: columns.map((all) => ({
      value: all.reduce((sum, { changedOutside }) => sum + changedOutside, 0),
      goal: { atMost: 0 },
    })),
  };
  return [...rows, outside];
}

function record(
  context: BenchContext,
  { clip, dub, verdicts }: ReanimatedClip,
  measured: MeasuredClip,
): void {
  const { figures, source, result, target, spoken } = measured;
  context.record(join(clip.name, dub.language), {
    texts: dub.texts,
    utterances: dub.utterances.map(({ startUs, endUs }) => ({ startUs, endUs })),
    figures,
    opening: { source: source.opening, result: result.opening, target, sounds: spoken.opening },
    strength: verdicts.map(({ strength }) => strength),
  });
}

function text(value: number, digits: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(digits);
}

function nullIfNone(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
