import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { type IntakeOptions, openIntake } from './intake.ts';
import { beeps, MediaFixtures, onsetsMs, picture, X264 } from './media-fixtures.ts';

const files = new MediaFixtures();
const signal = new AbortController().signal;
afterAll(() => files.remove());

/** All sound of the left channel; checks on the way that frames follow each other without gap. */
async function take(path: string, options: Partial<IntakeOptions> = {}) {
  const intake = openIntake({ path, signal, ...options });
  const parts: Float32Array[] = [];
  let nextUs: number | undefined;
  for await (const frame of intake) {
    nextUs ??= frame.mediaTimeUs;
    expect(frame.mediaTimeUs).toBe(nextUs);
    expect(frame.planes.map((p) => p.length)).toEqual([960, 960]);
    nextUs += 20_000;
    parts.push(frame.planes[0]!);
  }
  const pcm = new Float32Array(parts.length * 960);
  parts.forEach((part, i) => {
    pcm.set(part, i * 960);
  });
  return { pcm, result: await intake.result };
}

/** FFmpeg processes that have `word` in their command line. */
function running(word: string): string[] {
  const list = execFileSync('ps', ['-eo', 'pid,args']).toString().split('\n');
  return list.filter((line) => line.includes(word) && /ffmpeg/u.test(line));
}

const seconds = (...values: number[]) => values.map((v) => v * 1000);

function expectOnsets(pcm: Float32Array, wanted: number[], toleranceMs = 8): void {
  const got = onsetsMs(pcm);
  expect(got.length, String(got)).toBe(wanted.length);
  got.forEach((at, i) => {
    expect(Math.abs(at - wanted[i]!), `${got}`).toBeLessThan(toleranceMs);
  });
}

