import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { LivedubError } from '../errors.ts';
import { type Picture, planeLayout } from '../face/picture.ts';
import type { EncodedFrame } from '../frames.ts';
import { h264Colour } from './h264-colour.ts';
import { LivePictureDecoder } from './live-picture-decoder.ts';
import { LivePictureEncoder, pictureBitrateBps } from './live-picture-encoder.ts';
import { choosePictureEncoder } from './picture-encoders.ts';
import { RateAdaptation } from './rate-adaptation.ts';

const COLOUR = { matrix: 'bt601', range: 'limited' } as const;
const CODECS = ['vp8', 'h264'] as const;
const never = new AbortController().signal;

/** Pictures of FFmpeg's moving test picture. */
function pictures(count: number, widthPx = 320, heightPx = 180, startUs = 0): Picture[] {
  const raw = execFileSync(
    'ffmpeg',
    [
      ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=640x360:rate=25,scale=${widthPx}:${heightPx}`],
      ...['-frames:v', String(count), '-pix_fmt', 'yuv420p', '-f', 'rawvideo', '-'],
    ],
    { maxBuffer: 2 ** 30 },
  );
  const { totalBytes } = planeLayout({ widthPx, heightPx });
  return Array.from({ length: count }, (_, i) => ({
    widthPx,
    heightPx,
    colour: COLOUR,
    // Nothing is on a round time, and the rate is not constant.
    mediaTimeUs: startUs + i * 40_000 + (i % 3) * 1111,
    bytes: raw.subarray(i * totalBytes, (i + 1) * totalBytes),
  }));
}

/** Mean difference of luma. */
function difference(a: Picture, b: Picture): number {
  const count = a.widthPx * a.heightPx;
  let sum = 0;
  for (let i = 0; i < count; i += 1) sum += Math.abs(a.bytes[i]! - b.bytes[i]!);
  return sum / count;
}

async function encode(
  codec: 'vp8' | 'h264',
  input: readonly Picture[],
  keyframes: readonly number[] = [],
  keyframeEveryMs?: number,
): Promise<{ frames: EncodedFrame[]; latenciesMs: number[] }> {
  const frames: EncodedFrame[] = [];
  const latenciesMs: number[] = [];
  let sentMs = 0;
  const encoder = new LivePictureEncoder({
    codec,
    format: input[0]!,
    fps: 25,
    signal: never,
    ...(keyframeEveryMs ? { keyframeEveryMs } : {}),
    onFrame: (frame) => {
      frames.push(frame);
      latenciesMs.push(performance.now() - sentMs);
    },
  });
  for (const [i, picture] of input.entries()) {
    if (keyframes.includes(i)) encoder.requestKeyframe();
    sentMs = performance.now();
    encoder.push(picture);
    // The next is not there before this one is out: nothing may wait for it.
    await expect.poll(() => frames.length, { timeout: 4000, interval: 2 }).toBe(i + 1);
  }
  await encoder.close();
  return { frames, latenciesMs };
}

describe('live pictures', () => {
  const open: LivePictureDecoder[] = [];
  afterEach(() => Promise.all(open.splice(0).map((decoder) => decoder.close())));

  function decode(): {
    decoder: LivePictureDecoder;
    out: Picture[];
    failures: LivedubError[];
    wanted: () => number;
  } {
    const out: Picture[] = [];
    const failures: LivedubError[] = [];
    let wanted = 0;
    const decoder = new LivePictureDecoder({
      signal: never,
      stallMs: 600,
      onPicture: (picture) => void out.push(picture),
      onKeyframeWanted: () => {
        wanted += 1;
      },
      onFailed: (error) => failures.push(error),
    });
    open.push(decoder);
    return { decoder, out, failures, wanted: () => wanted };
  }

  for (const codec of CODECS) {
    it(`go out one by one, with exact times, and a keyframe where one was asked for (${codec})`, async () => {
      const input = pictures(16, 320, 180, 3_600_000_000_123);
      const { frames, latenciesMs } = await encode(codec, input, [5, 9]);
      expect(frames.map((frame) => frame.mediaTimeUs)).toEqual(input.map((picture) => picture.mediaTimeUs));
      expect(frames.flatMap((frame, i) => (frame.keyframe ? [i] : []))).toEqual([0, 5, 9]);
      // Without the start of the process.
      expect(latenciesMs.slice(3).sort((a, b) => a - b)[6]).toBeLessThan(60);

      const { decoder, out } = decode();
      const gapsMs: number[] = [];
      for (const [i, frame] of frames.entries()) {
        const pushedMs = performance.now();
        decoder.push(frame);
        await expect.poll(() => out.length, { timeout: 4000, interval: 2 }).toBe(i + 1);
        gapsMs.push(performance.now() - pushedMs);
      }
      expect(out.map((picture) => picture.mediaTimeUs)).toEqual(input.map((picture) => picture.mediaTimeUs));
      expect(gapsMs.slice(3).sort((a, b) => a - b)[6]).toBeLessThan(60);
      for (const [i, picture] of out.entries()) expect(difference(picture, input[i]!)).toBeLessThan(8);
    });

    it(`come from any keyframe on, in another size where the stream changes it (${codec})`, async () => {
      const sizes = [
        [320, 180],
        [160, 90],
        [480, 270],
      ] as const;
      const parts: Picture[][] = [];
      const stream: EncodedFrame[] = [];
      for (const [i, [widthPx, heightPx]] of sizes.entries()) {
        const part = pictures(6, widthPx, heightPx, i * 400_000);
        parts.push(part);
        stream.push(...(await encode(codec, part)).frames);
      }
      const { decoder, out, wanted } = decode();
      // Somebody who joins in the middle of the first part.
      for (const frame of stream.slice(2)) decoder.push(frame);
      expect(wanted()).toBeGreaterThan(0);
      await expect.poll(() => out.length, { timeout: 5000 }).toBe(12);
      for (const [i, picture] of out.entries()) {
        const expected = [...parts[1]!, ...parts[2]!][i]!;
        expect([picture.widthPx, picture.heightPx, picture.mediaTimeUs]).toEqual([
          expected.widthPx,
          expected.heightPx,
          expected.mediaTimeUs,
        ]);
        expect(difference(picture, expected)).toBeLessThan(9);
      }
    });

    it(`survive damage: what cannot be decoded is left out, and the next keyframe brings them back (${codec})`, async () => {
      const input = pictures(30);
      const { frames } = await encode(codec, input, [20]);
      const { decoder, out, failures } = decode();
      let seed = 7;
      const noise = () => {
        seed = (seed * 1103515245 + 12345) & 0x7fffffff;
        return seed >> 16;
      };
      for (const [i, frame] of frames.entries()) {
        const data = Buffer.from(frame.data);
        // Torn frames, noise from start to end, and one that is called a keyframe and is none.
        if (i > 3 && i < 12) for (let at = 12; at < data.length; at += 3) data[at] = noise();
        if (i >= 12 && i < 16) for (let at = 0; at < data.length; at += 1) data[at] = noise();
        decoder.push({ ...frame, data, keyframe: frame.keyframe || i === 14 });
        await sleep(10);
      }
      const last = input.at(-1)!.mediaTimeUs;
      await expect
        .poll(
          () => {
            // Where the process was started again the keyframe may have gone with it; then another comes when asked for.
            if (out.at(-1)?.mediaTimeUs !== last && failures.length > 0)
              for (const frame of frames.slice(20)) decoder.push(frame);
            return out.at(-1)?.mediaTimeUs;
          },
          { timeout: 8000, interval: 700 },
        )
        .toBe(last);
      expect(difference(out.at(-1)!, input.at(-1)!)).toBeLessThan(8);
    });
  }

  it('never hang on a stream that is noise from its first byte, and say so', async () => {
    const { decoder, out, failures, wanted } = decode();
    const [first] = (await encode('vp8', pictures(1))).frames;
    // A size that could be, and nothing behind it.
    const data = Buffer.concat([first!.data.subarray(0, 10), Buffer.alloc(2000, 0xa5)]);
    for (let i = 0; i < 50; i += 1) {
      decoder.push({ ...first!, data, mediaTimeUs: i * 40_000 });
      decoder.push({ ...first!, data: Buffer.alloc(40, i), keyframe: false, mediaTimeUs: i * 40_000 + 10 });
      await sleep(20);
    }
    await expect.poll(() => failures.length + out.length, { timeout: 5000 }).toBeGreaterThan(0);
    for (const { code } of failures) expect(code).toBe('LIVEDUB_E_ENGINE_FAILED');
    expect(wanted() + out.length).toBeGreaterThan(0);
  });

  it('are thrown away up to a keyframe where whoever takes them is too slow', async () => {
    const { frames } = await encode('vp8', pictures(30), [20]);
    let release: (() => void) | undefined;
    const out: Picture[] = [];
    let wanted = 0;
    const decoder = new LivePictureDecoder({
      signal: never,
      maxWaitingUs: 200_000,
      onPicture: async (picture) => {
        out.push(picture);
        if (out.length === 1)
          await new Promise<void>((resolve) => {
            release = resolve;
          });
      },
      onKeyframeWanted: () => {
        wanted += 1;
      },
    });
    open.push(decoder);
    decoder.push(frames[0]!);
    await expect.poll(() => out.length, { timeout: 4000 }).toBe(1);
    // As long as two seconds at 4K: what the pipe itself holds is used up.
    for (let i = 0; i < 40; i += 1)
      for (const frame of frames.slice(1, 20)) {
        const mediaTimeUs = frame.mediaTimeUs + i * 800_000;
        decoder.push({ ...frame, mediaTimeUs });
        await sleep(1);
      }
    expect(decoder.droppedFrames).toBeGreaterThan(0);
    expect(wanted).toBeGreaterThan(0);
    release!();
    const baseUs = 60_000_000;
    for (const frame of frames.slice(20)) {
      decoder.push({ ...frame, mediaTimeUs: baseUs + frame.mediaTimeUs });
      await sleep(20);
    }
    await expect
      .poll(() => out.at(-1)?.mediaTimeUs, { timeout: 4000 })
      .toBe(baseUs + frames[29]!.mediaTimeUs);
  });

  it('get a keyframe after the longest time without one', async () => {
    const { frames } = await encode('vp8', pictures(16), [], 200);
    expect(frames.flatMap((frame, i) => (frame.keyframe ? [i] : []))).toEqual([0, 5, 11]);
  });

  it('have parameter sets in every keyframe of H.264, and say which colours are meant', async () => {
    const input = pictures(4).map((picture) => ({
      ...picture,
      colour: { matrix: 'bt709', range: 'limited' } as const,
    }));
    const { frames } = await encode('h264', input, [2]);
    for (const frame of frames.filter(({ keyframe }) => keyframe)) {
      const data = Buffer.from(frame.data);
      const at = data.indexOf(Buffer.from([0, 0, 1, 0x67]));
      expect(at).toBeGreaterThanOrEqual(0);
      const end = data.indexOf(Buffer.from([0, 0, 1]), at + 4);
      expect(h264Colour(data.subarray(at + 3, end))).toEqual(input[0]!.colour);
    }
    const { decoder, out } = decode();
    for (const frame of frames) decoder.push(frame);
    await expect.poll(() => out.length, { timeout: 4000 }).toBe(4);
    expect(out[0]!.colour).toEqual(input[0]!.colour);
  });

  it('of odd sizes stay as they are in VP8', async () => {
    const input = pictures(3, 161, 121);
    const { frames } = await encode('vp8', input);
    const { decoder, out } = decode();
    for (const frame of frames) decoder.push(frame);
    await expect.poll(() => out.length, { timeout: 4000 }).toBe(3);
    expect([out[2]!.widthPx, out[2]!.heightPx, out[2]!.bytes.length]).toEqual([
      161,
      121,
      input[2]!.bytes.length,
    ]);
    expect(difference(out[2]!, input[2]!)).toBeLessThan(8);
  });

  it('that come faster than the encoder works are halved, and halved again, and nothing piles up', async () => {
    const input = pictures(60, 1920, 1080);
    const frames: EncodedFrame[] = [];
    const encoder = new LivePictureEncoder({
      codec: 'vp8',
      format: input[0]!,
      signal: never,
      onFrame: (frame) => frames.push(frame),
    });
    for (const picture of input) {
      encoder.push(picture);
      await sleep(2);
    }
    expect(encoder.divisor).toBe(4);
    expect(encoder.droppedPictures).toBeGreaterThan(30);
    await expect.poll(() => frames.length + encoder.droppedPictures, { timeout: 8000 }).toBe(60);
    expect(encoder.encoderName).toBe((await choosePictureEncoder('vp8')).name);
    await encoder.close();
    await encoder.close();
  });
});

describe('the rate of live pictures', () => {
  it('is halved after some losses, and doubled again later and later where that was too soon', () => {
    const adaptation = new RateAdaptation();
    let nowMs = 0;
    const lose = () => {
      for (let i = 0; i < 3; i += 1) adaptation.lost(nowMs);
    };
    const taken = () => Array.from({ length: 8 }, () => adaptation.takes(nowMs)).filter(Boolean).length;
    expect(taken()).toBe(8);
    adaptation.lost(nowMs);
    nowMs += 2000;
    adaptation.lost(nowMs);
    expect(taken()).toBe(8);
    lose();
    expect(taken()).toBe(4);
    lose();
    expect(taken()).toBe(2);
    expect(adaptation.isExhausted).toBe(false);
    lose();
    expect(adaptation.isExhausted).toBe(true);
    adaptation.retry(nowMs);
    nowMs += 5001;
    expect(taken()).toBe(4);
    nowMs += 100;
    lose();
    expect(taken()).toBe(2);
    nowMs += 6000;
    expect(taken()).toBe(2);
    nowMs += 6000;
    expect(taken()).toBe(4);
  });

  it('of bits follows the size of the picture', () => {
    expect(pictureBitrateBps({ widthPx: 640, heightPx: 360, colour: COLOUR }, 25)).toBe(806_400);
    expect(pictureBitrateBps({ widthPx: 16, heightPx: 16, colour: COLOUR }, 25)).toBe(300_000);
    expect(pictureBitrateBps({ widthPx: 3840, heightPx: 2160, colour: COLOUR }, 60)).toBe(4_000_000);
  });
});
