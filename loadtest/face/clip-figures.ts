import { resample } from '../../pipeline/audio/resample.ts';
import { LOWER_OUTER_LIP, UPPER_OUTER_LIP } from '../../pipeline/face/topology.ts';
import type { EngineCall } from '../../pipeline/ports/engine.ts';
import type { FaceTracker } from '../../pipeline/ports/face-tracker.ts';
import { bestCorrelation, correlation, lagSteps, meanOf, percentile, tremor, where } from './curves.ts';
import { DUB_RATE_HZ } from './dub-speech.ts';
import { STEP_US, VAD_RATE_HZ } from './face-clips.ts';
import { type FaceCurves, faceCurves, meanShape, pointCurves } from './lip-curves.ts';
import { changedOutside, changedShare, movableRegion } from './movable-region.ts';
import { type ReanimatedClip, trackPictures } from './reanimated-clip.ts';
import { type SpokenMouth, spokenMouth } from './spoken-mouth.ts';
import type { SyncNet } from './syncnet.ts';

/** Points that speech does not move, and all of the lips' outer contours. */
const STILL_POINTS = [33, 133, 362, 263, 168, 6, 1, 10, 151] as const;
const LIP_POINTS = [...new Set([...UPPER_OUTER_LIP, ...LOWER_OUTER_LIP])];
/** Below this part of a person's range of openings a mouth counts as closed. */
const CLOSED_SHARE = 0.2;
const FIRST_US = 3_000_000;
/** How far a bilabial's closure may be off the time the aligner gives it. */
const CLOSURE_SLACK_US = 40_000;
/** Every so many pictures a face is described. */
const DESCRIBE_EVERY = 5;

/** So many of so many. */
export interface Share {
  readonly count: number;
  readonly of: number;
}

/** What one dubbed clip measures. NaN where there was nothing to measure. */
export interface ClipFigures {
  readonly withTarget: number;
  readonly withTargetFirst: number;
  /** With openings worked out from the phonemes without the engine, at the best shift; and what following the target exactly would give. */
  readonly withSounds: number;
  readonly targetWithSounds: number;
  readonly withOriginal: number;
  readonly withOriginalFirst: number;
  /** What a mouth that follows the target exactly has in common with the original by chance. */
  readonly targetWithOriginal: number;
  readonly widthWithTarget: number;
  readonly offsetMs: number;
  readonly offsetOfSoundsMs: number;
  /** Root mean square of opening less target, in parts of the person's range. */
  readonly openingError: number;
  readonly changedOutside: number;
  readonly changedShare: number;
  readonly stillTremor: number;
  readonly lipTremor: number;
  readonly silentClosed: Share;
  readonly silentClosedInOriginal: Share;
  readonly bilabialsClosed: Share;
  readonly identity: number;
  /** Errors of lips against sound as SyncNet rates them: the result with the dub, by the source with its own sound. */
  readonly lseC: number;
  readonly lseD: number;
  readonly strength: number;
  readonly guards: Readonly<Record<string, number>>;
  readonly pictureMs: number;
  readonly pictures: number;
}

/** With the curves, for contact sheets. */
export interface MeasuredClip {
  readonly figures: ClipFigures;
  readonly source: FaceCurves;
  readonly result: FaceCurves;
  readonly spoken: SpokenMouth;
  /** 0…1; NaN where the engine asks for nothing. */
  readonly target: readonly number[];
  /** Opening at or below which the mouth counts as closed, canonical units. */
  readonly closedAt: number;
}

/** Follows the face again in the pictures that were made, with the tracker that steered them, and compares. */
export async function measureClip(
  { tracker, syncNet }: { tracker: FaceTracker; syncNet: SyncNet | undefined },
  reanimated: ReanimatedClip,
  call: EngineCall,
): Promise<MeasuredClip> {
  const { clip, dub, tracked, verdicts, bytes } = reanimated;
  const pictures = clip.pictures.map((picture, i) => ({ ...picture, bytes: bytes[i]! }));
  const template = meanShape(tracked);
  const source = faceCurves(tracked, template);
  const result = faceCurves(await trackPictures(tracker, pictures, call), template);
  const spoken = spokenMouth(dub, clip.pictures.length);
  const target = verdicts.map(({ mouth }, i) =>
    spoken.counts[i] ? (mouth?.opening ?? Number.NaN) : Number.NaN,
  );
  const targetWidth = verdicts.map(({ mouth }, i) =>
    spoken.counts[i] ? (mouth?.width ?? Number.NaN) : Number.NaN,
  );
  const counted = (values: readonly number[]) =>
    values.map((value, i) => (spoken.counts[i] ? value : Number.NaN));
  const sounds = counted(spoken.opening);
  const low = percentile(source.opening, 0.03);
  const high = percentile(source.opening, 0.96);
  const closedAt = low + CLOSED_SHARE * (high - low);
  const first = (values: readonly number[]) => values.slice(0, Math.round(FIRST_US / STEP_US));
  const closedShare = ({ opening }: FaceCurves) =>
    share(where(opening, (i) => spoken.counts[i]! && spoken.silent[i]!).map((value) => value <= closedAt));
  const stepMs = STEP_US / 1000;
  return {
    source,
    result,
    spoken,
    target,
    closedAt,
    figures: {
      withTarget: correlation(result.opening, target),
      withTargetFirst: correlation(first(result.opening), first(target)),
      withSounds: bestCorrelation(result.opening, sounds),
      targetWithSounds: bestCorrelation(target, sounds),
      withOriginal: correlation(counted(result.opening), source.opening),
      withOriginalFirst: correlation(first(counted(result.opening)), first(source.opening as number[])),
      targetWithOriginal: correlation(target, source.opening),
      widthWithTarget: correlation(result.width, targetWidth),
      offsetMs: stepMs * lagSteps(result.opening, target),
      offsetOfSoundsMs: stepMs * lagSteps(result.opening, sounds),
      openingError: residual(result.opening, target) / (high - low),
      ...changes(reanimated, source),
      stillTremor: tremor(pointCurves(result, STILL_POINTS)) / tremor(pointCurves(source, STILL_POINTS)),
      lipTremor: tremor(pointCurves(result, LIP_POINTS)) / tremor(pointCurves(source, LIP_POINTS)),
      silentClosed: closedShare(result),
      silentClosedInOriginal: closedShare(source),
      bilabialsClosed: share(
        spoken.bilabials.map(({ startUs, endUs }) =>
          result.opening.some(
            (value, i) =>
              i * STEP_US >= startUs - CLOSURE_SLACK_US &&
              i * STEP_US <= Math.max(endUs, startUs + STEP_US) &&
              value <= closedAt,
          ),
        ),
      ),
      identity: await identity(tracker, reanimated, { source, result }, call),
      ...(await lipSync(syncNet, reanimated, { source, result }, call)),
      strength: meanOf(where(verdicts, (i) => spoken.counts[i]!).map(({ strength }) => strength)),
      guards: countGuards(verdicts),
      pictureMs: reanimated.pictureMs,
      pictures: clip.pictures.length,
    },
  };
}

