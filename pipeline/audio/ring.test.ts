import { describe, expect, it } from 'vitest';
import { AudioRing } from './ring.ts';

const RATE = 48_000;
const signal = new AbortController().signal;

/** Mono whose value is its sample number / 2^20, so every misplaced sample shows. */
function counted(fromSample: number, count: number) {
  const plane = Float32Array.from({ length: count }, (_, i) => (fromSample + i) / 2 ** 20);
  return {
    kind: 'audio' as const,
    mediaTimeUs: Math.round((fromSample * 1e6) / RATE),
    sampleRateHz: RATE,
    planes: [plane],
  };
}

function ring(capacityMs = 100): AudioRing {
  return new AudioRing({ channels: 1, capacityMs });
}

describe('AudioRing', () => {
  it('gives sound back by media time, across the wrap', () => {
    const r = ring();
    for (let at = 0; at < 9600; at += 960) r.write(counted(at, 960));
    expect(r.startUs).toBe(100_000);
    expect(r.endUs).toBe(200_000);
    expect(r.read(110_000, 480).planes[0]).toEqual(counted(5280, 480).planes[0]);
    expect(r.read(100_000, 4800).planes[0]).toEqual(counted(4800, 4800).planes[0]);
  });

  it('fails a reader that was lapped', () => {
    const r = ring();
    for (let at = 0; at < 9600; at += 960) r.write(counted(at, 960));
    expect(() => r.read(90_000, 480)).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_RING_LAPPED' }));
  });

  it('reads silence in gaps and beyond the end', () => {
    const r = ring();
    r.write(counted(0, 960));
    r.write(counted(1920, 960));
    expect(r.read(20_000, 960).planes[0]!.every((x) => x === 0)).toBe(true);
    expect(
      r
        .read(50_000, 960)
        .planes[0]!.subarray(480)
        .every((x) => x === 0),
    ).toBe(true);
    expect(r.read(40_000, 960).planes[0]).toEqual(counted(1920, 960).planes[0]);
  });

  it('leaves out sound that media time has already passed', () => {
    const r = ring();
    r.write(counted(0, 960));
    r.write({ ...counted(480, 960), planes: [new Float32Array(960).fill(9)] });
    expect(r.read(0, 960).planes[0]).toEqual(counted(0, 960).planes[0]);
    expect(r.read(20_000, 480).planes[0]!.every((x) => x === 9)).toBe(true);
  });

  it('lets several readers wait for sound and end when it is closed', async () => {
    const r = ring();
    const one = r.reader();
    const two = r.reader(10_000);
    const both = Promise.all([one.read(960, signal), two.read(960, signal)]);
    r.write(counted(0, 960));
    r.write(counted(960, 960));
    const [a, b] = await both;
    expect(a).toEqual(counted(0, 960));
    expect(b).toEqual(counted(480, 960));
    expect(one.lagUs()).toBe(20_000);
    r.close();
    expect((await two.read(960, signal))?.planes[0]?.length).toBe(480);
    expect(await two.read(960, signal)).toBeUndefined();
  });

  it('stops waiting on abort', async () => {
    const r = ring();
    const abort = new AbortController();
    const waiting = r.reader().read(960, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow();
  });

  it('takes a frame longer than itself', () => {
    const r = ring();
    r.write(counted(0, 20_000));
    expect(r.read(r.startUs, 4800).planes[0]).toEqual(counted(15_200, 4800).planes[0]);
  });

  it('refuses another shape and writing after close', () => {
    const r = ring();
    expect(() => r.write({ ...counted(0, 960), sampleRateHz: 16_000 })).toThrow(/16000/);
    r.close();
    expect(() => r.write(counted(0, 960))).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_CLOSED' }));
  });
});
