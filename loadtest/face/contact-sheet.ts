import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import { type Picture, planeLayout } from '../../pipeline/face/picture.ts';
import { startTool } from '../../pipeline/media/tool-process.ts';
import { toS16 } from '../clips/pcm.ts';
import type { MeasuredClip } from './clip-figures.ts';
import { percentile } from './curves.ts';
import { CLIP_FPS } from './face-clips.ts';
import { blankImage, drawCrop, drawNumber, type RgbImage, type Square } from './picture-crop.ts';
import type { ReanimatedClip } from './reanimated-clip.ts';

const TILE_PX = 240;
const LABEL_PX = 14;
const COLUMNS = 6;
/** Half a crop's side, in distances between the outer corners of the eyes: chin to nose, cheek to cheek. */
const CROP_REACH = 0.8;
/** Chosen pictures stand at least so far apart. */
const APART = 7;
const RUN = 12;

/**
 * Writes sheets on which the original stands above the result, and the clip with the original beside the result and the dub's sound.
 * Each tile has the picture's number and the opening that the dub asks for, in percent.
 *
 * `even`: evenly over the clip; `run-N`: twelve pictures in a row from N on; `critical`: first where the original is most open while
 * the dub's mouth is closed, then where the dub's mouth is most open while the original is closed, then where it opens most.
 */
export async function writeSheets(
  folder: string,
  reanimated: ReanimatedClip,
  measured: MeasuredClip,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { clip, dub } = reanimated;
  const name = `${clip.name}-${dub.language}`;
  const count = clip.pictures.length;
  const sheets = new Map<string, readonly number[]>([
    ['even', Array.from({ length: RUN }, (_, i) => Math.floor(((i + 0.5) * count) / RUN))],
    ['critical', criticalPictures(measured)],
  ]);
  for (const start of runStarts(measured))
    sheets.set(
      `run-${start}`,
      Array.from({ length: RUN }, (_, i) => start + i),
    );
  for (const [kind, pictures] of sheets) {
    const sheet = drawSheet(
      reanimated,
      measured,
      pictures.filter((i) => i < count),
    );
    await writePng(join(folder, `${name}-${kind}.png`), sheet, signal);
  }
  await writeClip(join(folder, `${name}.mp4`), reanimated, folder, signal);
}

/** Pictures that are hardest to get right. */
function criticalPictures({ source, target, spoken }: MeasuredClip): number[] {
  const low = percentile(source.opening, 0.03);
  const high = percentile(source.opening, 0.96);
  const original = source.opening.map((value) => (value - low) / (high - low));
  const wanted = target.map((value, i) => (spoken.counts[i] ? value : Number.NaN));
  return [
    ...highest(
      original.map((value, i) => (wanted[i]! < 0.1 ? value : Number.NaN)),
      4,
    ),
    ...highest(
      original.map((value, i) => (wanted[i]! > 0.5 ? wanted[i]! - value : Number.NaN)),
      4,
    ),
    ...highest(wanted, 4),
  ];
}

function highest(scores: readonly number[], count: number): number[] {
  const order = [...scores.keys()].filter((i) => !Number.isNaN(scores[i]!));
  order.sort((a, b) => scores[b]! - scores[a]!);
  const chosen: number[] = [];
  for (const i of order)
    if (chosen.length < count && chosen.every((other) => Math.abs(other - i) >= APART)) chosen.push(i);
  return chosen.sort((a, b) => a - b);
}

/** The beginning of the dub, and two runs later on. */
function runStarts({ spoken, target }: MeasuredClip): number[] {
  const first = Math.max(0, spoken.counts.indexOf(true));
  const last = Math.max(first, spoken.counts.lastIndexOf(true) - RUN);
  return [...new Set([first, Math.round((first + last) / 2), last])].filter((i) => i + RUN <= target.length);
}

