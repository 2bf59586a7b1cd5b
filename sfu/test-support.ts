import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mediasoupWorkerBin, repositoryRoot } from '../pipeline/cache-paths.ts';
import type { EncodedFrame } from '../pipeline/frames.ts';

/** Used by this folder's tests only: the real worker, real pictures, and ffmpeg as the judge. */

const found = mediasoupWorkerBin();

/** The worker program, or undefined where set-up has not made it yet. */
export const workerBin: string | undefined = found !== undefined && existsSync(found) ? found : undefined;

export async function run(command: string, args: readonly string[]): Promise<Buffer> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${err.slice(-500)}`);
  return Buffer.concat(out);
}

/** Arguments that make ffmpeg read real pictures where the shared test data is, else its own test picture. */
function pictureInput(): string[] {
  const folder = join(repositoryRoot, '../shared/testdata/video/grid');
  const file = existsSync(folder) ? readdirSync(folder).find((name) => name.endsWith('.mpg')) : undefined;
  return file === undefined
    ? ['-f', 'lavfi', '-i', 'testsrc2=size=360x288:rate=25:duration=1']
    : ['-i', join(folder, file)];
}

export class TestFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'livedub-sfu-'));

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Encodes the test pictures. @returns the file and its frames */
  async encode(codec: 'h264' | 'vp8'): Promise<{ file: string; frames: EncodedFrame[] }> {
    const file = join(this.path, codec === 'h264' ? 'in.h264' : 'in.ivf');
    const encoder =
      codec === 'h264'
        ? [
            '-c:v',
            'libx264',
            '-profile:v',
            'baseline',
            '-g',
            '25',
            '-x264-params',
            'aud=1',
            '-b:v',
            '1200k',
            '-f',
            'h264',
          ]
        : [
            '-c:v',
            'libvpx',
            '-deadline',
            'realtime',
            '-cpu-used',
            '8',
            '-g',
            '25',
            '-b:v',
            '1200k',
            '-f',
            'ivf',
          ];
    await run('ffmpeg', [
      '-v',
      'error',
      '-y',
      ...pictureInput(),
      '-t',
      '1',
      '-an',
      '-pix_fmt',
      'yuv420p',
      ...encoder,
      file,
    ]);
    const data = await readFile(file);
    const parts = codec === 'h264' ? splitAccessUnits(data) : splitIvf(data);
    const frames = parts.map(
      (part, i): EncodedFrame => ({
        kind: 'encoded',
        codec,
        mediaTimeUs: i * 40_000,
        durationUs: 40_000,
        keyframe: false,
        data: part,
      }),
    );
    return { file, frames };
  }

  /** Writes received frames as a file of their codec's plainest form. */
  async write(codec: 'h264' | 'vp8', frames: readonly EncodedFrame[], like: string): Promise<string> {
    const file = join(this.path, codec === 'h264' ? 'out.h264' : 'out.ivf');
    if (codec === 'h264') {
      await writeFile(file, Buffer.concat(frames.map((f) => f.data)));
      return file;
    }
    const head = (await readFile(like)).subarray(0, 32);
    const parts = frames.flatMap((f, i) => {
      const frameHead = Buffer.alloc(12);
      frameHead.writeUInt32LE(f.data.length, 0);
      frameHead.writeBigUInt64LE(BigInt(i), 4);
      return [frameHead, f.data];
    });
    await writeFile(file, Buffer.concat([head, ...parts]));
    return file;
  }
}

/** MD5 of every decoded picture, by ffmpeg. */
export async function pictureHashes(file: string): Promise<string[]> {
  const out = await run('ffmpeg', ['-v', 'error', '-i', file, '-an', '-f', 'framemd5', '-']);
  return out
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)!.trim());
}

/** Every access unit begins with a delimiter (x264's aud=1). */
function splitAccessUnits(data: Buffer): Buffer[] {
  const delimiter = Buffer.from([0, 0, 0, 1, 9]);
  const starts: number[] = [];
  for (let at = data.indexOf(delimiter); at >= 0; at = data.indexOf(delimiter, at + 1)) starts.push(at);
  return starts.map((start, i) => data.subarray(start, starts[i + 1] ?? data.length));
}

function splitIvf(data: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 32; at + 12 <= data.length; ) {
    const length = data.readUInt32LE(at);
    parts.push(data.subarray(at + 12, at + 12 + length));
    at += 12 + length;
  }
  return parts;
}
