import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { AudioFrame } from '../frames.ts';
import type { LumaPicture, PictureMarking } from '../ports/picture-marker.ts';
import { beeps, MediaFixtures, picture, X264 } from './media-fixtures.ts';
import { PictureSpool } from './picture-spool.ts';
import { probeMedia } from './probe.ts';
import { openRecording } from './recorder.ts';

const files = new MediaFixtures();
const signal = new AbortController().signal;
afterAll(() => files.remove());

/** A mark that every eye sees: a bright field in the upper left corner. */
class Field implements PictureMarking {
  readonly always: boolean;
  readonly seen: { mediaTimeUs: number; widthPx: number; heightPx: number }[] = [];
  closed = 0;
  size: { widthPx: number; heightPx: number } | undefined;

  constructor(always = true) {
    this.always = always;
  }

  async open(size: { widthPx: number; heightPx: number }) {
    this.size = size;
    return { mark: (luma: LumaPicture) => this.#mark(luma), close: () => this.#close() };
  }

  #close(): void {
    this.closed += 1;
  }

  #mark({ luma, widthPx, heightPx, strideBytes, mediaTimeUs }: LumaPicture): void {
    this.seen.push({ mediaTimeUs, widthPx, heightPx });
    for (let y = 0; y < 16; y += 1) luma.fill(235, y * strideBytes, y * strideBytes + 16);
  }
}

/** Takes its time, so that there is something to stop. */
class Slow implements PictureMarking {
  readonly always = true;

  async open() {
    return { mark: () => new Promise<void>((resolve) => setTimeout(resolve, 20)), close: () => {} };
  }
}

const spool = async (input: string, marking: PictureMarking, abort = signal) =>
  new PictureSpool({
    input: await probeMedia(input, { signal }),
    file: files.path('spooled.mp4'),
    marking,
    signal: abort,
  });

/** Times of a file's pictures, ms, in the order in which they are shown. */
function timesMs(file: string, ...args: string[]): number[] {
  const all = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    ...args,
    '-show_entries',
    'packet=pts_time',
    '-of',
    'csv=p=0',
    file,
  ];
  const times = execFileSync('ffprobe', all).toString().split('\n').map(Number.parseFloat);
  return times
    .filter(Number.isFinite)
    .map((s) => Math.round(s * 1000))
    .sort((a, b) => a - b);
}

/** Luma of one picture of a file, as it is shown. */
function lumaAt(file: string, number: number): Buffer {
  const one = ['-vf', `select=eq(n\\,${number}),format=gray`, '-frames:v', '1', '-f', 'rawvideo', '-'];
  return execFileSync('ffmpeg', ['-v', 'error', '-i', file, ...one], { maxBuffer: 1 << 26 });
}

const sound = (seconds: number): AudioFrame => ({
  kind: 'audio',
  mediaTimeUs: 0,
  sampleRateHz: 48_000,
  planes: [new Float32Array(seconds * 48_000).fill(0.1)],
});

async function record(
  input: string,
  marking: PictureMarking,
  more: { seconds?: number; partial?: boolean; stop?: AbortSignal } = {},
) {
  const outFile = files.path('recorded.mp4');
  const recording = await openRecording({
    outFile,
    input: await probeMedia(input, { signal }),
    tracks: [{ language: 'es', title: 'Español' }],
    originalTitle: 'English (original)',
    pictureMarking: marking,
    signal,
  });
  await recording.tracks[0]!.write(sound(more.seconds ?? 2));
  return recording.finish({
    ...(more.partial ? { partial: true } : {}),
    ...(more.stop ? { stop: more.stop } : {}),
  });
}

