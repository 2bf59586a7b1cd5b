import type { FigureRow } from '../bench/table.ts';
import { percentile } from '../measure/live-figures.ts';
import type { BenchPage } from './bench-browser.ts';
import { type HeardLevels, soundings } from './heard-sound.ts';
import { GOALS } from './live-goals.ts';
import { BenchProgramme, type ProgrammeOptions } from './programme.ts';

/** What a viewing page read from the pictures and heard of the beeps of one choice. */
export interface Watched {
  readonly title: string;
  /** From drawing to showing, ms. */
  readonly agesMs: readonly number[];
  /** Flash seen minus beep heard, ms: positive when the sound is early. */
  readonly soundAheadMs: readonly number[];
  readonly flashes: number;
  readonly damagedPictures: number;
}

interface PictureFigures {
  readonly agesMs: readonly number[];
  readonly flashesMs: readonly number[];
  readonly damaged: number;
}

const DELAY_MS = 6000;
/** The choice is switched, and the player has brought sound and picture together. */
const SETTLE_MS = 4000;
const SYNCED_SETTLE_MS = 15_000;
/** Blocks of 2.7 ms: how exactly a beep's beginning is known. */
const BEEP_BLOCK_SAMPLES = 128;
const BEEP_DBFS = -35;
/** A flash without a beep this near is not counted; flashes are 1.7 s apart. */
const PAIR_WITHIN_MS = 600;

/**
 * A page publishes pictures that say when they were drawn, with a flash and a beep at one moment every 1.7 s; another reads
 * and hears them: the original live, the original in synced mode, and the premixed track in synced mode.
 */
export async function measurePicture(
  options: Omit<ProgrammeOptions, 'id' | 'sound' | 'picture' | 'delayMs'>,
  seconds: number,
  progress: (text: string) => void,
): Promise<readonly Watched[]> {
  const [language] = options.languages;
  const synced = { language, mode: 'synced', video: true } as const;
  const choices = [
    {
      title: 'live',
      selection: { language: null },
      picture: 'live:video',
      sounds: ['live:audio'],
      settleMs: SETTLE_MS,
    },
    {
      title: 'synced',
      selection: synced,
      picture: 'delayed:video',
      sounds: ['delayed:audio', `voice:${language}:synced`],
      settleMs: DELAY_MS + SYNCED_SETTLE_MS,
    },
    {
      title: 'synced, premixed',
      selection: { ...synced, premixed: true },
      picture: 'delayed:video',
      sounds: [`mix:${language}:synced`],
      settleMs: DELAY_MS + SYNCED_SETTLE_MS,
    },
  ];
  return await BenchProgramme.during(
    { ...options, id: 'bench-picture', sound: 'beeps', picture: true, delayMs: DELAY_MS },
    async (programme) => {
      const viewer = await programme.browser.page();
      const watched: Watched[] = [];
      for (const { title, selection, picture, sounds, settleMs } of choices) {
        progress(`picture and sound, ${title}: ${seconds} s`);
        await viewer.call('view', 'viewer', programme.id, selection);
        await viewer.call('look', 'viewer', picture);
        for (const sound of sounds) await viewer.call('listen', 'viewer', sound, BEEP_BLOCK_SAMPLES);
        await programme.wait(settleMs);
        await viewer.call('restart', 'viewer');
        await programme.wait(seconds * 1000);
        watched.push(await readViewer(viewer, title, sounds[0]!));
        await viewer.call('leave', 'viewer');
      }
      return watched;
    },
  );
}

async function readViewer(viewer: BenchPage, title: string, sound: string): Promise<Watched> {
  const { agesMs, flashesMs, damaged } = await viewer.call<PictureFigures>('pictures', 'viewer');
  const levels = await viewer.call<HeardLevels>('levels', 'viewer', sound);
  return {
    title,
    agesMs,
    soundAheadMs: pairs(flashesMs, levels),
    flashes: flashesMs.length,
    damagedPictures: damaged,
  };
}

/** Each flash with the beep next to it. */
function pairs(flashesMs: readonly number[], levels: HeardLevels): number[] {
  const beeps = soundings(levels, { thresholdDbfs: BEEP_DBFS, leastMs: 30 });
  return flashesMs.flatMap((flashMs) => {
    const nearest = beeps
      .map(({ startMs }) => flashMs - startMs)
      .sort((a, b) => Math.abs(a) - Math.abs(b))
      .at(0);
    return nearest === undefined || Math.abs(nearest) > PAIR_WITHIN_MS ? [] : [nearest];
  });
}

export function pictureRows(watched: readonly Watched[]): FigureRow[] {
  const row = (
    name: string,
    value: (one: Watched) => number | null,
    goal?: (one: Watched) => FigureRow['figures'][number]['goal'],
    unit = 'ms',
  ): FigureRow => ({
    name,
    unit,
    digits: 0,
    figures: watched.map((one) => {
      const wanted = goal?.(one);
      return { value: value(one), ...(wanted === undefined ? {} : { goal: wanted }) };
    }),
  });
  const ifLive = ({ title }: Watched) => (title === 'live' ? GOALS.glassToGlassP95 : undefined);
  const ifSynced = ({ title }: Watched) => (title === 'live' ? undefined : GOALS.soundAhead);
  return [
    row('drawn to shown, P50', ({ agesMs }) => percentile(agesMs, 0.5)),
    row('drawn to shown, P95', ({ agesMs }) => percentile(agesMs, 0.95), ifLive),
    row('sound before picture, P5', ({ soundAheadMs }) => percentile(soundAheadMs, 0.05), ifSynced),
    row('sound before picture, P50', ({ soundAheadMs }) => percentile(soundAheadMs, 0.5)),
    row('sound before picture, P95', ({ soundAheadMs }) => percentile(soundAheadMs, 0.95), ifSynced),
    row('flashes with their beep', ({ soundAheadMs }) => soundAheadMs.length, undefined, ''),
    row('flashes without', ({ soundAheadMs, flashes }) => flashes - soundAheadMs.length, undefined, ''),
    row('pictures read', ({ agesMs }) => agesMs.length, undefined, ''),
    row('pictures damaged', ({ damagedPictures }) => damagedPictures, undefined, ''),
  ];
}
