import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AudioFrame } from '../frames.ts';
import { DUBBED_FILE_SOURCE_TYPE } from './disclosure.ts';
import { beeps, MediaFixtures, onsetsMs, picture, X264 } from './media-fixtures.ts';
import { probeMedia } from './probe.ts';
import { openRecording, type RecordingOptions } from './recorder.ts';

const files = new MediaFixtures();
const signal = new AbortController().signal;
afterAll(() => files.remove());

/** Frames of 20 ms: a 600 Hz tone of 60 ms at each of the given times. */
function* dub(seconds: number, atMs: readonly number[], channels = 1): Generator<AudioFrame> {
  for (let start = 0; start < seconds * 48_000; start += 960) {
    const plane = Float32Array.from({ length: 960 }, (_, i) => {
      const now = (start + i) / 48;
      return atMs.some((at) => now >= at && now < at + 60) ? 0.6 * Math.sin(2 * Math.PI * 0.6 * now) : 0;
    });
    const planes = Array.from({ length: channels }, () => plane);
    yield { kind: 'audio', mediaTimeUs: Math.round((start * 1e6) / 48_000), sampleRateHz: 48_000, planes };
  }
}

async function options(input: string, outFile: string): Promise<RecordingOptions> {
  return {
    outFile,
    input: await probeMedia(input, { signal }),
    tracks: [
      { language: 'es', title: 'Español (AI dub)' },
      { language: 'fr', title: 'Français' },
    ],
    originalTitle: 'English (original)',
    originalLanguage: 'en',
    signal,
  };
}

const hidden = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('.livedub'));
const film = files.make('film.mp4', ...picture(6), ...beeps(6), ...X264, '-bf', '2', '-c:a', 'aac');

async function record(made: RecordingOptions, partial = false) {
  const recording = await openRecording(made);
  for (const frame of dub(5, [500, 1500, 4000])) await recording.tracks[0]!.write(frame);
  for (const frame of dub(5, [2250], 2)) await recording.tracks[1]!.write(frame);
  return recording.finish({ partial });
}

