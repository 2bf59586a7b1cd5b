import { describe, expect, it } from 'vitest';
import { OpusEncoder } from '../audio/opus.ts';
import type { EncodedFrame } from '../frames.ts';
import { framesOf, spokenScript } from '../ports/fakes.ts';
import { runThrough } from '../stage-harness.ts';
import { DecodeStage } from './decode.ts';

function packets(): EncodedFrame[] {
  const encoder = new OpusEncoder();
  const script = spokenScript(['one', 'two', 'three', 'four', 'five'], 48_000);
  return [...[...framesOf(script, 48_000)].flatMap((frame) => encoder.encode(frame)), ...encoder.flush()];
}

/** Media time must be what counting the samples gives. */
function expectContinuous(
  frames: readonly { mediaTimeUs: number; planes: readonly Float32Array[] }[],
): number {
  let samples = 0;
  for (const frame of frames) {
    expect(Math.abs(frame.mediaTimeUs - (samples * 1e6) / 48_000)).toBeLessThanOrEqual(frames.length);
    samples += frame.planes[0]!.length;
  }
  return samples / 48_000;
}

describe('DecodeStage', () => {
  it('gives continuous sound of the same length', async () => {
    expect(expectContinuous(await runThrough(new DecodeStage(), packets()))).toBeCloseTo(2, 2);
  });

  it('fills holes, short and long, and stays in time', async () => {
    const all = packets();
    const withHoles = all.filter((_, i) => i !== 10 && (i < 30 || i >= 70));
    expect(expectContinuous(await runThrough(new DecodeStage(), withHoles))).toBeCloseTo(2, 1);
  });

  it('drops what comes twice', async () => {
    const all = packets();
    expect(
      expectContinuous(await runThrough(new DecodeStage(), [...all.slice(0, 50), ...all.slice(40)])),
    ).toBeCloseTo(2, 2);
  });

  it('conceals damaged packets', async () => {
    const damaged = packets().map((packet, i) =>
      i % 9 === 5 ? { ...packet, data: Buffer.from([0xff, 0xff, 0xff]) } : packet,
    );
    expect(expectContinuous(await runThrough(new DecodeStage(), damaged))).toBeCloseTo(2, 1);
  });
});
