import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import { type Picture, type PictureFormat, planeLayout } from '../../pipeline/face/picture.ts';
import { runTool, startTool } from '../../pipeline/media/tool-process.ts';
import { decodePcm } from '../clips/pcm.ts';
import { testdataPath } from '../clips/testdata.ts';

export const CLIP_FPS = 25;
export const STEP_US = 1_000_000 / CLIP_FPS;
export const VAD_RATE_HZ = 16_000;

/** A person who speaks, in one shot. */
export interface FaceClip {
  readonly name: string;
  readonly path: string;
  /** Whether the packaged knowledge of faces was measured on this very clip. */
  readonly inPrior: boolean;
}

/** A clip in memory. */
export interface DecodedClip extends FaceClip {
  readonly format: PictureFormat;
  /** 25 a second from 0 on. */
  readonly pictures: readonly Picture[];
  /** 16 kHz mono. */
  readonly sound: Float32Array;
}

const PORTRAITS = [
  ['portrait', 'video/sadtalker/WDA_KatieHill_000.mp4'],
  ['newsreader', 'video/sync/syncnet_example.avi'],
] as const;

/**
 * People of the shared test data, each once: GRID sentences of 3 s, and two longer clips.
 * @throws LIVEDUB_E_INPUT_NOT_FOUND where there is none
 */
export async function faceClips(): Promise<FaceClip[]> {
  const folder = testdataPath('video/grid');
  const files = folder === undefined ? [] : (await readdir(folder)).filter((name) => name.endsWith('.mpg'));
  const grid = files.sort().map((name) => ({
    name: `grid-${basename(name, '.mpg')}`,
    path: join(folder!, name),
    inPrior: true,
  }));
  const portraits = PORTRAITS.flatMap(([name, file]) => {
    const path = testdataPath(file);
    return path === undefined ? [] : [{ name, path, inPrior: false }];
  });
  // The longer ones first: a quick look sees them.
  const clips = [...portraits, ...grid];
  if (clips.length === 0)
    throw new LivedubError('LIVEDUB_E_INPUT_NOT_FOUND', 'There are no filmed people to measure.', {
      remedy:
        'Put the shared test data beside the repository: ../shared/testdata/video with grid/*.mpg, sadtalker, sync.',
    });
  return clips;
}

export async function decodeClip(clip: FaceClip, signal: AbortSignal): Promise<DecodedClip> {
  const { stdout } = await runTool({
    tool: 'ffprobe',
    args: [
      '-v',
      'error',
      '-select_streams',
      'v:0',
      '-show_entries',
      'stream=width,height',
      '-of',
      'csv=p=0',
      clip.path,
    ],
    signal,
  });
  const [widthPx = 0, heightPx = 0] = stdout.trim().split(',').map(Number);
  const format: PictureFormat = { widthPx, heightPx, colour: { matrix: 'bt601', range: 'limited' } };
  const filter = `fps=${CLIP_FPS},scale=out_color_matrix=bt601:out_range=limited,format=yuv420p`;
  const bytes = await outputOf(
    ['-v', 'error', '-i', clip.path, '-map', '0:v:0', '-vf', filter, '-f', 'rawvideo', 'pipe:1'],
    signal,
  );
  const { totalBytes } = planeLayout(format);
  const pictures = Array.from({ length: Math.floor(bytes.length / totalBytes) }, (_, i) => ({
    ...format,
    mediaTimeUs: i * STEP_US,
    bytes: new Uint8Array(bytes.subarray(i * totalBytes, (i + 1) * totalBytes)),
  }));
  return { ...clip, format, pictures, sound: await decodePcm(clip.path, VAD_RATE_HZ, signal) };
}

async function outputOf(args: readonly string[], signal: AbortSignal): Promise<Buffer> {
  const tool = startTool({ tool: 'ffmpeg', args, signal, output: true });
  const parts: Buffer[] = [];
  for await (const part of tool.stdout!) parts.push(part as Buffer);
  const { code, stderr } = await tool.exit;
  signal.throwIfAborted();
  if (code !== 0)
    throw new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', `A clip cannot be decoded: ${stderr.trim()}`);
  return Buffer.concat(parts);
}