describe('openRecording', () => {
  it('makes an MP4 with the picture as it was and one labelled track a language', async () => {
    const outFile = files.path('out/film.mp4');
    const result = await record(await options(film, outFile));
    expect(result).toMatchObject({
      path: outFile,
      partial: false,
      pictureReencoded: false,
      notes: [],
      dubbedUs: 5_000_000,
    });
    const { streams, format } = files.probe(outFile);
    expect(streams.map((s) => s.codec_name)).toEqual(['h264', 'aac', 'aac', 'aac']);
    const tags = streams.slice(1).map((s) => s.tags as Record<string, string>);
    expect(tags.map((t) => t.language)).toEqual(['eng', 'spa', 'fra']);
    expect(tags.map((t) => t.handler_name)).toEqual([
      'English (original)',
      'Español (AI dub)',
      'Français (AI dub)',
    ]);
    expect(streams.slice(1).map((s) => (s.disposition as Record<string, number>).default)).toEqual([1, 0, 0]);
    const fileTags = format.tags as Record<string, string>;
    expect(fileTags.comment).toMatch(/synthetic speech/u);
    expect(fileTags.description).toContain('With AI dubs: Español (AI dub), Français (AI dub).');
    for (const tag of [fileTags.description, fileTags.keywords])
      expect(tag).toContain(DUBBED_FILE_SOURCE_TYPE);
    expect(streams.slice(1).map((s) => (s.disposition as Record<string, number>).dub)).toEqual([0, 1, 1]);
    const xmp = execFileSync('ffprobe', [
      ...[
        '-v',
        'error',
        '-export_xmp',
        '1',
        '-show_entries',
        'format_tags=xmp',
        '-of',
        'default=nw=1',
        outFile,
      ],
    ]).toString();
    expect(xmp).toContain(`<Iptc4xmpExt:DigitalSourceType>${DUBBED_FILE_SOURCE_TYPE}<`);
    const bytes = readFileSync(outFile);
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
    expect(hidden(path.dirname(outFile))).toEqual([]);
    const packets = (file: string) =>
      execFileSync('ffmpeg', [
        '-v',
        'error',
        '-i',
        file,
        '-map',
        '0:v',
        '-c',
        'copy',
        '-f',
        'md5',
        '-',
      ]).toString();
    expect(packets(outFile)).toBe(packets(film));
  });

  it.each([
    ['MP4', film, 0],
    ['Matroska', files.make('film.mkv', '-i', film, '-c', 'copy'), 22],
    [
      'MPEG-TS that begins at 10 h',
      files.make('film.ts', '-i', film, '-c', 'copy', '-output_ts_offset', '36000'),
      22,
    ],
    [
      'AVI with MPEG-4',
      files.make('film.avi', '-i', film, '-c:v', 'mpeg4', '-bf', '0', '-c:a', 'pcm_s16le'),
      0,
    ],
    ['sound only', files.make('sound.mp3', ...beeps(6)), 0],
  ])('keeps dub and original in time: %s', async (_what, input, shiftMs) => {
    const outFile = files.path('sync.mp4');
    await record(await options(input, outFile));
    const spread = (got: number[], wanted: number[]) => {
      expect(got.length, String(got)).toBe(wanted.length);
      return Math.max(...got.map((at, i) => Math.abs(at - wanted[i]!)));
    };
    expect(spread(onsetsMs(files.decode(outFile, 1)), [500, 1500, 4000])).toBeLessThan(10);
    expect(spread(onsetsMs(files.decode(outFile, 2)), [2250])).toBeLessThan(10);
    // The container starts at the first packet, which in these is the priming of the original AAC.
    const original = [1000, 2000, 3000, 4000, 5000].map((at) => at + shiftMs);
    expect(spread(onsetsMs(files.decode(outFile, 0)), original)).toBeLessThan(10);
  });

  it('encodes a picture that MP4 cannot carry again, and says so', async () => {
    const input = files.make('old.mpg', ...picture(2), ...beeps(2), '-c:v', 'mpeg2video', '-c:a', 'mp2');
    const result = await record(await options(input, files.path('old.mp4')));
    expect(result.pictureReencoded).toBe(true);
    expect(result.notes[0]).toMatch(/mpeg2video.*H\.264/u);
    expect(files.probe(result.path).streams.map((s) => s.codec_name)).toEqual(['h264', 'aac', 'aac', 'aac']);
  });

  it('keeps a partial result, cut and labelled', async () => {
    const input = files.make('longer.mp4', ...picture(20), ...beeps(20), ...X264, '-g', '25', '-c:a', 'aac');
    const result = await record(await options(input, files.path('partial.mp4')), true);
    expect(result.partial).toBe(true);
    const { streams, format } = files.probe(result.path);
    expect(Math.abs(Number(format.duration) - 5)).toBeLessThan(0.2);
    expect((streams[2]!.tags as Record<string, string>).handler_name).toBe('Español (AI dub) (partial)');
    expect((format.tags as Record<string, string>).comment).toMatch(/Partial result: stopped after 5.0 s/u);
  });

  it('fills gaps with silence and cuts overlaps', async () => {
    const recording = await openRecording({
      ...(await options(film, files.path('gaps.mp4'))),
      tracks: [{ language: 'es', title: 'Español' }],
    });
    const tone = new Float32Array(2880).map((_, i) => 0.6 * Math.sin(i / 10));
    const at = (mediaTimeUs: number): AudioFrame => ({
      kind: 'audio',
      mediaTimeUs,
      sampleRateHz: 48_000,
      planes: [tone],
    });
    for (const us of [1_000_000, 1_030_000, 4_000_000]) await recording.tracks[0]!.write(at(us));
    expect(recording.tracks[0]!.endUs).toBe(4_060_000);
    const { path: made } = await recording.finish();
    const got = onsetsMs(files.decode(made, 1));
    expect(got.map((ms) => Math.round(ms / 20) * 20)).toEqual([1000, 4000]);
  });

  it('removes its files on abort and on close, and can be closed twice', async () => {
    const outFile = files.path('gone/film.mp4');
    const abort = new AbortController();
    const one = await openRecording({ ...(await options(film, outFile)), signal: abort.signal });
    for (const frame of dub(3, [100])) await one.tracks[0]!.write(frame);
    abort.abort();
    await expect(one.finish()).rejects.toMatchObject({ code: expect.stringMatching(/ABORTED|CLOSED/u) });
    await one.close();
    const two = await openRecording(await options(film, outFile));
    for (const frame of dub(3, [100])) await two.tracks[0]!.write(frame);
    await two.close();
    await two.close();
    expect(readdirSync(path.dirname(outFile))).toEqual([]);
  });

  it('removes what a killed run left, but not what a living one needs', async () => {
    const folder = files.path('shared');
    const living = await openRecording(await options(film, path.join(folder, 'a.mp4')));
    const gone = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => gone.once('exit', resolve));
    mkdirSync(path.join(folder, '.livedub-recording-dead'));
    const owner = { host: os.hostname(), pid: gone.pid, started: '12345' };
    writeFileSync(path.join(folder, '.livedub-recording-dead', 'owner.json'), JSON.stringify(owner));
    writeFileSync(path.join(folder, '.livedub-recording-dead', 'track-0.aac'), 'x');
    const next = await openRecording(await options(film, path.join(folder, 'b.mp4')));
    expect(hidden(folder).length).toBe(2);
    expect(hidden(folder)).not.toContain('.livedub-recording-dead');
    await Promise.all([living.close(), next.close()]);
    expect(hidden(folder)).toEqual([]);
  });

  it('says when the output cannot be written', async () => {
    writeFileSync(files.path('plain'), 'x');
    mkdirSync(files.path('taken.mp4'));
    const code = async (made: RecordingOptions) =>
      openRecording(made).then(
        () => 'opened',
        (error) => error.code as string,
      );
    expect(await code(await options(film, files.path('plain/film.mp4')))).toBe(
      'LIVEDUB_E_OUTPUT_NOT_WRITABLE',
    );
    expect(await code(await options(film, files.path('taken.mp4')))).toBe('LIVEDUB_E_OUTPUT_NOT_WRITABLE');
    expect(await code(await options(film, film))).toBe('LIVEDUB_E_OUTPUT_NOT_WRITABLE');
    expect(await code(await options(film, '/proc/film.mp4'))).toBe('LIVEDUB_E_OUTPUT_NOT_WRITABLE');
  });

  it('says when the disk is full, in the spool and in the last step', async (context) => {
    const disk = files.path('disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      context.skip();
    }
    try {
      const noisy = function* (seconds: number): Generator<AudioFrame> {
        for (const frame of dub(seconds, []))
          yield { ...frame, planes: [frame.planes[0]!.map((_, i) => Math.sin(i * i + frame.mediaTimeUs))] };
      };
      const run = async (seconds: number) => {
        const recording = await openRecording(await options(film, path.join(disk, 'film.mp4')));
        try {
          for (const frame of noisy(seconds)) await recording.tracks[0]!.write(frame);
          await recording.finish();
        } finally {
          await recording.close();
        }
      };
      await expect(run(60)).rejects.toMatchObject({ code: 'LIVEDUB_E_OUTPUT_DISK_FULL' });
      await expect(run(6)).rejects.toMatchObject({ code: 'LIVEDUB_E_OUTPUT_DISK_FULL' });
      expect(readdirSync(disk)).toEqual([]);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
