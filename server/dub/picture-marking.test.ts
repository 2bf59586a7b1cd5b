import { execFileSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import type { MarkDetection } from '../../pipeline/mark/finding.ts';
import { deriveMarkKey } from '../../pipeline/mark/mark-key.ts';
import { VideoMarkDetector } from '../../pipeline/mark/video/video-detector.ts';
import { MediaFixtures, X264 } from '../../pipeline/media/media-fixtures.ts';
import { ticksToUs } from '../../pipeline/media/nut.ts';
import { NutReader } from '../../pipeline/media/nut-reader.ts';
import { probeMedia } from '../../pipeline/media/probe.ts';
import { openRecording, type RecordingResult } from '../../pipeline/media/recorder.ts';
import { type PictureMarkingOptions, pictureMarking } from './picture-marking.ts';

const files = new MediaFixtures();
const signal = new AbortController().signal;
const key = await deriveMarkKey({ master: new Uint8Array(32).fill(5), issuer: 'test' });
const RENDITION = 0x8_7654_3210;
afterAll(() => files.remove());

/** A picture that moves everywhere, and sound of the same length. */
const film = (name: string, size: string, seconds: number, ...args: string[]) =>
  files.make(
    name,
    ...['-f', 'lavfi', '-i', `mandelbrot=s=${size}:r=25`, '-f', 'lavfi', '-i', `sine=d=${seconds}`],
    ...['-t', String(seconds), ...args, '-c:a', 'aac'],
  );

async function record(input: string, options: Partial<PictureMarkingOptions> = {}): Promise<RecordingResult> {
  const recording = await openRecording({
    outFile: files.path('out/film.mp4'),
    input: await probeMedia(input, { signal }),
    tracks: [],
    originalTitle: 'Original',
    pictureMarking: pictureMarking({
      always: true,
      issue: async () => ({ key, rendition: RENDITION }),
      onEnd: async () => {},
      signal,
      ...options,
    }),
    signal,
  });
  return recording.finish();
}

/** What the detector says of a file's picture after somebody else encoded it again. */
async function detect(file: string, ...filter: string[]): Promise<MarkDetection> {
  const copy = files.make('copy.mp4', '-i', file, '-an', ...filter, ...X264, '-crf', '28');
  const raw = ['-v', 'error', '-i', copy, '-pix_fmt', 'yuv420p', '-c:v', 'rawvideo', '-f', 'nut', '-'];
  const nut = execFileSync('ffmpeg', raw, { maxBuffer: 1 << 29 });
  const chunks = async function* () {
    yield nut;
  };
  const reader = (await NutReader.open(chunks()))!;
  const { widthPx: width, heightPx: height, timeBase } = reader.format;
  const detector = await VideoMarkDetector.create({ keys: [key] });
  for await (const { pts, bytes } of reader.pictures()) {
    const data = bytes.subarray(0, width * height);
    detector.push({ width, height, strideBytes: width, data }, ticksToUs(pts, timeBase));
  }
  return detector.finish();
}

describe('pictureMarking', () => {
  it('lets the picture of a file be named after it was encoded again', async () => {
    const ends: [number, number][] = [];
    const made = await record(film('plain.mp4', '640x360', 5, ...X264), {
      onEnd: async ({ rendition }, endUs) => void ends.push([rendition, endUs]),
    });
    expect(made).toMatchObject({ picture: 'marked', notes: [] });
    const { findings } = await detect(made.path);
    expect(findings[0]).toMatchObject({
      payload: { keyId: key.keyId, rendition: RENDITION, minute: 0 },
      how: 'read',
    });
    expect(ends).toEqual([[RENDITION, 4_960_000]]);
  });

  it('marks with the minute of the film, wherever its picture begins', async () => {
    const short = film('short.mkv', '640x360', 5, ...X264, '-an');
    const late = files.make(
      'late.mkv',
      ...['-itsoffset', '120', '-i', short, '-f', 'lavfi', '-i', 'sine=d=125'],
      ...['-c:v', 'copy', '-c:a', 'aac'],
    );
    const made = await record(late);
    expect(made.picture).toBe('marked');
    const { findings } = await detect(made.path, '-ss', '120');
    expect(findings[0]).toMatchObject({ payload: { rendition: RENDITION, minute: 2 } });
  });

  it('marks what has to be encoded again in any case, and issues nothing for what is kept', async () => {
    let issued = 0;
    const count = async () => {
      issued += 1;
      return { key, rendition: RENDITION };
    };
    const kept = await record(film('kept.mp4', '320x180', 1, ...X264), { always: false, issue: count });
    expect([kept.picture, issued]).toEqual(['passed-through', 0]);
    const old = await record(film('old.avi', '320x180', 1, '-c:v', 'mpeg4', '-q:v', '4'), {
      always: false,
      issue: count,
    });
    expect([old.picture, issued]).toEqual(['marked', 1]);
  });

  it('leaves pictures without a mark that cannot bear one, and says so', async () => {
    const made = await record(film('tiny.mp4', '64x48', 1, ...X264));
    expect(made.picture).toBe('re-encoded');
    expect(made.notes.join()).toMatch(/too small/u);
  });

  it('makes no file when a mark cannot be issued', async () => {
    const refused = async () => {
      throw new Error('ENOSPC: the registry cannot be written');
    };
    const making = record(film('refused.mp4', '320x180', 1, ...X264), { issue: refused });
    await expect(making).rejects.toMatchObject({ code: 'LIVEDUB_E_OUTPUT_DISK_FULL' });
  });
});
