import { truncateSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { MediaFixtures, X264 } from '../../pipeline/media/media-fixtures.ts';
import { type ClipStream, clipPicture, clipSound, probeClip } from './clip-media.ts';

const files = new MediaFixtures();
const signal = new AbortController().signal;
afterAll(() => files.remove());

const tone = (seconds: number, rate = 48_000) => [
  ...['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=${rate}:duration=${seconds},volume=-6dB`],
];
const bars = (seconds: number, size = '320x180') => [
  ...['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${seconds}`],
];

async function all<T>(stream: ClipStream<T>): Promise<T[]> {
  const units: T[] = [];
  for await (const unit of stream) units.push(unit);
  return units;
}

describe('clipSound', () => {
  it.each([8_000, 192_000])('gives %d Hz as 16 kHz mono, a second at a time', async (rate) => {
    const file = files.make(`tone-${rate}.wav`, ...tone(2.5, rate), '-c:a', 'pcm_s16le');
    const stream = clipSound({ media: await probeClip(file, signal), track: 0, signal, maxSeconds: 60 });
    const chunks = await all(stream);
    expect(chunks.slice(0, 2).map(({ length }) => length)).toEqual([16_000, 16_000]);
    expect(stream.seconds).toBeCloseTo(2.5, 1);
    expect(stream.usableSeconds).toBeCloseTo(2.5, 1);
    expect(stream.isWhole).toBe(true);
  });

  it('gives each track of a file, 5.1 too', async () => {
    const file = files.make(
      'two.mkv',
      ...tone(1),
      ...['-f', 'lavfi', '-i', 'anullsrc=channel_layout=5.1:sample_rate=48000:duration=1'],
      ...['-map', '0', '-map', '1', '-c:a', 'flac'],
    );
    const media = await probeClip(file, signal);
    const streams = [0, 1].map((track) => clipSound({ media, track, signal, maxSeconds: 60 }));
    for (const stream of streams) await all(stream);
    expect(streams[0]!.usableSeconds).toBeCloseTo(1, 1);
    expect(streams[1]!.seconds).toBeCloseTo(1, 1);
    expect(streams[1]!.usableSeconds).toBe(0);
  });

  it('stops where it is told to, however long the file goes on', async () => {
    const file = files.make('long.mka', '-f', 'lavfi', '-i', 'anullsrc=r=8000:d=3600', '-c:a', 'flac');
    const media = await probeClip(file, signal);
    const limited = clipSound({ media, track: 0, signal, maxSeconds: 3 });
    expect(await all(limited)).toHaveLength(3);
    const stopped = clipSound({ media, track: 0, signal, maxSeconds: 3600 });
    for await (const _ of stopped) if (stopped.seconds >= 2) stopped.stop();
    expect(stopped.seconds).toBeLessThan(4);
    expect(stopped.isWhole).toBe(true);
    const controller = new AbortController();
    const aborted = clipSound({ media, track: 0, signal: controller.signal, maxSeconds: 3600 });
    await expect(
      (async () => {
        for await (const _ of aborted) controller.abort();
      })(),
    ).rejects.toThrow();
  });

  it('gives what there is of a file that breaks off', async () => {
    const file = files.make('broken.mp3', ...tone(4), '-b:a', '64k');
    truncateSync(file, 20_000);
    const stream = clipSound({ media: await probeClip(file, signal), track: 0, signal, maxSeconds: 60 });
    await all(stream);
    expect(stream.seconds).toBeGreaterThan(1);
    expect(stream.seconds).toBeLessThan(4);
  });
});

describe('clipPicture', () => {
  it('gives luma of at most 640 pixels, 12 frames a second, as it is stored', async () => {
    const file = files.make('picture.mp4', ...bars(2, '1280x720'), ...X264);
    const turned = files.make('turned.mp4', '-i', file, '-c', 'copy', '-metadata:s:v', 'rotate=90');
    for (const one of [file, turned]) {
      const media = await probeClip(one, signal);
      expect(media.audio).toEqual([]);
      const stream = clipPicture({ media, signal, maxSeconds: 60 });
      const frames = await all(stream);
      expect(frames).toHaveLength(24);
      expect(frames[12]).toMatchObject({ plane: { width: 640, height: 360 }, timeUs: 1e6 });
      expect(frames[12]!.plane.data).toHaveLength(640 * 360);
      expect(new Set(frames[12]!.plane.data).size).toBeGreaterThan(50);
      expect(stream.usableSeconds).toBeCloseTo(2, 5);
    }
  });

  it('takes odd and tiny pictures', async () => {
    const file = files.make(
      'odd.mkv',
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=17x9:rate=25:duration=1',
      '-c:v',
      'ffv1',
    );
    const frames = await all(clipPicture({ media: await probeClip(file, signal), signal, maxSeconds: 60 }));
    expect(frames[0]).toMatchObject({ plane: { width: 17, height: 9 } });
  });
});
