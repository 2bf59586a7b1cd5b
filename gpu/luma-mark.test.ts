import { afterAll, describe, expect, it } from 'vitest';
import { LumaMarker, type LumaPlane } from '../pipeline/mark/video/luma-mark.ts';
import type { VideoMarkPattern } from '../pipeline/mark/video/video-pattern.ts';
import { GpuDevice } from './gpu-device.ts';
import { GpuLumaMarker } from './luma-mark.ts';

const gpu = await GpuDevice.open({ software: true });
afterAll(() => gpu?.close());
const why = gpu ? `on ${gpu.info.description}` : '(skipped: no adapter here, not even software Vulkan)';

/** Numbers from 0 to 1 that are the same every time. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function pattern(width: number, height: number, seed = 1): VideoMarkPattern {
  const random = noise(seed);
  return { width, height, values: Float32Array.from({ length: width * height }, () => 2 * random() - 1) };
}

/** Flat parts, edges, ramps and noise, black and white among them. */
function plane(width: number, height: number, strideBytes = width): LumaPlane {
  const random = noise(7);
  const data = new Uint8Array(strideBytes * height).fill(99);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const kinds = [100 + random() * 9, 0, 255, x % 256, (y * 3) % 256, random() * 256];
      data[y * strideBytes + x] = kinds[(Math.floor(x / 23) + Math.floor(y / 17)) % kinds.length]!;
    }
  }
  return { width, height, strideBytes, data };
}

describe.skipIf(!gpu)(`GpuLumaMarker ${why}`, () => {
  it.each([
    ['a whole number of workgroups', 128, 64, 128],
    ['640 × 360', 640, 360, 640],
    ['an odd size', 323, 181, 323],
    ['rows that are longer than the picture', 100, 50, 117],
    ['16 × 16', 16, 16, 16],
    ['a picture smaller than the square around a pixel', 3, 2, 3],
  ])('marks as the processor does: %s', async (_what, width, height, strideBytes) => {
    const marker = await GpuLumaMarker.create({ gpu: gpu!, width, height });
    const cpu = new LumaMarker();
    let different = 0;
    for (const [seed, strength] of [
      [1, 1.65],
      [2, 9],
    ] as const) {
      const wanted = plane(width, height, strideBytes);
      const made = plane(width, height, strideBytes);
      cpu.mark(wanted, pattern(width, height, seed), strength);
      await marker.mark(made, pattern(width, height, seed), strength);
      const differences = made.data.map((value, i) => Math.abs(value - wanted.data[i]!));
      expect(differences.reduce((most, one) => Math.max(most, one))).toBeLessThanOrEqual(1);
      different += differences.filter((difference) => difference > 0).length;
      expect(made.data).not.toEqual(plane(width, height, strideBytes).data);
    }
    // 64-bit and 32-bit floats may round a value that is half way differently.
    expect(different).toBeLessThanOrEqual(0.001 * width * height);
    marker.close();
    marker.close();
  });

  it('takes planes of its own size alone, and one at a time', async () => {
    const marker = await GpuLumaMarker.create({ gpu: gpu!, width: 64, height: 32 });
    const bad = { code: 'LIVEDUB_E_BAD_REQUEST' };
    await expect(marker.mark(plane(32, 32), pattern(32, 32), 1)).rejects.toMatchObject(bad);
    const first = marker.mark(plane(64, 32), pattern(64, 32), 1);
    await expect(marker.mark(plane(64, 32), pattern(64, 32), 1)).rejects.toMatchObject(bad);
    await first;
    marker.close();
  });

  it('leaves a plane as it was when the device goes', async () => {
    const gone = (await GpuDevice.open({ software: true }))!;
    const marker = await GpuLumaMarker.create({ gpu: gone, width: 64, height: 32 });
    const mine = plane(64, 32);
    const marking = marker.mark(mine, pattern(64, 32), 1);
    gone.close();
    await expect(marking).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
    await expect(marker.mark(mine, pattern(64, 32), 1)).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
    expect(mine.data).toEqual(plane(64, 32).data);
  });
});
