import type { Goal } from '../bench/goal.ts';
import { type Column, type FigureRow, formatTable } from '../bench/table.ts';
import type { ClipFigures, Share } from './clip-figures.ts';
import { meanOf } from './curves.ts';
import type { ClipDub } from './dub-speech.ts';
import type { DecodedClip } from './face-clips.ts';

/** One dub of one clip. */
export interface MeasuredRow {
  readonly clip: DecodedClip;
  readonly dub: ClipDub;
  readonly figures: ClipFigures;
}

interface Aspect {
  readonly title: string;
  readonly digits: number;
  readonly unit?: string;
  readonly goal?: Goal;
  /** One of several dubs: their mean. */
  readonly value?: (figures: ClipFigures) => number;
  /** Shares are added up over all dubs: some have few pictures to count. */
  readonly share?: (figures: ClipFigures) => Share;
}

const CLIP_COLUMNS: readonly Aspect[] = [
  { title: 'r target', digits: 3, value: (f) => f.withTarget },
  { title: '3 s', digits: 3, value: (f) => f.withTargetFirst },
  { title: 'r sounds', digits: 2, value: (f) => f.withSounds },
  { title: 'r orig', digits: 2, value: (f) => f.withOriginal },
  { title: 'chance', digits: 2, value: (f) => f.targetWithOriginal },
  { title: 'A/V ms', digits: 0, value: (f) => f.offsetMs },
  { title: 'error', digits: 2, value: (f) => f.openingError },
  { title: 'outside', digits: 0, value: (f) => f.changedOutside },
  { title: 'jitter', digits: 2, value: (f) => f.stillTremor },
  { title: 'lips', digits: 2, value: (f) => f.lipTremor },
  { title: 'silent %', digits: 0, share: (f) => f.silentClosed },
  { title: '(orig)', digits: 0, share: (f) => f.silentClosedInOriginal },
  { title: 'p b m %', digits: 0, share: (f) => f.bilabialsClosed },
  { title: 'identity', digits: 3, value: (f) => f.identity },
  { title: 'strength', digits: 2, value: (f) => f.strength },
  { title: 'ms', digits: 1, value: (f) => f.pictureMs },
];

const WITHIN_40_MS: Goal = { atLeast: -40, atMost: 40 };

const FIGURES: readonly Aspect[] = [
  { title: 'lips with the dub, r', digits: 3, value: (f) => f.withTarget, goal: { atLeast: 0.92 } },
  { title: '  in the first 3 s', digits: 3, value: (f) => f.withTargetFirst, goal: { atLeast: 0.92 } },
  { title: '  with openings straight from the phonemes', digits: 3, value: (f) => f.withSounds },
  { title: '  what the target itself has of these', digits: 3, value: (f) => f.targetWithSounds },
  { title: 'lips with the original, r', digits: 3, value: (f) => f.withOriginal, goal: { atMost: 0.15 } },
  { title: '  in the first 3 s', digits: 3, value: (f) => f.withOriginalFirst, goal: { atMost: 0.15 } },
  { title: '  by chance: target with the original', digits: 3, value: (f) => f.targetWithOriginal },
  { title: '  above chance', digits: 3, value: (f) => f.withOriginal - f.targetWithOriginal },
  { title: 'lip width with the dub, r', digits: 3, value: (f) => f.widthWithTarget },
  { title: 'opening off the target, of the range', digits: 3, value: (f) => f.openingError },
  { title: 'lips after the dub', unit: 'ms', digits: 1, value: (f) => f.offsetMs, goal: WITHIN_40_MS },
  {
    title: '  off it, either way',
    unit: 'ms',
    digits: 1,
    value: (f) => Math.abs(f.offsetMs),
    goal: WITHIN_40_MS,
  },
  { title: '  after the times of the phonemes', unit: 'ms', digits: 1, value: (f) => f.offsetOfSoundsMs },
  {
    title: 'jitter of eyes, nose, brow: result / source',
    digits: 2,
    value: (f) => f.stillTremor,
    goal: { atMost: 1.3 },
  },
  {
    title: 'jitter of the lips: result / source',
    digits: 2,
    value: (f) => f.lipTremor,
    goal: { atMost: 1.3 },
  },
  {
    title: 'closed in silent pictures',
    unit: '%',
    digits: 1,
    share: (f) => f.silentClosed,
    goal: { atLeast: 97 },
  },
  {
    title: '  in the original’s same pictures',
    unit: '%',
    digits: 1,
    share: (f) => f.silentClosedInOriginal,
  },
  {
    title: 'closed on p, b, m',
    unit: '%',
    digits: 1,
    share: (f) => f.bilabialsClosed,
    goal: { atLeast: 97 },
  },
  { title: 'LSE-C, result / source', digits: 2, value: (f) => f.lseC },
  { title: 'LSE-D, result / source', digits: 2, value: (f) => f.lseD },
  { title: 'identity, of the source’s own', digits: 3, value: (f) => f.identity, goal: { atLeast: 0.95 } },
  { title: 'pixels of a picture that change', unit: '%', digits: 1, value: (f) => 100 * f.changedShare },
  { title: 'strength', digits: 3, value: (f) => f.strength },
];

/** A line for each dub of each clip. */
export function clipTable(rows: readonly MeasuredRow[]): string {
  const right = CLIP_COLUMNS.map(({ title }): Column => ({ title, align: 'right' }));
  return formatTable(
    [{ title: 'clip' }, { title: 'dub' }, ...right],
    rows.map(({ clip, dub, figures }) => [
      clip.name,
      dub.language,
      ...CLIP_COLUMNS.map((aspect) => together(aspect, [figures])?.toFixed(aspect.digits) ?? '–'),
    ]),
  );
}

/** @param groups dubs by column */
export function figureRows(groups: readonly (readonly ClipFigures[])[]): FigureRow[] {
  const rows = FIGURES.map((aspect) => ({
    name: aspect.title,
    unit: aspect.unit ?? '',
    digits: aspect.digits,
    figures: groups.map((all) => ({
      value: together(aspect, all),
      ...(aspect.goal ? { goal: aspect.goal } : {}),
    })),
  }));
  const outside = {
    name: 'samples changed outside the mouth’s region',
    unit: '',
    digits: 0,
    figures: groups.map((all) => ({
      value: all.reduce((sum, { changedOutside }) => sum + changedOutside, 0),
      goal: { atMost: 0 },
    })),
  };
  return [...rows, outside];
}

/** null where nothing could be measured. */
function together({ value, share }: Aspect, all: readonly ClipFigures[]): number | null {
  if (share !== undefined) {
    const shares = all.map(share);
    const of = shares.reduce((sum, one) => sum + one.of, 0);
    return of === 0 ? null : (100 * shares.reduce((sum, { count }) => sum + count, 0)) / of;
  }
  const mean = meanOf(all.map(value!));
  return Number.isNaN(mean) ? null : mean;
}
