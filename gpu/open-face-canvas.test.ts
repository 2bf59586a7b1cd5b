import { describe, expect, it } from 'vitest';
import type { CanvasOptions, FaceCanvas } from '../pipeline/face/canvas.ts';
import { CpuFaceCanvas } from '../pipeline/face/cpu-canvas.ts';
import { drawFace, trackedFaces } from '../pipeline/face/drawn-face.fixture.ts';
import { PackagedReanimator } from '../pipeline/face/packaged-reanimator.ts';
import type { ReanimatedPicture } from '../pipeline/ports/reanimator.ts';
import { measureCanvases } from './canvas-times.ts';
import { GpuDevice } from './gpu-device.ts';
import { GpuFaceCanvas } from './gpu-face-canvas.ts';
import { JOB_BYTES, MESH_BYTES } from './mouth-job.ts';
import { openFaceCanvas } from './open-face-canvas.ts';
import { faceMesh, lowerFace, mouthJob, paintedPicture, patchView } from './painted-face.ts';
import { borrowGpu } from './shared-gpu.ts';
import { type OpenedCanvas, SteadyCanvas } from './steady-canvas.ts';

const hasVulkan = await GpuDevice.open({ software: true }).then((gpu) => {
  gpu?.close();
  return gpu !== undefined;
});
const why = hasVulkan ? '' : ' (skipped: no adapter here, not even software Vulkan)';

const { signal } = new AbortController();
const call = { signal, priority: 'upload' } as const;
const format = { widthPx: 96, heightPx: 80, colour: { matrix: 'bt601', range: 'limited' } } as const;
const place = { x: 48, y: 36, eyesPx: 30 };
const mesh = faceMesh(place);
const picture = paintedPicture(format);

function begin(canvas: FaceCanvas) {
  const slot = canvas.load(picture);
  const patch = patchView(canvas.keepPatch(slot, lowerFace(mesh, format))!, mesh);
  return { slot, patch, draw: () => canvas.render(slot, [mouthJob({ slot, place, patch, openingPx: 4 })]) };
}

async function openGpu(): Promise<OpenedCanvas & { readonly gpu: GpuDevice }> {
  const { gpu, giveBack } = (await borrowGpu({ software: true }))!;
  return { gpu, canvas: await GpuFaceCanvas.create({ format, gpu }), gone: gpu.gone, giveBack };
}

