import { join } from 'node:path';
import { run, sharedFile } from './clips.ts';

/** One person who speaks English, seen from the front; undefined in a clone without the shared test data. */
export const TALKING_CLIP = sharedFile('video/sadtalker/WDA_KatieHill_000.mp4');

/** Pictures of the clip are compared at this size. */
export const COMPARED_PX = 64;

/** A part of a picture, in shares of it. */
export interface PicturePart {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Where the speaker's mouth is in all of the clip, and where nothing moves with it. */
export const MOUTH: PicturePart = { left: 0.38, right: 0.66, top: 0.55, bottom: 0.8 };
export const ABOVE: PicturePart = { left: 0, right: 1, top: 0, bottom: 0.3 };

/** The clip as Chromium's camera and microphone. */
export async function talkingCamera(folder: string): Promise<{ camera: string; microphone: string }> {
  const [camera, microphone] = [join(folder, 'camera.y4m'), join(folder, 'microphone.wav')];
  const quiet = ['-v', 'error', '-y', '-i', TALKING_CLIP!];
  await run('ffmpeg', [...quiet, '-vf', 'scale=320:320,fps=15', '-pix_fmt', 'yuv420p', camera]);
  await run('ffmpeg', [...quiet, '-ac', '1', '-ar', '48000', microphone]);
  return { camera, microphone };
}

/** Mean absolute difference of luma within a part of two pictures of COMPARED_PX. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>, part: PicturePart): number {
  let sum = 0;
  let count = 0;
  for (let y = Math.round(part.top * COMPARED_PX); y < part.bottom * COMPARED_PX; y += 1)
    for (let x = Math.round(part.left * COMPARED_PX); x < part.right * COMPARED_PX; x += 1) {
      sum += Math.abs(a[y * COMPARED_PX + x]! - b[y * COMPARED_PX + x]!);
      count += 1;
    }
  return sum / count;
}
