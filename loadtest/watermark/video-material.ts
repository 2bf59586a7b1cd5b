import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import { runTool } from '../../pipeline/media/tool-process.ts';
import { mulberry32 } from '../clips/clip-plan.ts';
import { testdataPath } from '../clips/testdata.ts';

export const VIDEO_WIDTH = 640;
export const VIDEO_HEIGHT = 360;
export const VIDEO_FPS = 25;
export const LUMA_BYTES = VIDEO_WIDTH * VIDEO_HEIGHT;
export const FRAME_BYTES = (LUMA_BYTES * 3) / 2;

/** A stretch of real video: one file after another where one is too short, with the cuts that makes. */
export interface VideoProgramme {
  readonly name: string;
  readonly files: readonly string[];
  readonly seconds: number;
}

/** Where a clip is taken from. */
export interface VideoClip {
  readonly programme: VideoProgramme;
  readonly startS: number;
}

/** Real video of the shared test data; empty without it. */
export async function videoProgrammes(): Promise<VideoProgramme[]> {
  const out: VideoProgramme[] = [];
  const grid = testdataPath('video/grid');
  if (grid !== undefined) {
    const files = (await readdir(grid)).filter((name) => name.endsWith('.mpg')).sort();
    // Sentences of 3 s by different speakers.
    out.push({
      name: 'GRID speakers',
      files: files.map((name) => join(grid, name)),
      seconds: 3 * files.length,
    });
  }
  for (const [name, path, seconds] of [
    ['portrait', 'video/sadtalker/WDA_KatieHill_000.mp4', 8],
    ['speaker', 'video/sync/syncnet_example.avi', 12.6],
  ] as const) {
    const file = testdataPath(path);
    if (file !== undefined) out.push({ name, files: [file], seconds });
  }
  return out;
}

/** Clips at random places of all programmes in turn. */
export function chooseVideoClips(
  programmes: readonly VideoProgramme[],
  options: { count: number; seconds: number; seed: number },
): VideoClip[] {
  const random = mulberry32(options.seed);
  return Array.from({ length: options.count }, (_, i) => {
    const programme = programmes[i % programmes.length]!;
    const startS = random() * Math.max(0, programme.seconds - options.seconds - 0.1);
    return { programme, startS };
  });
}

/** Frames of a clip, 640x360 yuv420p, 25 a second, scaled to fill and cropped. */
export async function readVideoClip(
  { programme, startS }: VideoClip,
  options: { seconds: number; folder: string; signal: AbortSignal },
): Promise<Buffer> {
  const { seconds, folder, signal } = options;
  const file = join(folder, `source-${crypto.randomUUID()}.yuv`);
  const inputs = programme.files.flatMap((path) => ['-i', path]);
  const scale = `fps=${VIDEO_FPS},scale=${VIDEO_WIDTH}:${VIDEO_HEIGHT}:force_original_aspect_ratio=increase,crop=${VIDEO_WIDTH}:${VIDEO_HEIGHT},setsar=1,format=yuv420p`;
  const each = programme.files.map((_, i) => `[${i}:v:0]${scale}[v${i}]`).join(';');
  const all = programme.files.map((_, i) => `[v${i}]`).join('');
  try {
    await ffmpeg(
      [
        ...inputs,
        '-filter_complex',
        `${each};${all}concat=n=${programme.files.length},trim=start=${startS}:duration=${seconds},setpts=PTS-STARTPTS[out]`,
        ...['-map', '[out]', '-f', 'rawvideo', file],
      ],
      signal,
    );
    const frames = await readFile(file);
    return frames.subarray(0, frames.length - (frames.length % FRAME_BYTES));
  } finally {
    await rm(file, { force: true });
  }
}

export async function ffmpeg(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { code, stderr } = await runTool({
    tool: 'ffmpeg',
    args: ['-v', 'error', '-y', ...args],
    signal,
  });
  if (code !== 0)
    throw new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', `FFmpeg failed on video: ${stderr.trim()}`);
}
