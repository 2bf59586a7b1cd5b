import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { pictureBytes, type RawPicture, type RawPictureFormat, ticksToUs } from './nut.ts';
import { NutReader } from './nut-reader.ts';
import { NutWriter } from './nut-writer.ts';

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(bytes: Uint8Array, size = 4096) {
  const reader = await NutReader.open(pieces(bytes, size));
  const pictures: RawPicture[] = [];
  for await (const picture of reader!.pictures()) pictures.push(picture);
  return { format: reader!.format, pictures };
}

/** What FFmpeg makes of a source, as NUT. */
function nut(...args: string[]): Buffer {
  const all = ['-v', 'error', ...args, '-c:v', 'rawvideo', '-pix_fmt', 'yuv420p', '-f', 'nut', '-'];
  return execFileSync('ffmpeg', all, { maxBuffer: 1 << 28 });
}

const test = (size: string, rate: string, seconds: number) => [
  '-f',
  'lavfi',
  '-i',
  `testsrc=s=${size}:r=${rate}:d=${seconds}`,
];

describe('NUT', () => {
  it.each([
    ['small pictures', '32x18', '25', 4096],
    ['odd sizes, in pieces of one byte', '33x17', '30000/1001', 1],
    ['large ones', '640x360', '24', 65_536],
  ])('reads what FFmpeg writes: %s', async (_what, size, rate, pieceBytes) => {
    const { format, pictures } = await readAll(nut(...test(size, rate, 0.5)), pieceBytes);
    const [widthPx, heightPx] = size.split('x').map(Number);
    expect(format).toMatchObject({ widthPx, heightPx });
    const [num, den = 1] = rate.split('/').map(Number);
    const timesUs = pictures.map(({ pts }) => ticksToUs(pts, format.timeBase));
    expect(timesUs).toEqual(timesUs.map((_, i) => Math.round((i * 1e6 * den) / num!)));
    expect(timesUs.length).toBe(Math.round((0.5 * num!) / den));
    const raw = execFileSync(
      'ffmpeg',
      ['-v', 'error', ...test(size, rate, 0.5), '-pix_fmt', 'yuv420p', '-f', 'rawvideo', '-'],
      { maxBuffer: 1 << 28 },
    );
    expect(Buffer.concat(pictures.map(({ bytes }) => bytes)).equals(raw)).toBe(true);
  });

  it('keeps times that are far from each other', async () => {
    const jump = "setpts='N*N*N*1000/TB/1000'";
    const { format, pictures } = await readAll(
      nut(...test('32x18', '25', 0.4), '-vf', jump, '-fps_mode', 'passthrough'),
    );
    expect(pictures.map(({ pts }) => ticksToUs(pts, format.timeBase) / 1e6)).toEqual([
      0, 1, 8, 27, 64, 125, 216, 343, 512, 729,
    ]);
  });

  it('writes what FFmpeg reads, picture by picture and time by time', async () => {
    const format: RawPictureFormat = {
      widthPx: 33,
      heightPx: 17,
      timeBase: { numerator: 1, denominator: 90_000 },
      pixelAspect: { horizontal: 4, vertical: 3 },
    };
    const writer = new NutWriter(format);
    const times = [7, 3600, 3601, 9000, 90_000 * 5];
    const pictures = times.map((pts, i) => ({
      pts,
      bytes: new Uint8Array(pictureBytes(format)).fill(40 * i),
    }));
    const written = Buffer.concat([
      writer.header(),
      ...pictures.flatMap((picture) => [writer.pictureHeader(picture), picture.bytes]),
    ]);
    const args = ['-v', 'warning', '-err_detect', 'crccheck+explode', '-copyts', '-f', 'nut', '-i', 'pipe:0'];
    const read = spawnSync(
      'ffmpeg',
      [...args, '-fps_mode', 'passthrough', '-enc_time_base', '-1', '-f', 'framecrc', '-'],
      {
        input: written,
      },
    );
    expect(read.stderr.toString()).toBe('');
    const lines = read.stdout.toString().split('\n');
    expect(lines).toContain('#tb 0: 1/90000');
    expect(lines).toContain('#sar 0: 4/3');
    const frames = lines
      .filter((line) => /^0,/u.test(line))
      .map((line) => line.split(',').map((field) => field.trim()));
    expect(frames.map((frame) => Number(frame[2]))).toEqual(times);
    expect(await readAll(written)).toEqual({
      format,
      pictures: pictures.map(({ pts, bytes }) => ({ pts, bytes: Buffer.from(bytes) })),
    });
  });

  it('ends before a picture that is not whole, and tells of what is no such stream', async () => {
    const whole = nut(...test('32x18', '25', 0.2));
    expect((await readAll(whole.subarray(0, 300 + 4.5 * 900))).pictures.length).toBe(4);
    expect(await NutReader.open(pieces(whole.subarray(0, 60), 7))).toBeUndefined();
    expect(await NutReader.open(pieces(new Uint8Array(0), 1))).toBeUndefined();
    const noise = Uint8Array.from({ length: 9000 }, (_, i) => (i * i * 31) & 255);
    await expect(NutReader.open(pieces(noise, 512))).rejects.toMatchObject({
      code: 'LIVEDUB_E_INPUT_UNREADABLE',
    });
    for (let at = 100; at < 1000; at += 37) {
      const hurt = Uint8Array.from(whole);
      hurt[at] = hurt[at]! ^ 0x55;
      await readAll(hurt).catch((error) =>
        expect(error.code, String(error.stack)).toBe('LIVEDUB_E_INPUT_UNREADABLE'),
      );
    }
  });
});
