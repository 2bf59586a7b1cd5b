import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MarkRegistry } from '../pipeline/ports/mark-registry.ts';
import { type DubResult, dubFile } from '../server/dub/dub-file.ts';
import { Marker } from '../server/marks/marker.ts';
import { englishClip, measureTrack, probeStreams, run } from './support/clips.ts';
import { MarkReader } from './support/marks.ts';
import { soundOf } from './support/sound-compare.ts';

/** Real speech through the whole path: FFmpeg, mediasoup, the installed engines, and judged by FFmpeg's own tools. */
describe('dubFile', () => {
  let folder: string;
  let input: string;
  let result: DubResult;
  let marker: Marker;

  const dub = (outDir: string, by = marker) =>
    dubFile({
      input,
      marker: by,
      outDir,
      to: ['es', 'fr'],
      from: 'en',
      mode: 'synced',
      bed: 'duck',
      signal: new AbortController().signal,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-dub-'));
    input = await englishClip(folder);
    marker = await Marker.open({ dataDir: folder, env: {} });
    result = await dub(join(folder, 'first'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('writes picture, original sound and one labelled AAC track a language', async () => {
    const streams = await probeStreams(result.outFile);
    expect(
      streams.map((s) => [
        s.codec_type,
        s.codec_type === 'audio' ? s.codec_name : '',
        s.codec_type === 'audio' ? s.tags?.language : '',
      ]),
    ).toEqual([
      ['video', '', ''],
      ['audio', 'aac', 'eng'],
      ['audio', 'aac', 'spa'],
      ['audio', 'aac', 'fra'],
    ]);
    const [, original, ...dubs] = streams;
    for (const track of dubs)
      expect(Number(track.duration)).toBeGreaterThanOrEqual(Number(original!.duration) - 0.1);
  });

  it('keeps the picture as it was where MP4 can carry it', async () => {
    const md5 = async (file: string) =>
      (await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:v', '-c', 'copy', '-f', 'streamhash', '-']))
        .stdout;
    expect(await md5(result.outFile)).toBe(await md5(input));
  });

  it('comes out at −16 ± 1 LUFS with true peaks of at most −1 dBTP', async () => {
    for (const track of [1, 2]) {
      const { lufs, truePeakDb } = await measureTrack(result.outFile, track);
      expect(Math.abs(lufs + 16)).toBeLessThanOrEqual(1);
      expect(truePeakDb).toBeLessThanOrEqual(-1);
    }
  });

  it('has in every dubbed track a mark that names it, as the report does, and none in the original', async () => {
    const reader = await MarkReader.open(folder);
    const sound = (track: number) => soundOf(result.outFile, track, join(folder, `${track}.f32`));
    for (const [i, { language, mark }] of result.tracks.entries()) {
      const found = await reader.read(await sound(i + 1));
      expect(found.length).toBeGreaterThan(0);
      for (const { track, issued } of found) {
        expect(track).toBe(`mix ${language} synced`);
        expect(issued!.rendition.toString(16).padStart(9, '0')).toBe(mark.rendition);
        expect(issued).toMatchObject({ source: 'file', minutes: 1, channel: { isPublic: false } });
        expect(issued!.channel.title).toBe(basename(input));
      }
      expect(result.report.languages[i]).toMatchObject({ language, mark });
    }
    expect(await reader.read(await sound(0))).toEqual([]);
    expect(result.report.picture).toBe('passed-through');
  });

  it('reports every clause with its dub, placed in time and never two at once', () => {
    const { report } = result;
    expect(report.clauses.length).toBeGreaterThan(0);
    for (const language of ['es', 'fr']) {
      let endMs = Number.NEGATIVE_INFINITY;
      let roomMs = Number.NEGATIVE_INFINITY;
      for (const clause of report.clauses) {
        const spoken = clause.dubs.find((d) => d.language === language)!;
        expect(spoken.outcome).toBe('spoken');
        expect(spoken.text).not.toBe('');
        expect(spoken.startMs!).toBeGreaterThanOrEqual(endMs);
        if (roomMs <= clause.startMs)
          expect(Math.abs(spoken.startMs! - clause.startMs)).toBeLessThanOrEqual(150);
        expect(spoken.rate!).toBeLessThanOrEqual(1.25);
        endMs = spoken.endMs!;
        roomMs = endMs + 100;
      }
    }
  });

  it('writes captions for the source and every language', async () => {
    expect(result.captions.map((c) => c.language)).toEqual(['en', 'es', 'fr']);
    for (const { vtt, srt } of result.captions) {
      expect(await readFile(vtt, 'utf8')).toMatch(/^WEBVTT[\s\S]*\d\d:\d\d:\d\d\.\d{3} --> /);
      expect(await readFile(srt, 'utf8')).toMatch(/^1\r?\n\d\d:\d\d:\d\d,\d{3} --> /);
    }
  });

  it('leaves no temporary file and no clause log behind', async () => {
    const names = (await readdir(join(folder, 'first'))).map((name) => name.replace(/^[^.]*\./, ''));
    expect(names.sort()).toEqual([
      'dubbed.mp4',
      'en.srt',
      'en.vtt',
      'es.srt',
      'es.vtt',
      'fr.srt',
      'fr.vtt',
      'report.json',
    ]);
  });

  it('gives the same dub twice with the same mark: equal samples and equal captions', async () => {
    const given = result.tracks.map(({ mark }) => Number.parseInt(mark.rendition, 16));
    const second = await dub(
      join(folder, 'second'),
      new Marker({ key: marker.key, registry: giving(given) }),
    );
    const samples = async (file: string) =>
      createHash('sha256')
        .update(
          (
            await run('ffmpeg', [
              '-v',
              'error',
              '-i',
              file,
              '-map',
              '0:a:1',
              '-map',
              '0:a:2',
              '-f',
              'streamhash',
              '-c:a',
              'pcm_s16le',
              '-',
            ])
          ).stdout,
        )
        .digest('hex');
    expect(await samples(second.outFile)).toBe(await samples(result.outFile));
    for (const [i, { vtt, srt }] of second.captions.entries()) {
      expect(await readFile(vtt, 'utf8')).toBe(await readFile(result.captions[i]!.vtt, 'utf8'));
      expect(await readFile(srt, 'utf8')).toBe(await readFile(result.captions[i]!.srt, 'utf8'));
    }
  });
});

/** Issues these renditions, whatever they were issued for before. */
function giving(renditions: readonly number[]): MarkRegistry {
  const left = [...renditions];
  return {
    issue: async (request) => ({
      ...request,
      rendition: left.shift()!,
      issuedAt: request.startedAt,
    }),
    end: async () => undefined,
    find: async () => undefined,
    list: async () => [],
    close: async () => undefined,
  };
}
