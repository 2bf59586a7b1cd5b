import { describe, expect, it } from 'vitest';
import type { FaceCanvas } from '../pipeline/face/canvas.ts';
import { CpuFaceCanvas } from '../pipeline/face/cpu-canvas.ts';
import { measureCanvases } from './canvas-times.ts';
import { GpuDevice } from './gpu-device.ts';
import { GpuFaceCanvas } from './gpu-face-canvas.ts';
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