function changes({ clip, bytes }: ReanimatedClip, { faces, poses }: FaceCurves) {
  let outside = 0;
  let changed = 0;
  const lumaBytes = clip.format.widthPx * clip.format.heightPx;
  for (const [i, { bytes: before }] of clip.pictures.entries()) {
    const face = faces[i];
    const regions = face === undefined ? [] : [movableRegion(face.landmarks, poses[i]!, clip.format)];
    outside += changedOutside(before, bytes[i]!, clip.format, regions);
    changed += changedShare(before, bytes[i]!, lumaBytes);
  }
  return { changedOutside: outside, changedShare: changed / clip.pictures.length };
}

async function lipSync(
  syncNet: SyncNet | undefined,
  { clip, dub, bytes }: ReanimatedClip,
  { source, result }: { source: FaceCurves; result: FaceCurves },
  call: EngineCall,
): Promise<{ lseC: number; lseD: number }> {
  const landmarks = ({ faces }: FaceCurves) => faces.map((face) => face?.landmarks);
  const own = await syncNet?.score(
    { pictures: clip.pictures, landmarks: landmarks(source), pcm: clip.sound },
    call,
  );
  const pictures = clip.pictures.map((picture, i) => ({ ...picture, bytes: bytes[i]! }));
  const pcm = resample(dub.sound, DUB_RATE_HZ, VAD_RATE_HZ);
  const made = await syncNet?.score({ pictures, landmarks: landmarks(result), pcm }, call);
  if (own === undefined || made === undefined) return { lseC: Number.NaN, lseD: Number.NaN };
  return { lseC: made.lseC / own.lseC, lseD: made.lseD / own.lseD };
}

/** How alike result and source are, against how alike the source's own neighbouring pictures are. NaN without such a network. */
async function identity(
  tracker: FaceTracker,
  { clip, bytes }: ReanimatedClip,
  { source, result }: { source: FaceCurves; result: FaceCurves },
  call: EngineCall,
): Promise<number> {
  if (tracker.describe === undefined) return Number.NaN;
  const same: number[] = [];
  const neighbours: number[] = [];
  for (let i = 1; i < clip.pictures.length; i += DESCRIBE_EVERY) {
    const [before, here, made] = [source.faces[i - 1], source.faces[i], result.faces[i]];
    if (before === undefined || here === undefined || made === undefined) continue;
    const picture = clip.pictures[i]!;
    const own = await tracker.describe(picture, here, call);
    neighbours.push(dot(own, await tracker.describe(clip.pictures[i - 1]!, before, call)));
    same.push(dot(own, await tracker.describe({ ...picture, bytes: bytes[i]! }, made, call)));
  }
  return meanOf(same) / meanOf(neighbours);
}

/** Scales a target to what was measured, by least squares, and says how far off it stays. */
function residual(measured: readonly number[], target: readonly number[]): number {
  const pairs = measured.flatMap((y, i) =>
    Number.isNaN(y) || Number.isNaN(target[i]!) ? [] : [[target[i]!, y] as const],
  );
  const meanX = meanOf(pairs.map(([x]) => x));
  const meanY = meanOf(pairs.map(([, y]) => y));
  const slope =
    pairs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) /
    Math.max(
      1e-9,
      pairs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0),
    );
  return Math.sqrt(meanOf(pairs.map(([x, y]) => (y - meanY - slope * (x - meanX)) ** 2)));
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function share(values: readonly boolean[]): Share {
  return { count: values.filter(Boolean).length, of: values.length };
}

function countGuards(verdicts: ReanimatedClip['verdicts']): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { guard } of verdicts) if (guard !== undefined) counts[guard] = (counts[guard] ?? 0) + 1;
  return counts;
}
