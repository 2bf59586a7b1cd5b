import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { opusDurationUs } from '../rtp/depacketise-opus.ts';
import { beeps, MediaFixtures, picture, X264 } from './media-fixtures.ts';
import { TS_FIRST_PID, TS_OUTPUT_ARGS, type TsFrame, TsReader } from './ts-reader.ts';

describe('TsReader', () => {
  const fixtures = new MediaFixtures();
  afterAll(() => fixtures.remove());

  it('reads every picture and Opus packet of FFmpeg with its time, in pieces of any size', () => {
    const file = fixtures.make(
      'av.ts',
      ...picture(3),
      ...beeps(3),
      ...X264,
      ...['-tune', 'zerolatency', '-g', '25', '-b:v', '6M', '-c:a', 'libopus'],
      ...TS_OUTPUT_ARGS,
    );
    const bytes = readFileSync(file);
    for (const piece of [1, 187, 1000, bytes.length]) {
      const frames: TsFrame[] = [];
      const reader = new TsReader({
        codecs: new Map([
          [TS_FIRST_PID, 'h264'],
          [TS_FIRST_PID + 1, 'opus'],
        ]),
        onFrame: (frame) => frames.push(frame),
      });
      for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.subarray(at, at + piece));
      reader.flush();
      const video = frames.filter((frame) => frame.pid === TS_FIRST_PID);
      const audio = frames.filter((frame) => frame.pid !== TS_FIRST_PID);
      expect(video.length).toBe(75);
      expect(audio.length).toBeGreaterThanOrEqual(150);
      expect(audio.every((frame) => opusDurationUs(frame.data) === 20_000)).toBe(true);
      expect(steps(video)).toEqual(new Set([40_000]));
      expect(steps(audio)).toEqual(new Set([20_000]));
      // Opus begins with 6.5 ms that are not of the sound.
      expect(Math.abs(video[0]!.ptsUs - audio[0]!.ptsUs - 6500)).toBeLessThan(100);
    }
  });

  it('goes on after bytes that are no transport stream', () => {
    const file = fixtures.make('a.ts', ...beeps(1), '-c:a', 'libopus', ...TS_OUTPUT_ARGS);
    const frames: TsFrame[] = [];
    const reader = new TsReader({
      codecs: new Map([[TS_FIRST_PID, 'opus']]),
      onFrame: (frame) => frames.push(frame),
    });
    reader.push(Buffer.from('no transport stream'));
    reader.push(readFileSync(file));
    expect(frames.length).toBeGreaterThanOrEqual(50);
  });
});

const steps = (frames: readonly TsFrame[]) =>
  new Set(frames.slice(1, -1).map((frame, i) => Math.round(frame.ptsUs - frames[i]!.ptsUs)));
