import { afterAll, describe, expect, it } from 'vitest';
import { GpuDevice } from '../gpu-device.ts';
import { FeatureRing, type FeatureRingOptions, type GpuRows } from './feature-ring.ts';

const gpu = await GpuDevice.open({ software: true });
afterAll(() => gpu?.close());
const why = gpu ? '' : ' (skipped: no adapter here, not even software Vulkan)';

const forever = new AbortController().signal;
/** Rows of three numbers, numbered by `first`. */
const rows = (first: number, count: number) =>
  Float32Array.from({ length: 3 * count }, (_, i) => first + Math.floor(i / 3) + (i % 3) / 10);

type Open = (options: FeatureRingOptions) => Promise<FeatureRing<Float32Array> | FeatureRing<GpuRows>>;
const kinds: readonly [string, boolean, Open][] = [
  ['on the processor', false, async (options) => FeatureRing.onHost(options)],
  [`on the GPU${why}`, gpu === undefined, (options) => FeatureRing.onGpu({ ...options, gpu: gpu! })],
];

describe.each(kinds)('FeatureRing %s', (_where, isSkipped, open) => {
  it.skipIf(isSkipped)('gives any window in one piece, also around its end', async () => {
    const ring = await open({ columns: 3, rows: 7, windowRows: 4, policy: 'drop-oldest' });
    for (let at = 0; at < 20; at += 5) {
      expect(await ring.write(rows(at, 5), forever)).toBe(at);
      for (let first = ring.oldest; first + 4 <= ring.next; first += 1)
        expect(await ring.mirror(first, 4)).toEqual(rows(first, 4));
    }
    ring.close();
    ring.close();
  });

  it.skipIf(isSkipped)('hands overlapping windows to a reader as the sound comes', async () => {
    const ring = await open({ columns: 3, rows: 8 });
    const reader = ring.reader();
    const windows: number[] = [];
    const reading = (async () => {
      for (;;) {
        const first = await reader.ready(4, forever);
        if (first === undefined) return;
        windows.push((await ring.mirror(first, 4))[0]!);
        reader.releaseUntil(first + 2);
      }
    })();
    for (let at = 0; at < 12; at += 3) await ring.write(rows(at, 3), forever);
    while (windows.length < 5) await new Promise(setImmediate);
    ring.close();
    await reading;
    expect(windows).toEqual([0, 2, 4, 6, 8]);
  });

  it.skipIf(isSkipped)('waits, or laps, by its policy', async () => {
    const blocking = await open({ columns: 3, rows: 4 });
    blocking.reader();
    expect(blocking.tryWrite(rows(0, 3))).toBe(0);
    expect(blocking.tryWrite(rows(3, 2))).toBeUndefined();
    blocking.close();
    const dropping = await open({ columns: 3, rows: 4, policy: 'drop-oldest' });
    const reader = dropping.reader();
    dropping.tryWrite(rows(0, 3));
    dropping.tryWrite(rows(3, 3));
    await expect(reader.ready(1, forever)).rejects.toMatchObject({ code: 'LIVEDUB_E_RING_LAPPED' });
    expect(await reader.ready(1, forever)).toBe(2);
    expect(dropping.counts.dropped).toBe(2);
    dropping.close();
  });

  it.skipIf(isSkipped)('refuses half rows, more than it holds, and windows that are too long', async () => {
    const bad = expect.objectContaining({ code: 'LIVEDUB_E_BAD_REQUEST' });
    const ring = await open({ columns: 3, rows: 4, windowRows: 2 });
    expect(() => ring.tryWrite(new Float32Array(4))).toThrow(bad);
    expect(() => ring.tryWrite(rows(0, 5))).toThrow(bad);
    ring.tryWrite(rows(0, 4));
    expect(() => ring.place(0, 3)).toThrow(bad);
    ring.close();
  });
});
