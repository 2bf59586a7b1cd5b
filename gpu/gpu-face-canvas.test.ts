import { afterAll, describe, expect, it } from 'vitest';
import type { FaceCanvas, MouthJob } from '../pipeline/face/canvas.ts';
import { CpuFaceCanvas } from '../pipeline/face/cpu-canvas.ts';
import { type PictureFormat, planeLayout } from '../pipeline/face/picture.ts';
import { GpuDevice } from './gpu-device.ts';
import { GpuFaceCanvas } from './gpu-face-canvas.ts';
import { KernelTimer } from './kernel-runner.ts';
import {
  type FacePlace,
  faceMesh,
  lipWork,
  lowerFace,
  mouthJob,
  paintedPicture,
  patchView,
} from './painted-face.ts';

const gpu = await GpuDevice.open({ software: true });
afterAll(() => gpu?.close());
const why = gpu ? `on ${gpu.info.description}` : '(skipped: no adapter here, not even software Vulkan)';

const colour = { matrix: 'bt601', range: 'limited' } as const;
const format: PictureFormat = { widthPx: 160, heightPx: 140, colour };
const place: FacePlace = { x: 80, y: 62, eyesPx: 52 };

/** Draws the same with both, and says how far apart they are. */
async function compare(
  options: { readonly format?: PictureFormat; readonly place?: FacePlace },
  jobsOf: (canvas: FaceCanvas, slot: number) => readonly (readonly MouthJob[])[],
) {
  const used = { format, place, ...options };
  const canvases = [new CpuFaceCanvas(used), await GpuFaceCanvas.create({ ...used, gpu: gpu! })] as const;
  const picture = paintedPicture(used.format);
  const made: Uint8Array[][] = [];
  for (const canvas of canvases) {
    const slot = canvas.load(picture);
    const pictures: Uint8Array[] = [];
    for (const jobs of jobsOf(canvas, slot)) pictures.push(await canvas.render(slot, jobs));
    made.push(pictures);
    canvas.close();
    canvas.close();
  }
  const [wanted, got] = [made[0]!.at(-1)!, made[1]!.at(-1)!];
  let [touched, off, onlyOne, most] = [0, 0, 0, 0];
  for (const [i, before] of picture.bytes.entries()) {
    const isTouched = wanted[i] !== before || got[i] !== before;
    if (!isTouched) continue;
    touched += 1;
    const difference = Math.abs(wanted[i]! - got[i]!);
    most = Math.max(most, difference);
    if (difference > 2) off += 1;
    if (difference > 1 && (got[i] === before) !== (wanted[i] === before)) onlyOne += 1;
  }
  return {
    wanted,
    got,
    picture,
    touched,
    offShare: off / Math.max(1, touched),
    onlyOneShare: onlyOne / Math.max(1, touched),
    most,
  };
}

/** A patch of another picture's mouth, opened. */
function keptPatch(
  canvas: FaceCanvas,
  { format: its, place: at } = { format, place },
  seed = 2,
  openingPx = 6,
) {
  const slot = canvas.load(paintedPicture(its, seed));
  const mesh = faceMesh({ ...at, x: at.x + 3 }, openingPx);
  const id = canvas.keepPatch(slot, lowerFace(mesh, its))!;
  canvas.release(slot);
  return patchView(id, mesh);
}

