import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** For tests: a folder of its own, and FFmpeg to make and read files in it. */
export class MediaFixtures {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'livedub-media-'));

  path(name: string): string {
    return path.join(this.folder, name);
  }

  /** Runs FFmpeg; the last argument is a file name in the folder. Returns its path. */
  make(name: string, ...args: string[]): string {
    execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args, this.path(name)]);
    return this.path(name);
  }

  /** One audio track of a file as 48 kHz mono, in time with the file's own start. */
  decode(file: string, track: number): Float32Array {
    const filter = 'aresample=48000:async=1:first_pts=0';
    const args = [
      '-v',
      'error',
      '-i',
      file,
      '-map',
      `0:a:${track}`,
      '-af',
      filter,
      '-ac',
      '1',
      '-f',
      'f32le',
      '-',
    ];
    const out = execFileSync('ffmpeg', args, { maxBuffer: 1 << 28 });
    return new Float32Array(out.buffer.slice(out.byteOffset, out.byteOffset + (out.length & ~3)));
  }

  /** What ffprobe says, as JSON. */
  probe(file: string): { streams: Record<string, unknown>[]; format: Record<string, unknown> } {
    return JSON.parse(
      execFileSync('ffprobe', [
        '-v',
        'error',
        '-show_format',
        '-show_streams',
        '-of',
        'json',
        file,
      ]).toString(),
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** FFmpeg input: ten seconds (or `seconds`) with a beep of 50 ms at every full second but the first. */
export function beeps(seconds = 10, rateHz = 48_000): string[] {
  return [
    '-f',
    'lavfi',
    '-i',
    `aevalsrc='0.6*sin(2*PI*1000*t)*lt(mod(t,1),0.05)*gt(t,0.5)':s=${rateHz}:d=${seconds}`,
  ];
}

/** FFmpeg input: a test picture. */
export function picture(seconds = 10): string[] {
  return ['-f', 'lavfi', '-i', `testsrc=s=160x120:r=25:d=${seconds}`];
}

export const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast'];

/** Times (ms) at which sound above `threshold` begins after at least 200 ms of less. */
export function onsetsMs(pcm: Float32Array, threshold = 0.2): number[] {
  const out: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < pcm.length; i++) {
    if (Math.abs(pcm[i]!) < threshold) continue;
    if (i - last > 9600) out.push(i / 48);
    last = i;
  }
  return out;
}
