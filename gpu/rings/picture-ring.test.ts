import { afterAll, describe, expect, it } from 'vitest';
import { GpuBudget } from '../gpu-budget.ts';
import { GPUBufferUsage, GpuDevice } from '../gpu-device.ts';
import { downloader } from '../transfer.ts';
import { PictureRing, type PictureRingOptions } from './picture-ring.ts';

const gpu = await GpuDevice.open({ software: true });
afterAll(() => gpu?.close());
const why = gpu ? '' : ' (skipped: no adapter here, not even software Vulkan)';

const size = { widthPx: 5, heightPx: 3 };
const forever = new AbortController().signal;
const picture = (value: number, bytes = 27) => new Uint8Array(bytes).map((_, i) => (value + 7 * i) & 255);

type Open = (options: PictureRingOptions) => Promise<PictureRing<Uint8Array> | PictureRing<GPUBuffer>>;
const kinds: readonly [string, boolean, Open][] = [
  ['on the processor', false, async (options) => PictureRing.onHost(options)],
  [`on the GPU${why}`, gpu === undefined, (options) => PictureRing.onGpu({ ...options, gpu: gpu! })],
];

describe.each(kinds)('PictureRing %s', (_where, isSkipped, open) => {
  it.skipIf(isSkipped)('keeps the newest pictures by number, with their times', async () => {
    const ring = await open({ ...size, slots: 3, policy: 'drop-oldest' });
    for (let i = 0; i < 5; i += 1) expect(await ring.write(picture(i), 40_000 * i, forever)).toBe(i);
    expect([ring.oldest, ring.next]).toEqual([2, 5]);
    for (let i = 2; i < 5; i += 1) {
      expect(await ring.mirror(i)).toEqual(picture(i));
      expect(ring.mediaTimeUs(i)).toBe(40_000 * i);
    }
    const counts = { uploads: 5, uploadedBytes: 5 * 27, readBacks: 3, readBackBytes: 3 * 27, dropped: 0 };
    expect(ring.counts).toEqual(counts);
    ring.close();
    ring.close();
  });

  it.skipIf(isSkipped)('tells whoever asks for what was written over, or was not written yet', async () => {
    const ring = await open({ ...size, slots: 2, policy: 'drop-oldest' });
    for (let i = 0; i < 3; i += 1) ring.tryWrite(picture(i), 0);
    expect(() => ring.place(0)).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_RING_LAPPED' }));
    expect(() => ring.mirror(3)).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_BAD_REQUEST' }));
    expect(() => ring.tryWrite(picture(0, 26), 0)).toThrow(
      expect.objectContaining({ code: 'LIVEDUB_E_BAD_REQUEST' }),
    );
    ring.close();
    expect(() => ring.place(2)).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_CLOSED' }));
    expect(() => ring.tryWrite(picture(0), 0)).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_CLOSED' }));
  });

  it.skipIf(isSkipped)(
    'gives a picture that is being fetched as it was, whatever is written meanwhile',
    async () => {
      const ring = await open({ ...size, slots: 1, policy: 'drop-oldest' });
      ring.tryWrite(picture(1), 0);
      const fetching = ring.mirror(0);
      ring.tryWrite(picture(2), 0);
      expect(await fetching).toEqual(picture(1));
      ring.close();
    },
  );

  it.skipIf(isSkipped)('holds the writer up until the slowest reader goes on', async () => {
    const ring = await open({ ...size, slots: 2 });
    const [fast, slow] = [ring.reader(), ring.reader()];
    ring.tryWrite(picture(0), 0);
    ring.tryWrite(picture(1), 0);
    expect(ring.tryWrite(picture(2), 0)).toBeUndefined();
    fast.releaseUntil(2);
    let written = false;
    const writing = ring.write(picture(2), 0, forever).then((sequence) => {
      written = true;
      return sequence;
    });
    await new Promise(setImmediate);
    expect(written).toBe(false);
    expect(await slow.ready(1, forever)).toBe(0);
    slow.releaseUntil(1);
    expect(await writing).toBe(2);
    slow.close();
    expect(await fast.ready(1, forever)).toBe(2);
    const stop = new AbortController();
    const full = [ring.tryWrite(picture(3), 0), ring.write(picture(4), 0, stop.signal)] as const;
    stop.abort(new Error('enough'));
    await expect(full[1]).rejects.toThrow('enough');
    ring.close();
  });

  it.skipIf(isSkipped)('laps a slow reader where it may, counts it, and lets the reader go on', async () => {
    const ring = await open({ ...size, slots: 2, policy: 'drop-oldest' });
    const reader = ring.reader();
    for (let i = 0; i < 5; i += 1) ring.tryWrite(picture(i), 0);
    expect(ring.counts.dropped).toBe(3);
    await expect(reader.ready(1, forever)).rejects.toMatchObject({ code: 'LIVEDUB_E_RING_LAPPED' });
    expect(await reader.ready(1, forever)).toBe(3);
    reader.releaseUntil(5);
    const waiting = reader.ready(1, forever);
    ring.close();
    expect(await waiting).toBeUndefined();
  });

  it.skipIf(isSkipped).each([
    ['i420', 27],
    ['nv12', 27],
    ['rgba', 60],
  ] as const)('keeps %s', async (layout, bytes) => {
    const ring = await open({ ...size, layout, slots: 1 });
    ring.tryWrite(picture(3, bytes), 0);
    expect(await ring.mirror(0)).toEqual(picture(3, bytes));
    ring.close();
  });
});