describe.skipIf(!gpu)(`GpuFaceCanvas ${why}`, () => {
  const cases: readonly [
    string,
    Parameters<typeof compare>[0],
    Partial<MouthJob> & { readonly lips?: boolean },
  ][] = [
    ['of BT.601, limited range', {}, {}],
    ['half seen', {}, { opacity: 0.5 }],
    ['without a patch', {}, { opacity: 0 }],
    ['with lips that close and a cavity', {}, { lips: true }],
    [
      'of BT.709, full range, odd sizes',
      { format: { widthPx: 157, heightPx: 139, colour: { matrix: 'bt709', range: 'full' } } },
      {},
    ],
    ['that hangs over the edge of the picture', { place: { x: 130, y: 100, eyesPx: 60 } }, {}],
  ];

  it.each(cases)('draws a mouth %s as the processor does', async (_what, options, { lips, ...more }) => {
    const used = { format, place, ...options };
    const target = faceMesh(used.place, 8);
    const extra = lips ? { ...more, ...lipWork(target, used.place) } : more;
    const { touched, offShare, onlyOneShare, picture, wanted, got } = await compare(
      options,
      (canvas, slot) => [
        [mouthJob({ slot, place: used.place, patch: keptPatch(canvas, used), openingPx: 8, more: extra })],
      ],
    );
    expect(touched).toBeGreaterThan(400);
    // More than two levels apart: pixels on the borders of triangles, where the mesh folds.
    expect(offShare).toBeLessThan(0.005);
    expect(onlyOneShare).toBeLessThan(0.005);
    expect(wanted).not.toEqual(picture.bytes);
    expect(got.length).toBe(planeLayout(used.format).totalBytes);
  });

  it('carries the colour of a stream on, averages at a jump, and draws two mouths in one picture', async () => {
    const other = { x: 50, y: 50, eyesPx: 30 };
    const { offShare, onlyOneShare } = await compare({}, (canvas, slot) => {
      const patch = keptPatch(canvas);
      const former = keptPatch(canvas, { format, place }, 3, 3);
      const first = mouthJob({ slot, place, patch: former, openingPx: 4 });
      const second = mouthJob({ slot, place, patch, openingPx: 8, more: { former, fresh: false } });
      const beside = mouthJob({ slot, place: other, patch, openingPx: 3, more: { stream: 1 } });
      return [[first], [second, beside]];
    });
    expect(offShare).toBeLessThan(0.005);
    expect(onlyOneShare).toBeLessThan(0.005);
  });

  it('gives the picture as it was where there is nothing to draw', async () => {
    const { got, picture } = await compare({}, (canvas, slot) => [
      [],
      [mouthJob({ slot, place: { x: -900, y: 0, eyesPx: 40 }, patch: keptPatch(canvas), openingPx: 8 })],
    ]);
    expect(got).toEqual(picture.bytes);
  });

  it('renders several renditions at a time, each by itself', async () => {
    const canvas = await GpuFaceCanvas.create({ format, gpu: gpu! });
    const slot = canvas.load(paintedPicture(format));
    const patch = keptPatch(canvas);
    const jobs = [2, 5, 9].map((openingPx, stream) =>
      mouthJob({ slot, place, patch, openingPx, more: { stream } }),
    );
    const together = await Promise.all(jobs.map((job) => canvas.render(slot, [job])));
    for (const [i, job] of jobs.entries()) expect(await canvas.render(slot, [job])).toEqual(together[i]);
    expect(together[0]).not.toEqual(together[2]);
    expect(canvas.transfers).toMatchObject({ uploads: 2, readBacks: 6, jobs: 6 });
    canvas.close();
  });

  it('holds no more pictures and patches than it may, and none of another size', async () => {
    const bad = expect.objectContaining({ code: 'LIVEDUB_E_BAD_REQUEST' });
    const canvas = await GpuFaceCanvas.create({ format, maxPictures: 2, maxPatches: 1, gpu: gpu! });
    const picture = paintedPicture(format);
    const [first] = [canvas.load(picture), canvas.load(picture)];
    expect(() => canvas.load(picture)).toThrow(bad);
    const patch = canvas.keepPatch(first, { x: 0, y: 0, widthPx: 9, heightPx: 9 });
    expect(canvas.keepPatch(first, { x: 0, y: 0, widthPx: 9, heightPx: 9 })).toBeUndefined();
    canvas.dropPatch(patch!);
    expect(canvas.keepPatch(first, { x: 0, y: 0, widthPx: 9, heightPx: 9 })).toBeDefined();
    canvas.release(first);
    await expect(canvas.render(first, [])).rejects.toMatchObject({ code: 'LIVEDUB_E_BAD_REQUEST' });
    expect(canvas.load(picture)).toBe(2);
    expect(() => canvas.load({ ...picture, widthPx: 150 })).toThrow(bad);
    canvas.close();
  });

  it('gives all its memory back, and asks for no more than the budget', async () => {
    const small = (await GpuDevice.open({ software: true, budgetBytes: 6_000_000 }))!;
    await expect(GpuFaceCanvas.create({ format, maxPictures: 1000, gpu: small })).rejects.toMatchObject({
      code: 'LIVEDUB_E_GPU_MEMORY',
    });
    expect(small.budget.usedBytes).toBe(0);
    const canvas = await GpuFaceCanvas.create({ format, maxPictures: 2, gpu: small });
    const slot = canvas.load(paintedPicture(format));
    const patch = keptPatch(canvas);
    await canvas.render(slot, [mouthJob({ slot, place, patch, openingPx: 5 })]);
    const rect = { x: 0, y: 0, widthPx: 160, heightPx: 140 };
    let kept = 0;
    while (canvas.keepPatch(slot, rect) !== undefined) kept += 1;
    expect(kept).toBeLessThan(64);
    expect(canvas.epoch).toBe(0);
    canvas.close();
    expect(small.budget.usedBytes).toBe(0);
    small.close();
  });

  it('says why the device is gone', async () => {
    const lost = (await GpuDevice.open({ software: true }))!;
    const canvas = await GpuFaceCanvas.create({ format, gpu: lost });
    const slot = canvas.load(paintedPicture(format));
    const rendering = canvas.render(slot, [
      mouthJob({ slot, place, patch: keptPatch(canvas), openingPx: 5 }),
    ]);
    lost.device.destroy();
    await expect(rendering).rejects.toMatchObject({ code: 'LIVEDUB_E_ENGINE_FAILED' });
    expect(() => canvas.load(paintedPicture(format))).toThrow(
      expect.objectContaining({ code: 'LIVEDUB_E_ENGINE_FAILED' }),
    );
    canvas.close();
  });

  it("times its kernels by the GPU's clock", async () => {
    const timer = KernelTimer.on(gpu!);
    if (timer === undefined) return;
    const canvas = await GpuFaceCanvas.create({ format, gpu: gpu!, timer });
    const slot = canvas.load(paintedPicture(format));
    const patch = keptPatch(canvas);
    for (let i = 0; i < 2; i += 1)
      await canvas.render(slot, [mouthJob({ slot, place, patch, openingPx: 5 })]);
    const names = ['film', 'number', 'warp', 'sum', 'solve', 'finish', 'write'];
    expect([...timer.ms.keys()]).toEqual(names);
    for (const times of timer.ms.values()) expect(times.length).toBe(2);
    canvas.close();
    timer.close();
  });
});
