import { performance } from 'node:perf_hooks';
import type { EngineCall } from '../../pipeline/ports/engine.ts';
import type { FaceTracker, TrackedPicture } from '../../pipeline/ports/face-tracker.ts';
import type { FaceVerdict, ReanimatedPicture, Reanimator } from '../../pipeline/ports/reanimator.ts';
import type { ClipDub } from './dub-speech.ts';
import type { DecodedClip } from './face-clips.ts';

/** A clip whose face speaks a dub. */
export interface ReanimatedClip {
  readonly clip: DecodedClip;
  readonly dub: ClipDub;
  /** As the engine was told. */
  readonly tracked: readonly TrackedPicture[];
  readonly bytes: readonly Uint8Array[];
  readonly verdicts: readonly FaceVerdict[];
  /** Mean wall time of reanimation a picture, ms. */
  readonly pictureMs: number;
}

const RENDITION = 'dub';
/** Sound of the original is told in pieces of so many samples at 16 kHz, a little ahead of its pictures. */
const SOUND_SAMPLES = 640;

/** Follows the largest faces of a clip. */
export async function trackPictures(
  tracker: FaceTracker,
  pictures: DecodedClip['pictures'],
  call: EngineCall,
): Promise<TrackedPicture[]> {
  const tracking = tracker.open({ maxFaces: 1 });
  try {
    const out: TrackedPicture[] = [];
    for (const picture of pictures) out.push(await tracking.track(picture, call));
    return out;
  } finally {
    tracking.close();
  }
}

/** Has a clip's face speak a dub, as the face thread does: what is said is told before the pictures. */
export async function reanimateClip(
  reanimator: Reanimator,
  parts: { clip: DecodedClip; dub: ClipDub; tracked: readonly TrackedPicture[]; aheadUs: number },
  call: EngineCall,
): Promise<ReanimatedClip> {
  const { clip, dub, tracked, aheadUs } = parts;
  const reanimation = await reanimator.open({ format: clip.format, aheadUs });
  const done: ReanimatedPicture[] = [];
  let spentMs = 0;
  const timed = async (work: () => Promise<readonly ReanimatedPicture[]>) => {
    const before = performance.now();
    done.push(...(await work()));
    spentMs += performance.now() - before;
  };
  try {
    reanimation.addRendition(RENDITION);
    for (const update of dub.updates) reanimation.speech(RENDITION, update);
    reanimation.speech(RENDITION, { kind: 'known', untilUs: Number.MAX_SAFE_INTEGER });
    for (const [i, picture] of clip.pictures.entries()) {
      const sound = clip.sound.subarray(i * SOUND_SAMPLES, (i + 1) * SOUND_SAMPLES);
      if (sound.length > 0) reanimation.sourceSound(sound, picture.mediaTimeUs);
      await timed(() => reanimation.push(picture, tracked[i]!, call));
    }
    await timed(() => reanimation.flush(call));
  } finally {
    reanimation.close();
  }
  const renditions = done.map(({ renditions }) => renditions.get(RENDITION)!);
  return {
    clip,
    dub,
    tracked,
    bytes: renditions.map(({ bytes }) => bytes),
    verdicts: renditions.map(({ verdict }) => verdict),
    pictureMs: spentMs / clip.pictures.length,
  };
}
