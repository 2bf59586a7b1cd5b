import { execFileSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { MediaFixtures } from '../../../pipeline/media/media-fixtures.ts';
import { type MovedSpan, readMovedSpans, spansExpression } from './moved-spans.ts';

const signal = new AbortController().signal;

describe('spans of a moved picture', () => {
  const fixtures = new MediaFixtures();
  afterAll(() => fixtures.remove());

  /** A Matroska file of pictures at multiples of 40 ms, those that an expression of FFmpeg's chooses. */
  const pictures = (name: string, seconds: number, choice: string): string =>
    fixtures.make(
      name,
      ...['-f', 'lavfi', '-i', `color=black:s=16x16:r=25:d=${seconds}`, '-vf', `select='${choice}'`],
      ...['-fps_mode', 'passthrough', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8'],
    );

  it('are those in which pictures follow each other closely, over all files', async () => {
    const files = [
      pictures('a.mkv', 8, 'between(t,1,1.99)+between(t,2.4,3.99)*not(mod(n,10))+between(t,5,6)'),
      pictures('b.mkv', 8, 'between(t,6.2,7)'),
    ];
    expect(await readMovedSpans(files, signal)).toEqual([
      { startMs: 1000, endMs: 3600 },
      { startMs: 5000, endMs: 7000 },
    ]);
    expect(await readMovedSpans([fixtures.path('none.mkv')], signal)).toEqual([]);
  });

  it('are told to FFmpeg in one argument, however many they are, and hold to a picture', () => {
    // Hours of programme: all but every fifth picture of the first 1000 s.
    const spans: MovedSpan[] = Array.from({ length: 2000 }, (_, i) => ({
      startMs: 36_000_000 + i * 200,
      endMs: 36_000_000 + i * 200 + 120,
    }));
    const chosen = (offsetS: number) =>
      execFileSync('ffprobe', [
        ...['-v', 'error', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', '-f', 'lavfi'],
        `color=s=16x16:r=25:d=4,setpts=PTS+${36_000 + offsetS}/TB,select='${spansExpression(spans)}'`,
      ])
        .toString()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => Math.round((Number.parseFloat(line) - 36_000) * 1000));
    const wanted = (fromMs: number, toMs: number) =>
      Array.from({ length: (toMs - fromMs) / 40 }, (_, i) => fromMs + i * 40).filter((ms) => ms % 200 < 160);
    expect(spansExpression(spans).length).toBeLessThan(120_000);
    expect(chosen(-2)).toEqual(wanted(0, 2000));
    expect(chosen(200)).toEqual(wanted(200_000, 204_000));
    expect(chosen(398)).toEqual(wanted(398_000, 400_000));
  });
});
