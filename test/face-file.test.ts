import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MarkRegistryFile } from '../db/mark-registry-file.ts';
import type { SpeechUpdate } from '../pipeline/face/dubbed-speech.ts';
import { probeMedia } from '../pipeline/media/probe.ts';
import { TEST_MARK } from '../pipeline/ports/fakes.ts';
import { type DubFileOptions, type DubResult, dubFile } from '../server/dub/dub-file.ts';
import { FacePath, type MadeFaces } from '../server/dub/face-path.ts';
import { FaceThread } from '../server/face/face-thread-client.ts';
import { Marker } from '../server/marks/marker.ts';
import { probeStreams, run, sharedFile, synthesisedSpeech } from './support/clips.ts';

const signal = new AbortController().signal;
const speaker = sharedFile('video/grid/bbaf2n.mpg');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'livedub-face-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const ffmpeg = (...args: string[]) =>
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...args], { maxBuffer: 2 ** 28 });

/** A voice that opens and closes the mouth all the time, told as a replay tells it. */
function* babble(seconds: number): Generator<SpeechUpdate> {
  const endUs = seconds * 1e6;
  yield { kind: 'dubbed-span', startUs: 0, endUs };
  const sounds = ['m', 'a', 'b', 'o', 'm', 'e', 'p', 'a'];
  const phonemes = Array.from({ length: seconds * 8 }, (_, i) => ({
    ...{ phoneme: sounds[i % sounds.length]!, startUs: i * 125_000 },
  }));
  yield { kind: 'utterance', startUs: 0, endUs, phonemes, pcm: new Float32Array(48_000 * seconds) };
  yield { kind: 'known', untilUs: Number.POSITIVE_INFINITY };
}

async function makeFaces(
  file: string,
  options: { explain?: boolean; during?: (path: FacePath) => Promise<void> } = {},
): Promise<{ made: MadeFaces | undefined; notes: readonly string[] }> {
  const path = await FacePath.open({
    ...{ media: await probeMedia(file, { signal, soundOptional: true }), folder, signal },
    ...{ explain: options.explain ?? false, onProgress: () => undefined },
    renditions: [{ language: 'es', mark: TEST_MARK }],
  });
  try {
    if (options.during) await options.during(path);
    else for (const update of babble(3)) path.speech('es', update);
    const made = await path.end({ stop: signal });
    return { made, notes: path.notes };
  } finally {
    await path.close();
  }
}

/** Times of the pictures in a file, ms. */
function timesMs(file: string): number[] {
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    'packet=pts_time',
    '-of',
    'csv=p=0',
  ];
  return execFileSync('ffprobe', [...args, file])
    .toString()
    .split('\n')
    .map(Number.parseFloat)
    .filter(Number.isFinite)
    .map((s) => Math.round(s * 1000))
    .sort((a, b) => a - b);
}

const luma = (file: string, ...args: string[]) =>
  ffmpeg('-i', file, ...args, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'gray', '-');

