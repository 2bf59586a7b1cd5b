import { describe, expect, it } from 'vitest';
import type { Frame, SegmentFrame } from '../frames.ts';
import { fakeVad, framesOf, spokenScript } from '../ports/fakes.ts';
import { runThrough } from '../stage-harness.ts';
import { SegmentStage } from './segment.ts';

const SCRIPT = ['~', '~', 'one', 'two', 'three', '~', '~', '~', 'four', 'five', '~', '~', '~'];
const finals = (frames: readonly Frame[]) =>
  frames.filter((f): f is SegmentFrame => f.kind === 'segment' && f.final);

describe('SegmentStage', () => {
  it('gives the sound of each stretch of speech, where it was spoken', async () => {
    const pcm = spokenScript(SCRIPT);
    const segments = finals(await runThrough(new SegmentStage({ vad: fakeVad() }), framesOf(pcm)));
    expect(
      segments.map((s) => [Math.round(s.speechStartUs / 1e5) / 10, Math.round(s.endUs / 1e5) / 10]),
    ).toEqual([
      [0.8, 2.2],
      [3.2, 4.2],
    ]);
    for (const segment of segments) {
      const from = Math.round((segment.startUs * 16) / 1000);
      expect([...segment.pcm]).toEqual([...pcm.subarray(from, from + segment.pcm.length)]);
    }
  });

  it('finds the same segments however many windows it works off at once', async () => {
    const run = async (windowsPerCall: number) =>
      finals(
        await runThrough(
          new SegmentStage({ vad: fakeVad(), windowsPerCall }),
          framesOf(spokenScript(SCRIPT)),
        ),
      );
    expect(await run(16)).toEqual(await run(1));
  });

  it('ends with a watermark that covers everything', async () => {
    const frames = await runThrough(new SegmentStage({ vad: fakeVad() }), framesOf(spokenScript(SCRIPT)));
    expect(frames.at(-1)).toMatchObject({ kind: 'watermark' });
    expect(frames.at(-1)!.mediaTimeUs).toBeGreaterThanOrEqual(SCRIPT.length * 400_000);
  });

  it('says nothing of no sound at all', async () => {
    expect(await runThrough(new SegmentStage({ vad: fakeVad() }), [])).toEqual([]);
  });
});