describe('PictureSpool', () => {
  it('marks every picture, and shows each at its own time', async () => {
    // Times that follow no rate: what a telephone makes.
    const uneven = "setpts='(N*40+mod(N*N,7)*5)/1000/TB'";
    const input = files.make(
      'uneven.mkv',
      ...picture(2),
      '-vf',
      uneven,
      '-fps_mode',
      'passthrough',
      ...X264,
      '-bf',
      '2',

      '-f',
      'matroska',
    );
    const withSound = files.make('uneven-sound.mkv', '-i', input, ...beeps(2), '-c:v', 'copy', '-c:a', 'aac');
    const marking = new Field();
    const made = await (await spool(withSound, marking)).end();
    expect(made).toMatchObject({ isMarked: true, isCut: false });
    const wanted = timesMs(withSound);
    expect(wanted.length).toBe(50);
    // The container begins with the priming of its sound.
    const startMs = (await probeMedia(withSound, { signal })).startUs / 1000;
    expect(timesMs(made.file)).toEqual(wanted.map((ms) => ms - startMs));
    expect(marking.seen.map(({ mediaTimeUs }) => Math.round(mediaTimeUs / 1000))).toEqual(
      wanted.map((ms) => ms - startMs),
    );
    expect(marking.closed).toBe(1);
    const luma = lumaAt(made.file, 30);
    expect(luma[5 * 160 + 5]).toBeGreaterThan(225);
  });

  it.each([
    ['odd sizes', ['-vf', 'scale=161:121,format=yuv444p'], { widthPx: 162, heightPx: 122 }],
    ['10 bits', ['-vf', 'format=yuv420p10le'], { widthPx: 160, heightPx: 120 }],
  ])('takes %s', async (_what, args, size) => {
    const input = files.make('odd.mkv', ...picture(1), ...beeps(1), ...args, ...X264, '-c:a', 'aac');
    const marking = new Field();
    const made = await (await spool(input, marking)).end();
    expect(marking.size).toMatchObject(size);
    expect(timesMs(made.file).length).toBe(25);
  });

  it('keeps step with a sound that begins before it in a transport stream', async () => {
    const plain = files.make('in-step.mp4', ...picture(1), ...beeps(1), ...X264, '-bf', '0', '-c:a', 'aac');
    const later = ['-itsoffset', '0.4', '-i', plain, '-map', '1:v', '-map', '0:a', '-c', 'copy'];
    const input = files.make('later.ts', '-i', plain, ...later);
    const startMs = (await probeMedia(input, { signal })).startUs / 1000;
    const made = await (await spool(input, new Field())).end();
    const [firstMs] = timesMs(input);
    expect(Math.abs(timesMs(made.file)[0]! - (firstMs! - startMs))).toBeLessThan(2);
    expect(firstMs! - startMs).toBeGreaterThan(350);
  });

  it('keeps its size when that of the input changes', async () => {
    const part = (name: string, size: string) =>
      files.make(
        name,
        ...picture(1),
        ...beeps(1),
        '-vf',
        `scale=${size}`,
        ...X264,
        '-c:a',
        'aac',
        '-f',
        'mpegts',
      );
    const input = files.path('changing.ts');
    writeFileSync(
      input,
      Buffer.concat([part('a.ts', '160:120'), part('b.ts', '96:120')].map((file) => readFileSync(file))),
    );
    const marking = new Field();
    const made = await (await spool(input, marking)).end();
    expect(marking.seen.length).toBeGreaterThan(40);
    expect(new Set(marking.seen.map(({ widthPx }) => widthPx))).toEqual(new Set([160]));
    expect(made.isCut).toBe(false);
  });

  it('turns what is stored sideways upright', async () => {
    const flat = files.make('flat.mp4', ...picture(1), ...beeps(1), ...X264, '-c:a', 'aac');
    const turned = files.make('turned.mp4', '-i', flat, '-c', 'copy', '-metadata:s:v', 'rotate=90');
    const marking = new Field();
    const made = await (await spool(turned, marking)).end();
    expect(marking.size).toMatchObject({ widthPx: 120, heightPx: 160 });
    const [stream] = files.probe(made.file).streams;
    expect(stream).toMatchObject({ width: 120, height: 160 });
    expect(stream!.side_data_list).toBeUndefined();
  });

  it('goes no further than it is told, and not at all when it is aborted', async () => {
    const input = files.make('long.mp4', ...picture(60), ...beeps(60), ...X264, '-c:a', 'aac');
    const cut = await spool(input, new Field());
    cut.stopAt(1_000_000);
    expect(await cut.end()).toMatchObject({ isCut: true, endUs: 960_000 });
    const abort = new AbortController();
    const marking = new Field();
    const aborted = await spool(input, marking, abort.signal);
    setTimeout(() => abort.abort(), 300);
    await expect(aborted.end()).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    expect(marking.closed).toBeLessThanOrEqual(1);
  });

  it('says when there is nothing to decode, and when the file cannot be written', async () => {
    const input = files.make('good.mp4', ...picture(1), ...beeps(1), ...X264, '-c:a', 'aac');
    const media = await probeMedia(input, { signal });
    const options = { marking: new Field(), signal };
    const gone = new PictureSpool({
      ...options,
      input: { ...media, path: files.path('gone.mp4') },
      file: files.path('x.mp4'),
    });
    await expect(gone.end()).rejects.toMatchObject({ code: 'LIVEDUB_E_INPUT_UNREADABLE' });
    const nowhere = new PictureSpool({ ...options, input: media, file: files.path('no/such/folder.mp4') });
    await expect(nowhere.end()).rejects.toMatchObject({ name: 'LivedubError' });
  });
});