describe('Faces of a file', () => {
  const odd: [string, string[], [number, number]][] = [
    ['odd sizes', ['-vf', 'scale=333:217', '-pix_fmt', 'yuv444p'], [334, 218]],
    ['16 × 16', ['-vf', 'scale=16:16', '-pix_fmt', 'yuv420p'], [16, 16]],
    ['10 bits', ['-pix_fmt', 'yuv420p10le'], [320, 240]],
    [
      'variable times, missing and frozen pictures',
      ['-vf', "select='not(between(n,8,17))',setpts='PTS+0.011/TB*mod(N,2)'", '-fps_mode', 'passthrough'],
      [320, 240],
    ],
  ];

  it.each(odd)(
    'takes %s: every picture comes out at its time, as filmed without a face',
    async (what, args, size) => {
      const file = join(folder, `${what.replaceAll(' ', '-')}.mp4`);
      ffmpeg(
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=320x240:r=25:d=1.2',
        ...args,
        '-c:v',
        'libx264',
        '-bf',
        '0',
        file,
      );
      const { made, notes } = await makeFaces(file);
      expect(notes).toEqual([]);
      const [{ pictureFile, figures }] = made!.renditions as [MadeFaces['renditions'][0]];
      const [video] = await probeStreams(pictureFile);
      expect([video!.width, video!.height]).toEqual(size);
      const times = timesMs(file);
      const timesMade = timesMs(pictureFile);
      expect(timesMade.length).toBe(times.length);
      for (const [i, time] of timesMade.entries()) expect(Math.abs(time - times[i]!)).toBeLessThanOrEqual(2);
      expect(figures).toMatchObject({ pictures: times.length, spokenPictures: 0, isMarked: size[0] > 16 });
      expect(figures.guards['no-face']).toBeGreaterThan(times.length * 0.8);
      if (size[0] !== 320) return;
      const [before, after] = [luma(file), luma(pictureFile)];
      const error = before.reduce((sum, value, i) => sum + Math.abs(value - after[i]!), 0) / before.length;
      expect(error).toBeLessThan(5);
    },
  );

  it('turns what is stored sideways upright, and goes on when its thread ends', async () => {
    const plain = join(folder, 'plain.mp4');
    const file = join(folder, 'turned.mp4');
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25:d=2', '-c:v', 'libx264', plain);
    ffmpeg('-i', plain, '-c', 'copy', '-metadata:s:v', 'rotate=90', file);
    const opened: FaceThread[] = [];
    const open = FaceThread.open;
    FaceThread.open = async (options) => {
      const thread = await open(options);
      opened.push(thread);
      return thread;
    };
    try {
      const { made, notes } = await makeFaces(file, {
        during: async (path) => {
          path.speech('es', { kind: 'known', untilUs: 2_300_000 });
          // Pictures up to 0.8 s are on their way then.
          await new Promise((resolve) => setTimeout(resolve, 1500));
          await opened[0]!.close();
          for (const update of babble(3)) path.speech('es', update);
        },
      });
      expect(opened).toHaveLength(2);
      expect(notes.join()).toMatch(/as filmed for a moment/);
      const { pictureFile, figures } = made!.renditions[0]!;
      const [video] = await probeStreams(pictureFile);
      expect([video!.width, video!.height]).toEqual([240, 320]);
      expect(timesMs(pictureFile)).toEqual(timesMs(file));
      expect(figures.pictures).toBe(50);
      expect(figures.guards.failed).toBeGreaterThan(0);
      expect(figures.guards['no-face']).toBeGreaterThan(10);
      expect(figures.isMarked).toBe(true);
    } finally {
      FaceThread.open = open;
    }
  });

  it('waits for what is said, and keeps the sound near', async () => {
    const file = join(folder, 'long.mp4');
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=32x32:r=10:d=4', '-c:v', 'libx264', file);
    await makeFaces(file, {
      during: async (path) => {
        path.speech('es', { kind: 'known', untilUs: 3_000_000 });
        let isThere = false;
        const room = path.room(63_000_000).then(() => (isThere = true));
        await path.room(50_000_000);
        await new Promise((resolve) => setTimeout(resolve, 500));
        // The picture stands at 1.5 s.
        expect(isThere).toBe(false);
        path.speech('es', { kind: 'known', untilUs: Number.POSITIVE_INFINITY });
        await room;
      },
    });
  });

  it('says what it could not read', async () => {
    const file = join(folder, 'broken.mp4');
    ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=320x240:r=25:d=1',
      '-c:v',
      'libx264',
      '-movflags',
      '+faststart',
      file,
    );
    const media = await probeMedia(file, { signal, soundOptional: true });
    const path = await FacePath.open({
      ...{ media: { ...media, path: join(folder, 'gone.mp4') }, folder, signal, explain: false },
      ...{ onProgress: () => undefined, renditions: [{ language: 'es', mark: TEST_MARK }] },
    });
    await path.room(900_000_000);
    expect(await path.end({ stop: signal })).toBeUndefined();
    expect(path.notes.join()).toMatch(/No faces were moved: .*cannot be read/);
    await path.close();
  });

  it.skipIf(!speaker)('moves the lips of somebody who is filmed, and shows how', async () => {
    const { made } = await makeFaces(speaker!, { explain: true });
    const { pictureFile, explainFile, figures } = made!.renditions[0]!;
    expect(figures.pictures).toBe(75);
    expect(figures.spokenPictures).toBeGreaterThan(60);
    const [shown] = await probeStreams(explainFile!);
    expect([shown!.width, shown!.height]).toEqual([720, 576]);
    expect(timesMs(explainFile!)).toEqual(timesMs(pictureFile));
    // The mouth differs from what was filmed, the forehead does not.
    const difference = (crop: string) => {
      const [before, after] = [luma(speaker!, '-vf', crop), luma(pictureFile, '-vf', crop)];
      return after.reduce((sum, value, i) => sum + Math.abs(value - before[i]!), 0) / after.length;
    };
    expect(difference('crop=40:30:136:190')).toBeGreaterThan(1.5 * difference('crop=60:20:126:110'));
  });
});

