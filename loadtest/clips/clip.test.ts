import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildClip } from './clip.ts';
import { CLIP_RATE_HZ, type ClipParts } from './clip-parts.ts';
import { planClip } from './clip-plan.ts';
import { decodePcm, levelled, rmsDb, toS16 } from './pcm.ts';

describe('a clip plan', () => {
  const partSeconds = [9, 4, 11, 2.5, 6, 50];

  it('leaves natural pauses, cuts nothing and stays within the length', () => {
    const { parts } = planClip({ seconds: 300, partSeconds });
    for (const [i, { index, startSeconds }] of parts.entries()) {
      const end = startSeconds + partSeconds[index]!;
      expect(end).toBeLessThanOrEqual(300);
      const next = parts[i + 1];
      if (next) expect(next.startSeconds - end).toBeGreaterThanOrEqual(0.399);
      if (next) expect(next.startSeconds - end).toBeLessThanOrEqual(0.801);
    }
  });

  it('uses every part once before any comes again, and never the same twice in a row', () => {
    const { parts, passes } = planClip({ seconds: 300, partSeconds });
    expect(new Set(parts.slice(0, 6).map(({ index }) => index)).size).toBe(6);
    expect(passes).toBeGreaterThan(2);
    for (const [i, { index }] of parts.entries()) expect(parts[i + 1]?.index).not.toBe(index);
  });

  it('leaves out parts that would be most of a short clip', () => {
    const { parts } = planClip({ seconds: 60, partSeconds });
    expect(parts.some(({ index }) => index === 5)).toBe(false);
  });

  it('is the same for the same options and another for another seed', () => {
    const plan = planClip({ seconds: 120, partSeconds });
    expect(planClip({ seconds: 120, partSeconds })).toEqual(plan);
    expect(planClip({ seconds: 120, partSeconds, seed: 2 })).not.toEqual(plan);
  });

  it('is empty where nothing fits', () => {
    expect(planClip({ seconds: 5, partSeconds: [9] }).parts).toEqual([]);
  });
});

describe('levelling', () => {
  const tone = (amplitude: number) =>
    Float32Array.from({ length: 4800 }, (_, i) => amplitude * Math.cos(i / 7));

  it('brings quiet and loud speech to one level', () => {
    expect(rmsDb(levelled(tone(0.0005)))).toBeCloseTo(-23, 1);
    expect(rmsDb(levelled(tone(0.8)))).toBeCloseTo(-23, 1);
  });

  it('does not clip peaks and leaves silence alone', () => {
    const click = new Float32Array(48_000);
    click[100] = 0.1;
    expect(Math.max(...levelled(click))).toBeCloseTo(0.9, 5);
    expect(levelled(new Float32Array(10))).toEqual(new Float32Array(10));
  });
});

describe('a clip', () => {
  let folder: string;
  const signal = new AbortController().signal;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-clip-test-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is of exactly the wanted length, holds the parts as they are, and its sum tells it from another', async () => {
    const clip = await buildClip({ parts: tones(), seconds: 8, outFile: join(folder, 'a.flac'), signal });
    const pcm = await decodePcm(clip.path, CLIP_RATE_HZ, signal);
    expect(pcm.length).toBe(8 * CLIP_RATE_HZ);
    const first = Buffer.from(toS16(pcm)).subarray(0, 1000);
    expect(tones().parts.some((part) => part.pcm.subarray(0, 1000).equals(first))).toBe(true);
    expect(clip.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(clip.made).toContain('two tones');
    const again = await buildClip({ parts: tones(), seconds: 8, outFile: join(folder, 'b.flac'), signal });
    expect(again.sha256).toBe(clip.sha256);
    const longer = await buildClip({ parts: tones(), seconds: 9, outFile: join(folder, 'c.flac'), signal });
    expect(longer.sha256).not.toBe(clip.sha256);
  });

  it('says so when it cannot be written', async () => {
    const outFile = join(folder, 'none', 'a.flac');
    await expect(buildClip({ parts: tones(), seconds: 8, outFile, signal })).rejects.toMatchObject({
      code: 'LIVEDUB_E_OUTPUT_NOT_WRITABLE',
    });
  });
});

function tones(): ClipParts {
  const parts = [440, 660].map((hz, i) => {
    const length = CLIP_RATE_HZ * (1 + i * 0.5);
    const pcm = Float32Array.from(
      { length },
      (_, n) => 0.4 * Math.cos((2 * Math.PI * hz * n) / CLIP_RATE_HZ),
    );
    return { name: `${hz} Hz`, pcm: toS16(pcm), seconds: length / CLIP_RATE_HZ };
  });
  return { parts, origin: 'two tones' };
}
