import { afterAll, describe, expect, it } from 'vitest';
import { cutCrop, pasteCrop, placeCrop } from '../pipeline/face/affine-paste.ts';
import { smoothedLandmarks } from '../pipeline/face/landmark-window.ts';
import { type PictureFormat, planeLayout } from '../pipeline/face/picture.ts';
import { fromRgb, toRgb } from '../pipeline/face/pixels/colour-convert.ts';
import { GPUBufferUsage, GpuDevice } from './gpu-device.ts';
import { paintedPicture } from './painted-face.ts';
import { PictureKernels } from './picture-kernels.ts';
import { FeatureRing } from './rings/feature-ring.ts';
import { PictureRing } from './rings/picture-ring.ts';
import { downloader, uploadBytes } from './transfer.ts';

const gpu = await GpuDevice.open({ software: true });
afterAll(() => gpu?.close());
const why = gpu ? '' : ' (skipped: no adapter here, not even software Vulkan)';

const FORMATS: readonly PictureFormat[] = (['bt601', 'bt709'] as const).flatMap((matrix, i) =>
  (['limited', 'full'] as const).map((range, j) => ({
    ...{ widthPx: 64 - i, heightPx: 48 - j },
    colour: { matrix, range },
  })),
);
const cases = FORMATS.map(
  (format) =>
    [
      `${format.colour.matrix}, ${format.colour.range}, ${format.widthPx}×${format.heightPx}`,
      format,
    ] as const,
);

async function open(format: PictureFormat) {
  const ring = await PictureRing.onGpu({ ...format, slots: 3, policy: 'drop-oldest', gpu: gpu! });
  const kernels = await PictureKernels.create({ gpu: gpu!, format });
  const picture = paintedPicture(format);
  return { ring, kernels, picture, slot: ring.tryWrite(picture.bytes, 0)! };
}

function floats(values: Float32Array | number) {
  const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
  const length = typeof values === 'number' ? values : values.length;
  const { buffer } = gpu!.memory({
    label: 'floats',
    bytes: 4 * length,
    usage: STORAGE | COPY_DST | COPY_SRC,
  });
  if (typeof values !== 'number') uploadBytes(gpu!, buffer, new Uint8Array(values.buffer));
  return buffer;
}

async function fetched(buffer: GPUBuffer): Promise<Float32Array> {
  const download = downloader(gpu!, buffer.size);
  const bytes = await download.fetch(buffer);
  download.close();
  return new Float32Array(bytes.buffer);
}

function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = Math.abs(a.length - b.length);
  for (let i = 0; i < a.length; i += 1) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

describe.skipIf(!gpu)(`PictureKernels${why}`, () => {
  it.each(cases)('turns planes into colours and back as the processor does: %s', async (_name, format) => {
    const { ring, kernels, picture, slot } = await open(format);
    const whole = { x: 0, y: 0, widthPx: format.widthPx, heightPx: format.heightPx };
    const colours = await PictureRing.onGpu({ ...format, layout: 'rgba', slots: 1, gpu: gpu! });
    const rgba = colours.tryFill((place) => kernels.toRgba(ring.place(slot), whole, place), 0)!;
    const back = ring.tryFill((place) => kernels.fromRgba(colours.place(rgba), place), 0)!;
    const pixels = whole.widthPx * whole.heightPx;
    const wanted = toRgb(picture, whole, new Uint8ClampedArray(3 * pixels));
    const got = (await colours.mirror(rgba)).filter((_, i) => i % 4 !== 3);
    expect(farthest(got, wanted.data)).toBeLessThanOrEqual(1);
    const planes = new Uint8Array(planeLayout(format).totalBytes);
    fromRgb(
      { ...whole, data: Float32Array.from(wanted.data) },
      new Uint8Array(pixels).fill(1),
      format,
      planes,
    );
    expect(farthest(await ring.mirror(back), planes)).toBeLessThanOrEqual(1);
    expect([ring.counts.uploads, colours.counts.uploads]).toEqual([1, 0]);
    for (const one of [ring, colours, kernels]) one.close();
  });

  it.each(cases)(
    'cuts scaled, turned crops and pastes them as the processor does: %s',
    async (_name, format) => {
      const { ring, kernels, picture, slot } = await open(format);
      for (const place of [
        placeCrop({ centreX: 30.3, centreY: 22.1, widthPx: 33, heightPx: 28, angleRad: 0.4 }, 24),
        placeCrop({ centreX: 60, centreY: 44, widthPx: 50, heightPx: 50, angleRad: -1 }, 12),
      ]) {
        const cut = floats(3 * place.sizePx ** 2);
        kernels.cutCrop(ring.place(slot), place, cut);
        const crop = cutCrop(picture, place);
        // 0.01 of a level.
        expect(farthest(await fetched(cut), crop)).toBeLessThan(0.01 / 255);

        const rgb = crop.map((value, i) => (i % 5 === 0 ? 1 - value : value));
        const alpha = Float32Array.from({ length: 64 }, (_, i) => (i % 8 === 0 ? 0 : Math.min(1, i / 40)));
        const mask = { sizePx: 8, alpha };
        const wanted = picture.bytes.slice();
        const rect = pasteCrop(wanted, format, { place, rgb, mask, opacity: 0.9 })!;
        const made = ring.tryFill((to) => {
          const encoder = gpu!.device.createCommandEncoder();
          encoder.copyBufferToBuffer(ring.place(slot), 0, to, 0, to.size);
          gpu!.device.queue.submit([encoder.finish()]);
          const job = { place, rgb: floats(rgb), mask, maskAlpha: floats(alpha), opacity: 0.9, rect };
          kernels.pasteCrop(ring.place(slot), job, to);
        }, 0)!;
        const got = await ring.mirror(made);
        expect(farthest(got, wanted)).toBeLessThanOrEqual(1);
        expect(got.filter((value, i) => value !== wanted[i]).length).toBeLessThan(0.005 * got.length);
        expect(wanted).not.toEqual(picture.bytes);
      }
      ring.close();
      kernels.close();
    },
  );

  it('frees landmarks of tremor as the processor does', async () => {
    const kernels = await PictureKernels.create({ gpu: gpu!, format: FORMATS[0]! });
    const ring = await FeatureRing.onGpu({
      columns: 3 * 468,
      rows: 6,
      windowRows: 5,
      gpu: gpu!,
      policy: 'drop-oldest',
    });
    const landmarks = Array.from({ length: 8 }, (_, row) =>
      Float32Array.from(
        { length: 3 * 468 },
        (_, i) => 100 + (i % 200) + Math.sin(i * 7 + row * 5) + (i > 900 ? 3 * row : 0),
      ),
    );
    for (const row of landmarks) ring.tryWrite(row);
    const window = landmarks.slice(3).map((row, i) => ({
      ...{ mediaTimeUs: 40_000 * i, isCut: false },
      faces: [{ id: 1, landmarks: row, confidence: 1 }],
    }));
    const wanted = smoothedLandmarks(window, window[2]!, 1)!;
    const times = window.map(({ mediaTimeUs }) => Math.abs(mediaTimeUs - 80_000));
    const weights = Float32Array.from(times, (us) =>
      us > 90_000 ? 0 : Math.exp(-(us ** 2) / (2 * 39_000 ** 2)),
    );
    const smooth = floats(3 * 468);
    kernels.smoothLandmarks(ring.place(3, 5), { points: 468, rows: 5, centre: 2 }, floats(weights), smooth);
    expect(farthest(await fetched(smooth), wanted)).toBeLessThan(0.001);
    ring.close();
    kernels.close();
  });
});