describe('dubFile with faces', () => {
  let result: DubResult;
  let options: DubFileOptions;

  beforeAll(async () => {
    const wav = await synthesisedSpeech({
      folder,
      language: 'en',
      texts: ['The river is cold, but the sun is warm.'],
    });
    const input = join(folder, 'pattern.mp4');
    ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=320x240:r=12.5',
      '-i',
      wav,
      '-shortest',
      '-pix_fmt',
      'yuv420p',
      input,
    );
    const marker = await Marker.open({ dataDir: folder, env: {} });
    options = {
      ...{ input, marker, outDir: join(folder, 'out'), to: ['es', 'fr'], from: 'en', signal },
      ...{ mode: 'synced', bed: 'duck', faces: true },
    };
    result = await dubFile(options);
  }, 60_000);

  it('leaves the file as it is without, and puts one beside it for each language, in time and labelled', async () => {
    expect(result.picture).toBe('passed-through');
    expect(result.faces.map(({ language }) => language)).toEqual(['es', 'fr']);
    for (const [i, { file, explainFile }] of result.faces.entries()) {
      expect(explainFile).toBeUndefined();
      const streams = await probeStreams(file);
      expect(streams.map(({ codec_name }) => codec_name)).toEqual(['h264', 'aac']);
      expect(streams[1]!.tags?.language).toBe(['spa', 'fra'][i]);
      expect(timesMs(file).length).toBe(timesMs(options.input).length);
      // The sound is the dubbed track of the main file, packet by packet.
      const md5 = async (from: string, map: string) =>
        (await run('ffmpeg', ['-v', 'error', '-i', from, '-map', map, '-c', 'copy', '-f', 'streamhash', '-']))
          .stdout;
      expect(await md5(file, '0:a:0')).toBe(await md5(result.outFile, `0:a:${i + 1}`));
      expect(readFileSync(file).includes('compositeWithTrainedAlgorithmicMedia')).toBe(true);
      expect(readFileSync(file).includes('lips of people')).toBe(true);
    }
  });

  it('reports what became of the pictures', async () => {
    const registry = await MarkRegistryFile.open({ folder: join(folder, 'marks') });
    for (const { face, language, mark } of result.report.languages) {
      expect(face).toMatchObject({ spokenPictures: 0, canvas: 'cpu', engine: 'mouth-bank' });
      expect(face!.guards['no-face']).toBeGreaterThan(0);
      expect(face!.pictures).toBe(timesMs(options.input).length);
      expect(face!.mark!.rendition).not.toBe(mark.rendition);
      expect(face!.ms.track).toBeGreaterThan(0);
      // Who verifies it is told that lips were moved.
      const { keyId, rendition } = face!.mark!;
      const issued = await registry.find(keyId, Number.parseInt(rendition, 16));
      expect(issued).toMatchObject({ language, kind: 'face' });
    }
    await registry.close();
  });

  it('goes on without where there is no picture, and is refused for interpreting', async () => {
    await expect(dubFile({ ...options, mode: 'interpret' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_BAD_REQUEST',
    });
    const input = join(folder, 'sound.m4a');
    ffmpeg('-i', options.input, '-vn', input);
    const heard = await dubFile({ ...options, input, to: ['es'] });
    expect(heard.faces).toEqual([]);
    expect(heard.warnings.join()).toMatch(/no picture/);
  });
});