function drawSheet(
  { clip, bytes }: ReanimatedClip,
  measured: MeasuredClip,
  pictures: readonly number[],
): RgbImage {
  const blocks = Math.ceil(pictures.length / COLUMNS);
  const blockPx = LABEL_PX + 2 * TILE_PX;
  const image = blankImage(COLUMNS * TILE_PX, Math.max(1, blocks) * blockPx);
  for (const [k, i] of pictures.entries()) {
    const x = (k % COLUMNS) * TILE_PX;
    const y = Math.floor(k / COLUMNS) * blockPx;
    const square = mouthSquare(measured, i) ?? { x: 0, y: 0, sidePx: clip.format.heightPx };
    const wanted = measured.target[i]!;
    drawNumber(image, x + 2, y + 2, `${i}  ${Number.isNaN(wanted) ? '' : Math.round(100 * wanted)}`);
    const original = clip.pictures[i]!;
    drawCrop(image, { x, y: y + LABEL_PX, sidePx: TILE_PX }, original, square);
    drawCrop(
      image,
      { x, y: y + LABEL_PX + TILE_PX, sidePx: TILE_PX },
      { ...original, bytes: bytes[i]! },
      square,
    );
  }
  return image;
}

function mouthSquare({ source }: MeasuredClip, i: number): Square | undefined {
  const l = source.faces[i]?.landmarks;
  if (l === undefined) return undefined;
  const eyesPx = Math.hypot(l[263 * 3]! - l[33 * 3]!, l[263 * 3 + 1]! - l[33 * 3 + 1]!);
  const x = (l[61 * 3]! + l[291 * 3]!) / 2;
  const y = (l[61 * 3 + 1]! + l[291 * 3 + 1]!) / 2;
  const half = CROP_REACH * eyesPx;
  return { x: x - half, y: y - half, sidePx: 2 * half };
}

async function writePng(file: string, image: RgbImage, signal: AbortSignal): Promise<void> {
  const size = `${image.widthPx}x${image.heightPx}`;
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', size, '-i', 'pipe:0'];
  await feed([...input, '-frames:v', '1', '-update', '1', '-y', file], [image.bytes], signal);
}

/** Original left, result right. */
async function writeClip(
  file: string,
  { clip, dub, bytes }: ReanimatedClip,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const sound = join(folder, `.${clip.name}-${dub.language}.s16`);
  await writeFile(sound, toS16(dub.sound));
  const { widthPx, heightPx } = clip.format;
  const pairs = clip.pictures.map((picture, i) => besideEachOther(picture, bytes[i]!));
  const picture = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'yuv420p',
    '-s',
    `${2 * widthPx}x${heightPx}`,
    '-r',
    `${CLIP_FPS}`,
    '-i',
    'pipe:0',
  ];
  const voice = ['-f', 's16le', '-ar', '48000', '-ac', '1', '-i', sound];
  const codec = ['-c:v', 'libx264', '-crf', '16', '-c:a', 'aac', '-shortest'];
  try {
    await feed([...picture, ...voice, ...codec, '-y', file], pairs, signal);
  } finally {
    await rm(sound, { force: true });
  }
}

/** Two pictures of one format as one; widths have to be even. */
function besideEachOther(left: Picture, right: Uint8Array): Uint8Array {
  const { chromaWidthPx, chromaHeightPx, uOffset, vOffset, totalBytes } = planeLayout(left);
  const out = new Uint8Array(2 * totalBytes);
  let to = 0;
  for (const [offset, width, height] of [
    [0, left.widthPx, left.heightPx],
    [uOffset, chromaWidthPx, chromaHeightPx],
    [vOffset, chromaWidthPx, chromaHeightPx],
  ] as const)
    for (let row = 0; row < height; row += 1)
      for (const side of [left.bytes, right]) {
        out.set(side.subarray(offset + row * width, offset + (row + 1) * width), to);
        to += width;
      }
  return out;
}

async function feed(
  args: readonly string[],
  inputs: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<void> {
  const tool = startTool({ tool: 'ffmpeg', args: ['-v', 'error', ...args], signal, input: true });
  for (const bytes of inputs) {
    if (tool.stdin!.destroyed) break;
    if (!tool.stdin!.write(bytes)) await Promise.race([once(tool.stdin!, 'drain'), tool.exit]);
  }
  tool.stdin!.end();
  const { code, stderr } = await tool.exit;
  signal.throwIfAborted();
  if (code !== 0)
    throw new LivedubError('LIVEDUB_E_OUTPUT_NOT_WRITABLE', `A sheet cannot be written: ${stderr.trim()}`);
}
