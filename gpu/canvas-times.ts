import type { CanvasOptions, FaceCanvas } from '../pipeline/face/canvas.ts';
import { CpuFaceCanvas } from '../pipeline/face/cpu-canvas.ts';
import type { PictureFormat } from '../pipeline/face/picture.ts';
import type { GpuDevice } from './gpu-device.ts';
import { GpuFaceCanvas } from './gpu-face-canvas.ts';
import { faceMesh, lowerFace, mouthJob, paintedPicture, patchView } from './painted-face.ts';
import { borrowGpu } from './shared-gpu.ts';

const WARM_UP_PICTURES = 2;
const TIMED_PICTURES = 5;
/** Distance between the eyes of somebody who speaks to the camera, of the picture's shorter side. */
const EYES_SHARE = 0.2;
const OPENING_SHARE = 0.12;

/** What a rendition's picture with one mouth takes. */
export interface CanvasTimes {
  readonly cpuMs: number;
  /** The GPU's name and times, where there is one that can hold such pictures. */
  readonly gpu?: { readonly name: string; readonly ms: number; readonly budgetBytes: number };
}

/**
 * Draws a few pictures of this size on the processor and, where there is one, on the GPU.
 * @throws LIVEDUB_E_ABORTED
 */
export async function measureCanvases(options: {
  readonly format: PictureFormat;
  readonly signal?: AbortSignal;
  /** As `GpuDeviceOptions.software`. */
  readonly software?: boolean;
}): Promise<CanvasTimes> {
  const { format } = options;
  const cpu = new CpuFaceCanvas({ format });
  const cpuMs = await timeCanvas(cpu, { format });
  cpu.close();
  const borrowed = await borrowGpu(options);
  if (borrowed === undefined) return { cpuMs };
  try {
    const { gpu } = borrowed;
    const ms = await timeOnGpu(gpu, { format, maxPictures: 2, maxPatches: 1 });
    if (ms === undefined) return { cpuMs };
    return { cpuMs, gpu: { name: gpu.info.description, ms, budgetBytes: gpu.budget.limitBytes } };
  } finally {
    borrowed.giveBack();
  }
}

/** Undefined when the GPU cannot do it. */
async function timeOnGpu(gpu: GpuDevice, options: CanvasOptions): Promise<number | undefined> {
  let canvas: FaceCanvas | undefined;
  try {
    canvas = await GpuFaceCanvas.create({ ...options, gpu });
    return await timeCanvas(canvas, options);
  } catch {
    return undefined;
  } finally {
    canvas?.close();
  }
}

/** Median time of loading a picture and rendering one mouth in it, ms. */
export async function timeCanvas(
  canvas: FaceCanvas,
  options: { readonly format: PictureFormat; readonly pictures?: number },
): Promise<number> {
  const { format, pictures = TIMED_PICTURES } = options;
  const { widthPx, heightPx } = format;
  const picture = paintedPicture(format);
  const eyesPx = EYES_SHARE * Math.min(widthPx, heightPx);
  const place = { x: widthPx / 2, y: heightPx / 2, eyesPx };
  const mesh = faceMesh(place);
  const first = canvas.load(picture);
  const patch = canvas.keepPatch(first, lowerFace(mesh, format));
  canvas.release(first);
  const ms: number[] = [];
  for (let i = -WARM_UP_PICTURES; i < pictures; i += 1) {
    const startMs = performance.now();
    const slot = canvas.load(picture);
    const view = patchView(patch ?? -1, mesh);
    const job = mouthJob({ slot, place, patch: view, openingPx: OPENING_SHARE * eyesPx });
    await canvas.render(slot, [job]);
    canvas.release(slot);
    if (i >= 0) ms.push(performance.now() - startMs);
  }
  if (patch !== undefined) canvas.dropPatch(patch);
  return ms.sort((a, b) => a - b)[Math.floor(ms.length / 2)]!;
}
