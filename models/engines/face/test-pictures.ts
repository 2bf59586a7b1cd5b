import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '../../../pipeline/cache-paths.ts';
import { type Picture, planeLayout } from '../../../pipeline/face/picture.ts';

/** A picture of the package that carries the networks: somebody before a webcam, 140 px wide, and a window around. */
export const WEBCAM = join(repositoryRoot, 'node_modules/@vladmandic/human/assets/screenshot-faceid.jpg');
/** Just the webcam's picture of it. */
export const WEBCAM_CROP = 'crop=140:140:14:142';

export interface PicturesOptions {
  readonly widthPx: number;
  readonly heightPx: number;
  /** FFmpeg filters before the picture is scaled, e.g. a crop. */
  readonly filter?: string;
  readonly count?: number;
  /** Default 25. */
  readonly rateHz?: number;
}

/** Decodes pictures with FFmpeg. */
export function readPictures(files: string | readonly string[], options: PicturesOptions): Picture[] {
  const { widthPx, heightPx, filter, count, rateHz = 25 } = options;
  const inputs = [files].flat().flatMap((file) => ['-i', file]);
  const filters = `${filter === undefined ? '' : `${filter},`}scale=${widthPx}:${heightPx}:out_color_matrix=bt601:out_range=limited`;
  const bytes = execFileSync(
    'ffmpeg',
    [
      ...['-v', 'error', ...inputs, '-filter_complex', filters, '-an', '-pix_fmt', 'yuv420p'],
      ...(count === undefined ? [] : ['-frames:v', String(count)]),
      ...['-f', 'rawvideo', '-'],
    ],
    { maxBuffer: 2 ** 30 },
  );
  const { totalBytes } = planeLayout({ widthPx, heightPx });
  return Array.from({ length: Math.floor(bytes.length / totalBytes) }, (_, i) => ({
    widthPx,
    heightPx,
    colour: { matrix: 'bt601', range: 'limited' },
    mediaTimeUs: Math.round((i * 1e6) / rateHz),
    bytes: Uint8Array.from(bytes.subarray(i * totalBytes, (i + 1) * totalBytes)),
  }));
}

/** @returns 16 kHz mono */
export function readSound(file: string): Float32Array {
  const args = ['-v', 'error', '-i', file, '-ac', '1', '-ar', '16000', '-f', 'f32le', '-'];
  const bytes = execFileSync('ffmpeg', args, { maxBuffer: 2 ** 28 });
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