describe('openIntake', () => {
  it.each([
    ['mono at 8 kHz', 'a.wav', beeps(3, 8000)],
    ['96 kHz', 'b.flac', beeps(3, 96_000)],
    ['5.1', 'c.mkv', [...beeps(3), '-ac', '6', '-c:a', 'ac3']],
    ['MP3', 'd.mp3', beeps(3)],
    ['Ogg Vorbis', 'e.ogg', beeps(3)],
    ['Opus in WebM', 'f.webm', [...beeps(3), '-c:a', 'libopus']],
    ['AAC in MP4 with a picture', 'g.mp4', [...picture(3), ...beeps(3), ...X264, '-c:a', 'aac']],
    ['PCM in AVI', 'h.avi', [...picture(3), ...beeps(3), '-c:a', 'pcm_s16le']],
    [
      'AAC in QuickTime with a variable frame rate',
      'i.mov',
      [...picture(3), ...beeps(3), '-vf', "select='not(mod(n,3))+lt(n,20)'", '-vsync', 'vfr', ...X264],
    ],
  ])('gives 48 kHz stereo in time: %s', async (_what, name, args) => {
    const { pcm, result } = await take(files.make(name, ...args));
    expectOnsets(pcm, seconds(1, 2));
    expect(result).toMatchObject({ truncated: false, warnings: [] });
    expect(Math.abs(result.endUs - 3e6)).toBeLessThan(60_000);
  });

  it('keeps step with a picture that begins before it in a transport stream', async () => {
    const beeping = files.make('beeping.mp4', ...picture(3), ...beeps(3), ...X264, '-c:a', 'aac');
    const later = ['-itsoffset', '0.4', '-i', beeping, '-map', '0:v', '-map', '1:a', '-c', 'copy'];
    const { pcm, result } = await take(files.make('later.ts', '-i', beeping, ...later));
    expect(result.warnings).toEqual([]);
    expectOnsets(pcm, seconds(1.4, 2.4), 50);
  });

  it('starts at 0 though timestamps start at 10 h or wrap on the way', async () => {
    for (const offset of ['36000', '95441']) {
      const file = files.make(
        `o${offset}.ts`,
        ...picture(5),
        ...beeps(5),
        ...X264,
        '-c:a',
        'aac',
        '-output_ts_offset',
        offset,
      );
      const { pcm } = await take(file);
      expectOnsets(pcm, seconds(1, 2, 3, 4), 30);
      expect(pcm.length / 48_000).toBeLessThan(5.2);
    }
  });

  it('goes on when timestamps jump back', async () => {
    const one = readFileSync(files.make('j1.ts', ...beeps(3), '-c:a', 'mp2', '-output_ts_offset', '100'));
    const two = readFileSync(files.make('j2.ts', ...beeps(3), '-c:a', 'mp2', '-output_ts_offset', '20'));
    writeFileSync(files.path('jump.ts'), Buffer.concat([one, two]));
    const { pcm, result } = await take(files.path('jump.ts'));
    expectOnsets(pcm, seconds(1, 2, 4, 5), 60);
    expect(result.truncated).toBe(false);
  });

  it('fills a hole in the sound with silence, so what follows stays in time', async () => {
    const file = files.make(
      'hole.mkv',
      ...picture(6),
      ...beeps(6),
      '-af',
      "aselect='not(between(t,2.2,3.7))'",
      ...X264,
      '-c:a',
      'flac',
    );
    expectOnsets((await take(file)).pcm, seconds(1, 2, 4, 5));
  });

  it('keeps the offset of sound that begins after the picture', async () => {
    const file = files.make(
      'late.mkv',
      ...picture(5),
      '-itsoffset',
      '2',
      ...beeps(3),
      '-map',
      '0:v',
      '-map',
      '1:a',
      ...X264,
      '-c:a',
      'flac',
    );
    expectOnsets((await take(file)).pcm, seconds(3, 4));
  });

  it('begins in the middle with the file’s own media time', async () => {
    const file = files.make('seek.mkv', ...picture(6), ...beeps(6), ...X264, '-c:a', 'flac');
    const intake = openIntake({ path: file, signal, startSeconds: 3.5 });
    let first: number | undefined;
    const parts: number[] = [];
    for await (const frame of intake) {
      first ??= frame.mediaTimeUs;
      parts.push(...frame.planes[0]!);
    }
    expect(first).toBe(3_500_000);
    expectOnsets(Float32Array.from(parts), seconds(0.5, 1.5));
  });

  it('takes the audio track asked for and names the ones there are', async () => {
    const silent = ['-f', 'lavfi', '-i', 'anullsrc=d=2'];
    const file = files.make('two.mkv', ...silent, ...beeps(2), '-map', '0', '-map', '1', '-c:a', 'flac');
    expectOnsets((await take(file)).pcm, []);
    expectOnsets((await take(file, { audioTrack: 1 })).pcm, seconds(1));
    await expect(take(file, { audioTrack: 2 })).rejects.toThrow(/has 2/u);
  });

  it('gives what a truncated file holds and says so', async () => {
    const whole = readFileSync(files.make('whole.mkv', ...beeps(10), '-c:a', 'flac'));
    writeFileSync(files.path('cut.mkv'), whole.subarray(0, whole.length / 2));
    const { pcm, result } = await take(files.path('cut.mkv'));
    expect(pcm.length).toBeGreaterThan(48_000 * 2);
    expect(result.truncated).toBe(true);
    expect(result.warnings[0]).toMatch(/ends early/u);
  });

  it('stops at the limit', async () => {
    const { pcm, result } = await take(files.make('long.wav', ...beeps(5)), { maxSeconds: 2 });
    expect(pcm.length).toBe(96_000);
    expect(result.warnings[0]).toMatch(/first 2.0 s/u);
  });

  it('leaves no process after an abort, an early end of the loop, or close', async () => {
    const file = files.make('endless.wav', '-f', 'lavfi', '-i', 'anullsrc=d=600');
    const abort = new AbortController();
    const aborted = openIntake({ path: file, signal: abort.signal });
    const reading = (async () => {
      for await (const frame of aborted) if (frame.mediaTimeUs === 1_000_000) abort.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    await expect(aborted.result).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });

    const left = openIntake({ path: file, signal });
    for await (const _ of left) break;
    const closed = openIntake({ path: file, signal });
    for await (const frame of closed) if (frame.mediaTimeUs === 1_000_000) closed.close();
    expect(running(file)).toEqual([]);
  });

  it('does not run ahead of its reader', async () => {
    const file = files.make('paced.wav', '-f', 'lavfi', '-i', 'anullsrc=d=600');
    const intake = openIntake({ path: file, signal });
    const frames = intake[Symbol.asyncIterator]();
    await frames.next();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const [line] = running(file);
    const pid = line!.trim().split(' ')[0]!;
    const written = Number(/wchar: (\d+)/u.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))![1]);
    expect(written).toBeLessThan(1 << 20);
    await frames.return?.(undefined);
    expect(running(file)).toEqual([]);
  });
});