describe('a recording with marked picture', () => {
  const film = files.make('film.mp4', ...picture(3), ...beeps(3), ...X264, '-bf', '2', '-c:a', 'aac');

  it('puts it in place of the original, in time with the sound', async () => {
    // Picture from 0.5 s on, sound from the start.
    const late = files.make(
      'late.mp4',
      '-itsoffset',
      '0.5',
      '-i',
      film,
      '-i',
      film,
      '-map',
      '0:v',
      '-map',
      '1:a',
      '-c',
      'copy',
    );
    const made = await record(late, new Field());
    expect(made).toMatchObject({ picture: 'marked', pictureReencoded: true, partial: false, notes: [] });
    const plain = await record(late, new Field(false)).then(async (copied) => {
      expect(copied).toMatchObject({ picture: 'passed-through', pictureReencoded: false });
      return timesMs(copied.path);
    });
    const again = await record(late, new Field());
    expect(timesMs(again.path)).toEqual(plain);
    expect(plain[0]).toBe(500);
    expect(files.probe(again.path).streams.map(({ codec_name }) => codec_name)).toEqual([
      'h264',
      'aac',
      'aac',
    ]);
    expect(lumaAt(again.path, 30)[5 * 160 + 5]).toBeGreaterThan(225);
  });

  it('marks what has to be encoded again anyway', async () => {
    const old = files.make('old.mpg', ...picture(2), ...beeps(2), '-c:v', 'mpeg2video', '-c:a', 'mp2');
    const made = await record(old, new Field(false));
    expect(made.picture).toBe('marked');
    expect(made.notes[0]).toMatch(/mpeg2video.*H\.264/u);
    expect(lumaAt(made.path, 20)[5 * 160 + 5]).toBeGreaterThan(225);
  });

  it('keeps a partial result as far as both go', async () => {
    const long = files.make('longer.mp4', ...picture(20), ...beeps(20), ...X264, '-c:a', 'aac');
    const made = await record(long, new Field(), { seconds: 5, partial: true });
    expect(made).toMatchObject({ partial: true, picture: 'marked' });
    expect(Math.abs(Number(files.probe(made.path).format.duration) - 5)).toBeLessThan(0.2);
    const stopped = await record(long, new Slow(), { seconds: 20, stop: AbortSignal.abort() });
    expect(stopped).toMatchObject({ partial: true, picture: 'marked' });
    const seconds = Number(files.probe(stopped.path).format.duration);
    expect(seconds).toBeLessThan(19);
    expect(Math.abs(stopped.dubbedUs / 1e6 - seconds)).toBeLessThan(0.2);
  });

  it('says when pictures are too small for a mark', async () => {
    const made = await record(film, { always: true, open: async () => undefined });
    expect(made.picture).toBe('re-encoded');
    expect(made.notes.join()).toMatch(/too small to bear a mark/u);
  });

  it('leaves nothing behind when it is closed half way', async () => {
    const outFile = files.path('gone/film.mp4');
    const recording = await openRecording({
      outFile,
      input: await probeMedia(film, { signal }),
      tracks: [],
      originalTitle: 'Original',
      pictureMarking: new Field(),
      signal,
    });
    await recording.close();
    expect(existsSync(outFile)).toBe(false);
    expect(readdirSync(files.path('gone'))).toEqual([]);
  });
});
