import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MarkDetection } from '../pipeline/mark/finding.ts';
import { deriveMarkKey, type MarkKey } from '../pipeline/mark/mark-key.ts';
import { VideoMarkDetector } from '../pipeline/mark/video/video-detector.ts';
import { VideoMarkEmbedder } from '../pipeline/mark/video/video-embedder.ts';
import { sharedFile } from './support/clips.ts';

const WIDTH = 640;
const HEIGHT = 360;
const RATE_FPS = 25;
const RENDITION = 0x5_4321_8765;

/** Runs FFmpeg on raw luma or files; gives what it writes. */
async function ffmpeg(args: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const child = spawn('ffmpeg', ['-v', 'error', '-y', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const RAW = ['-f', 'rawvideo', '-pix_fmt', 'gray'];

/** What others do to a clip: filter, then codec. */
const ATTACKS: readonly {
  name: string;
  filter?: string;
  codec: readonly string[];
  size?: [number, number];
}[] = [
  { name: 'H.264 at CRF 28', codec: ['-c:v', 'libx264', '-crf', '28'] },
  { name: 'H.264 at CRF 33', codec: ['-c:v', 'libx264', '-crf', '33'] },
  {
    name: 'VP8 at 500 kb/s',
    codec: ['-c:v', 'libvpx', '-b:v', '500k', '-deadline', 'realtime', '-cpu-used', '8'],
  },
  {
    name: 'half the size',
    filter: 'scale=320:180',
    codec: ['-c:v', 'libx264', '-crf', '23'],
    size: [320, 180],
  },
  {
    name: 'a tenth cropped and stretched back',
    filter: 'crop=iw*0.9:ih*0.9:20:10,scale=640:360',
    codec: ['-c:v', 'libx264', '-crf', '23'],
  },
  { name: '30 frames a second', codec: ['-c:v', 'libx264', '-crf', '23', '-r', '30'] },
  {
    name: 'other brightness and contrast',
    filter: 'eq=brightness=0.08:contrast=0.8',
    codec: ['-c:v', 'libx264'],
  },
];

describe('the mark of a picture', () => {
  let folder: string;
  let key: MarkKey;
  let original: Buffer;
  let marked: Uint8Array;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-picture-'));
    key = await deriveMarkKey({ master: new Uint8Array(32).fill(3), issuer: 'test' });
    const speaker = sharedFile('video/sadtalker/WDA_KatieHill_000.mp4');
    const source = speaker
      ? ['-i', speaker]
      : ['-f', 'lavfi', '-i', 'mandelbrot=s=640x360:r=25:end_scale=0.05'];
    const fit = `scale=${WIDTH}:${HEIGHT}:force_original_aspect_ratio=increase,crop=${WIDTH}:${HEIGHT}`;
    original = await ffmpeg([...source, '-vf', fit, '-r', `${RATE_FPS}`, '-frames:v', '100', ...RAW, '-']);
    marked = Uint8Array.from(original);
    const embedder = await VideoMarkEmbedder.create({ key, rendition: RENDITION });
    for (const [i, data] of planes(marked, WIDTH, HEIGHT).entries()) {
      const plane = { width: WIDTH, height: HEIGHT, strideBytes: WIDTH, data };
      embedder.mark(plane, 3 * 60e6 + (i * 1e6) / RATE_FPS);
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function detect(
    raw: Uint8Array,
    [width, height]: [number, number] = [WIDTH, HEIGHT],
  ): Promise<MarkDetection> {
    const detector = await VideoMarkDetector.create({ keys: [key] });
    for (const [i, data] of planes(raw, width, height).entries())
      detector.push({ width, height, strideBytes: width, data }, (i * 1e6) / RATE_FPS);
    return detector.finish();
  }

  it.each(ATTACKS)('can be read after $name', async ({ filter, codec, size }) => {
    const clip = join(folder, codec.includes('libvpx') ? 'clip.webm' : 'clip.mp4');
    const format = [...RAW, '-s', `${WIDTH}x${HEIGHT}`, '-r', `${RATE_FPS}`];
    await ffmpeg(
      [...format, '-i', '-', ...(filter ? ['-vf', filter] : []), '-pix_fmt', 'yuv420p', ...codec, clip],
      marked,
    );
    const { findings } = await detect(await ffmpeg(['-i', clip, ...RAW, '-']), size);
    expect(findings).toMatchObject([{ payload: { keyId: key.keyId, rendition: RENDITION, minute: 3 } }]);
  });

  it('costs at most 42 dB PSNR', () => {
    let sum = 0;
    for (let i = 0; i < marked.length; i += 1) sum += (marked[i]! - original[i]!) ** 2;
    expect(10 * Math.log10(255 ** 2 / (sum / marked.length))).toBeGreaterThan(42);
  });

  it('is not found in the original', async () => {
    expect(await detect(original)).toMatchObject({ findings: [], presence: undefined });
  });
});

function planes(raw: Uint8Array, width: number, height: number): Uint8Array[] {
  const size = width * height;
  return Array.from({ length: Math.floor(raw.length / size) }, (_, i) =>
    raw.subarray(i * size, (i + 1) * size),
  );
}
