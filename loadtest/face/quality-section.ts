import { join } from 'node:path';
import type { EngineCall } from '../../pipeline/ports/engine.ts';
import type { FaceTracker } from '../../pipeline/ports/face-tracker.ts';
import type { Reanimator } from '../../pipeline/ports/reanimator.ts';
import type { BenchContext } from '../bench/bench.ts';
import { EngineShelf } from '../measure/engine-shelf.ts';
import { type MeasuredClip, measureClip } from './clip-figures.ts';
import { writeSheets } from './contact-sheet.ts';
import { type ClipDub, DUB_LANGUAGES, DubVoice, speechSpans } from './dub-speech.ts';
import { type DecodedClip, decodeClip, type FaceClip } from './face-clips.ts';
import { clipTable, figureRows, type MeasuredRow } from './quality-report.ts';
import { type ReanimatedClip, reanimateClip, trackPictures } from './reanimated-clip.ts';
import type { SyncNet } from './syncnet.ts';

export interface LipsOptions {
  readonly tracker: FaceTracker;
  readonly reanimator: Reanimator;
  /** Scores lips against sound, where such a network is installed. */
  readonly syncNet: SyncNet | undefined;
  readonly clips: readonly FaceClip[];
  /** How much later than it could a picture is made, so that more of the face was seen before, µs. */
  readonly aheadUs: number;
  /** Where it is so. */
  readonly where: string;
}

/** Has every clip's person speak a dub in each language, and measures what came of it. */
export async function measureLips(context: BenchContext, options: LipsOptions): Promise<void> {
  const { tracker, reanimator, syncNet, clips, aheadUs, where } = options;
  const { signal, progress, sheets } = context;
  const call: EngineCall = { signal, priority: 'upload' };
  const rows: MeasuredRow[] = [];
  for await (const { clip, dubs } of dubbedClips(context, clips)) {
    progress(`faces: ${clip.name}`);
    const tracked = await trackPictures(tracker, clip.pictures, call);
    for (const dub of dubs) {
      progress(`faces: ${clip.name} in ${dub.language}`);
      const reanimated = await reanimateClip(reanimator, { clip, dub, tracked, aheadUs }, call);
      const measured = await measureClip({ tracker, syncNet }, reanimated, call);
      rows.push({ clip, dub, figures: measured.figures });
      if (sheets !== undefined)
        await writeSheets(join(sheets, `ahead-${aheadUs / 1000}-ms`), reanimated, measured, signal);
      record(context, `ahead-${aheadUs / 1000}-ms`, reanimated, measured);
    }
  }
  const seen = `seen ${aheadUs / 1_000_000} s ahead (${where})`;
  context.print(`faces ${seen}: per clip`, clipTable(rows));
  const isUnseen = ({ clip }: MeasuredRow) => !clip.inPrior;
  context.figures(
    `faces ${seen}: ${new Set(rows.map(({ clip }) => clip.name)).size} people, ${rows.length} dubs, means and shares of all`,
    ['all', 'of whom nothing is packaged'],
    figureRows([rows, rows.filter(isUnseen)].map((some) => some.map(({ figures }) => figures))),
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

function record(
  context: BenchContext,
  set: string,
  { clip, dub, verdicts }: ReanimatedClip,
  { figures, source, result, target, spoken }: MeasuredClip,
): void {
  context.record(`${set}/${clip.name}/${dub.language}`, {
    texts: dub.texts,
    utterances: dub.utterances.map(({ startUs, endUs }) => ({ startUs, endUs })),
    figures,
    opening: { source: source.opening, result: result.opening, target, sounds: spoken.opening },
    strength: verdicts.map(({ strength }) => strength),
  });
}