describe('openFaceCanvas', () => {
  it('draws on whatever there is to draw on', async () => {
    const canvas = await openFaceCanvas({ format, signal });
    const { draw } = begin(canvas);
    const cpu = new CpuFaceCanvas({ format });
    const [made, wanted] = [await draw(), await begin(cpu).draw()];
    expect(made.filter((value, i) => Math.abs(value - wanted[i]!) > 2).length).toBeLessThan(40);
    expect(made).not.toEqual(picture.bytes);
    canvas.close();
    canvas.close();
    expect(() => canvas.load(picture)).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_CLOSED' }));
  });

  it.skipIf(!hasVulkan)(`shares one device among a thread's canvases${why}`, async () => {
    const [first, second] = await Promise.all([openGpu(), openGpu()]);
    expect(first.gpu).toBe(second.gpu);
    for (const { canvas, giveBack } of [first, second]) {
      expect(first.gpu.gone.aborted).toBe(false);
      canvas.close();
      giveBack!();
      giveBack!();
    }
    expect(first.gpu.gone.aborted).toBe(true);
  });

  it.skipIf(!hasVulkan)(`measures both${why}`, async () => {
    const { cpuMs, gpu } = await measureCanvases({ format, software: true });
    expect(cpuMs).toBeGreaterThan(0);
    expect(gpu!.ms).toBeGreaterThan(0);
    expect(gpu!.budgetBytes).toBeGreaterThan(1e6);
  });

  it('can be given up', async () => {
    const stopped = openFaceCanvas({ format, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
  });
});

describe.skipIf(!hasVulkan)(`openFaceCanvas, as memory runs out${why}`, () => {
  const memory = expect.objectContaining({ code: 'LIVEDUB_E_GPU_MEMORY' });

  /** A canvas on the GPU, what it told, and the memory that others leave it. */
  async function opened(options: Partial<CanvasOptions> = {}) {
    const { gpu, giveBack } = (await borrowGpu({ software: true }))!;
    const told: unknown[][] = [];
    const canvas = await openFaceCanvas({
      ...{ format, signal, software: true, onCanvas: (...what) => told.push(what) },
      ...options,
    });
    return {
      ...{ gpu, canvas, told },
      leave(bytes: number) {
        const { limitBytes, usedBytes } = gpu.budget;
        return gpu.budget.reserve(limitBytes - usedBytes - bytes, 'Another');
      },
      close() {
        canvas.close();
        giveBack();
      },
    };
  }

  it('goes over to the processor when a larger mouth does not fit, and says so once', async () => {
    const { gpu, canvas, told, leave, close } = await opened();
    const small = { x: 48, y: 36, eyesPx: 12 };
    const slot = canvas.load(picture);
    const patch = patchView(canvas.keepPatch(slot, lowerFace(faceMesh(small), format))!, faceMesh(small));
    const drawAt = (where: typeof place) =>
      canvas.render(slot, [mouthJob({ slot, place: where, patch, openingPx: 2 })]);
    expect(await drawAt(small)).not.toEqual(picture.bytes);
    const giveBack = leave(JOB_BYTES + MESH_BYTES + 1000);
    // Two renditions at a time, and one that waits for memory of its own until the canvas is closed.
    const job = mouthJob({ slot, place, patch, openingPx: 2 });
    const [first, second, third] = await Promise.allSettled([
      ...[drawAt(place), drawAt(place)],
      canvas.render(slot, [job, job]),
    ]);
    expect([first, second]).toEqual([first, second].map(() => ({ status: 'rejected', reason: memory })));
    expect(third!.status).toBe('rejected');
    while (canvas.on !== 'cpu') await new Promise(setImmediate);
    expect(canvas.epoch).toBe(1);
    const cpu = new CpuFaceCanvas({ format });
    expect(await begin(canvas).draw()).toEqual(await begin(cpu).draw());
    expect(told).toEqual([
      [gpu.info.description, undefined],
      ['cpu', memory],
    ]);
    // What it had is there for others, and the device is as it was.
    giveBack();
    const other = await openFaceCanvas({ format, signal, software: true });
    expect(other.on).toBe(gpu.info.description);
    expect(await begin(other).draw()).not.toEqual(picture.bytes);
    other.close();
    close();
    expect(gpu.budget.usedBytes).toBe(0);
  });

  it('goes over when hardly any mouths fit, and stays where enough do', async () => {
    const rect = lowerFace(mesh, format);
    const patchBytes = 4 * rect.widthPx * rect.heightPx;
    for (const [fit, on] of [
      [20, 'gpu'],
      [10, 'cpu'],
    ] as const) {
      const { canvas, told, leave, close } = await opened();
      const slot = canvas.load(picture);
      const giveBack = leave((fit + 0.5) * patchBytes);
      const kept = Array.from({ length: fit }, () => canvas.keepPatch(slot, rect));
      expect(kept).not.toContain(undefined);
      expect(canvas.keepPatch(slot, rect)).toBeUndefined();
      await new Promise(setImmediate);
      expect(canvas.on === 'cpu').toBe(on === 'cpu');
      expect(told.slice(1)).toEqual(on === 'cpu' ? [['cpu', memory]] : []);
      if (on === 'gpu') {
        canvas.dropPatch(kept[0]!);
        expect(canvas.keepPatch(slot, rect)).toBeDefined();
      }
      giveBack();
      close();
    }
  });

  it('lets a face that comes nearer follow the dub again, on the processor, after a moment as filmed', async () => {
    const large = { widthPx: 320, heightPx: 240, colour: { matrix: 'bt601', range: 'full' } } as const;
    const { canvas, told, leave, close } = await opened({ format: large, maxPictures: 64 });
    const reanimator = new PackagedReanimator({ openCanvas: async () => canvas });
    const reanimation = await reanimator.open({ format: large });
    reanimation.addRendition('es');
    reanimation.speech('es', { kind: 'dubbed-span', startUs: 0, endUs: 60_000_000 });
    reanimation.speech('es', { kind: 'known', untilUs: 60_000_000 });
    const out: ReanimatedPicture[] = [];
    const push = async (i: number) => {
      const mediaTimeUs = i * 40_000;
      const opening = 0.06 + 0.05 * Math.sin(i * 0.75);
      const drawn = drawFace({ opening, mediaTimeUs, scalePx: i < 60 ? 80 : 90 });
      out.push(...(await reanimation.push(drawn.picture, trackedFaces(mediaTimeUs, [drawn.face]), call)));
    };
    for (let i = 0; i < 60; i += 1) await push(i);
    const giveBack = leave(0);
    for (let i = 60; i < 120; i += 1) await push(i);
    const verdicts = out.map(({ renditions }) => renditions.get('es')!.verdict);
    expect(verdicts[45]).toMatchObject({ strength: 1 });
    expect(verdicts.filter(({ guard }) => guard === 'failed').length).toBeGreaterThan(0);
    expect(verdicts.at(-1)).toMatchObject({ strength: 1 });
    expect(told.at(-1)).toEqual(['cpu', memory]);
    giveBack();
    reanimation.close();
    close();
  });

  it('begins on the processor where pictures of this size do not fit', async () => {
    const { gpu, leave, close } = await opened();
    const giveBack = leave(100_000);
    const large = { ...format, widthPx: 640, heightPx: 360 };
    const told: unknown[][] = [];
    const canvas = await openFaceCanvas({
      ...{ format: large, signal, software: true, onCanvas: (...what) => told.push(what) },
    });
    expect(canvas.on).toBe('cpu');
    expect(told).toEqual([['cpu', memory]]);
    expect(gpu.gone.aborted).toBe(false);
    canvas.close();
    giveBack();
    close();
  });
});

describe.skipIf(!hasVulkan)(`SteadyCanvas${why}`, () => {
  it('loses what it held with the device, draws nothing until another is open, then draws again', async () => {
    const first = await openGpu();
    let open!: (next: OpenedCanvas) => void;
    const reopened = new Promise<OpenedCanvas>((resolve) => {
      open = resolve;
    });
    const canvas = new SteadyCanvas({ first, reopen: () => reopened });
    const before = begin(canvas);
    const wanted = await before.draw();

    const told = new Promise((resolve) => first.gpu.gone.addEventListener('abort', resolve));
    first.gpu.device.destroy();
    await told;
    const lost = { code: 'LIVEDUB_E_ENGINE_FAILED' };
    expect(canvas.epoch).toBe(1);
    await expect(before.draw()).rejects.toMatchObject(lost);
    expect(() => canvas.load(picture)).toThrow(expect.objectContaining(lost));
    canvas.release(before.slot);
    canvas.dropPatch(before.patch.id);

    const second = await openGpu();
    expect(second.gpu).not.toBe(first.gpu);
    open(second);
    await new Promise(setImmediate);
    const after = begin(canvas);
    expect(after.slot).not.toBe(before.slot);
    expect(await after.draw()).toEqual(wanted);
    await expect(before.draw()).rejects.toMatchObject({ code: 'LIVEDUB_E_BAD_REQUEST' });
    expect(canvas.epoch).toBe(1);
    canvas.close();
    expect(second.gpu.gone.aborted).toBe(true);
  });

  it('goes on with the processor', async () => {
    const first = await openGpu();
    const canvas = new SteadyCanvas({
      first,
      reopen: async () => ({ canvas: new CpuFaceCanvas({ format }) }),
    });
    const rendering = begin(canvas).draw();
    first.gpu.device.destroy();
    await expect(rendering).rejects.toMatchObject({ code: 'LIVEDUB_E_ENGINE_FAILED' });
    while (canvas.on !== 'cpu') await new Promise(setImmediate);
    expect(await begin(canvas).draw()).not.toEqual(picture.bytes);
    expect(canvas.epoch).toBe(1);
    canvas.close();
  });

  it('closes a canvas that is opened too late', async () => {
    const first = await openGpu();
    const late = new CpuFaceCanvas({ format });
    let opened = false;
    const canvas = new SteadyCanvas({
      first,
      reopen: async () => {
        canvas.close();
        return { canvas: late, giveBack: () => (opened = true) };
      },
    });
    first.gpu.device.destroy();
    while (!opened) await new Promise(setImmediate);
    expect(() => canvas.load(picture)).toThrow();
  });
});