describe.skipIf(!gpu)(`PictureRing on the GPU${why}`, () => {
  it('is written by what computes there without an upload', async () => {
    const ring = await PictureRing.onGpu({ ...size, slots: 2, gpu: gpu! });
    ring.tryWrite(picture(9), 0);
    const copied = ring.tryFill((to) => {
      const encoder = gpu!.device.createCommandEncoder();
      encoder.copyBufferToBuffer(ring.place(0), 0, to, 0, 28);
      gpu!.device.queue.submit([encoder.finish()]);
    }, 40);
    expect(await ring.mirror(copied!)).toEqual(picture(9));
    expect(ring.counts.uploads).toBe(1);
    ring.close();
  });

  it('takes no more than its budget, and gives it back', async () => {
    const small = (await GpuDevice.open({ software: true, budgetBytes: 100 }))!;
    await expect(PictureRing.onGpu({ ...size, slots: 4, gpu: small })).rejects.toMatchObject({
      code: 'LIVEDUB_E_GPU_MEMORY',
    });
    expect(small.budget.usedBytes).toBe(0);
    const ring = await PictureRing.onGpu({ ...size, slots: 2, gpu: small });
    expect(small.budget.usedBytes).toBe(2 * 28);
    ring.close();
    expect(small.budget.usedBytes).toBe(0);
    small.close();
  });

  it('says why the device is gone', async () => {
    const lost = (await GpuDevice.open({ software: true }))!;
    const ring = await PictureRing.onGpu({ ...size, slots: 2, gpu: lost });
    lost.close();
    expect(() => ring.tryWrite(picture(0), 0)).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_CLOSED' }));
    ring.close();
  });
});

it('keeps a ring on the processor within a budget as well', () => {
  const budget = new GpuBudget({ limitBytes: 60 });
  const ring = PictureRing.onHost({ ...size, slots: 2, budget });
  expect(budget.usedBytes).toBe(54);
  expect(() => PictureRing.onHost({ ...size, slots: 1, budget })).toThrow(
    expect.objectContaining({ code: 'LIVEDUB_E_GPU_MEMORY' }),
  );
  ring.close();
  expect(budget.usedBytes).toBe(0);
});

it.skipIf(!gpu)(`brings several buffers back at a time${why}`, async () => {
  const download = downloader(gpu!, 8);
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffers = [1, 2, 3].map((value) => {
    const memory = gpu!.memory({ label: 'a few bytes', bytes: 8, usage });
    gpu!.device.queue.writeBuffer(memory.buffer, 0, new Uint8Array(8).fill(value));
    return memory;
  });
  const made = await Promise.all(buffers.map(({ buffer }) => download.fetch(buffer)));
  expect(made.map((bytes) => bytes[7])).toEqual([1, 2, 3]);
  for (const memory of buffers) memory.free();
  download.close();
});
