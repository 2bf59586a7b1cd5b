import { type LivedubError, toLivedubError } from '../pipeline/errors.ts';
import type { CanvasOptions, FaceCanvas } from '../pipeline/face/canvas.ts';
import { CpuFaceCanvas } from '../pipeline/face/cpu-canvas.ts';
import { type CanvasTimes, measureCanvases } from './canvas-times.ts';
import { isMemoryError } from './gpu-budget.ts';
import { GpuFaceCanvas } from './gpu-face-canvas.ts';
import { borrowGpu } from './shared-gpu.ts';
import { type OpenedCanvas, SteadyCanvas } from './steady-canvas.ts';

export interface OpenFaceCanvasOptions extends CanvasOptions {
  readonly signal: AbortSignal;
  /** As `GpuDeviceOptions.software`: takes software Vulkan whatever it costs, to check the way through it. Default false. */
  readonly software?: boolean;
  /**
   * Told where pixels are made, `cpu` or the GPU's name: at first, and again in place of a GPU that was lost or has too little memory;
   * `why` then says so. Default: nobody is told.
   */
  readonly onCanvas?: (on: string, why?: LivedubError) => void;
}

/** A GPU that is lost more often is not asked again. */
const MAX_LOSSES = 3;

/** Measured once for each size, by the thread that draws. */
const measured = new Map<string, Promise<CanvasTimes>>();

/**
 * A canvas for one channel's faces: on the GPU where there is one, where it holds such pictures, and where it draws them faster than
 * the processor, transfers included; else on the processor. A GPU that is lost on the way is opened anew, or replaced by the
 * processor; one whose memory has run out is left to whoever else draws on it. Pictures stay as filmed meanwhile (`SteadyCanvas`).
 * @throws LIVEDUB_E_ABORTED
 */
export async function openFaceCanvas(options: OpenFaceCanvasOptions): Promise<FaceCanvas> {
  const { onCanvas = () => undefined } = options;
  let full: LivedubError | undefined;
  const onFull = (error: LivedubError): void => {
    full = error;
  };
  const first = (await onGpu(options, onFull)) ?? onCpu(options);
  onCanvas(first.canvas.on, full);
  let losses = 0;
  return new SteadyCanvas({
    first,
    reopen: async (why) => {
      if (!isMemoryError(why)) losses += 1;
      const mayAsk = !isMemoryError(why) && losses < MAX_LOSSES;
      const again = mayAsk ? await onGpu(options, () => undefined).catch(() => undefined) : undefined;
      const next = again ?? onCpu(options);
      onCanvas(next.canvas.on, toLivedubError(why));
      return next;
    },
  });
}

function onCpu(options: CanvasOptions): OpenedCanvas {
  return { canvas: new CpuFaceCanvas(options) };
}

/** Undefined where it is not to be had, or not worth it; told when it is for want of memory. */
async function onGpu(
  options: OpenFaceCanvasOptions,
  onFull: (error: LivedubError) => void,
): Promise<OpenedCanvas | undefined> {
  const borrowed = await borrowGpu(options);
  if (borrowed === undefined) return undefined;
  const { gpu, giveBack } = borrowed;
  try {
    if (!options.software && !(await isFaster(options))) throw new Error('The processor is faster.');
    const canvas = await GpuFaceCanvas.create({ ...options, gpu });
    return { canvas, gone: AbortSignal.any([gpu.gone, canvas.full]), giveBack };
  } catch (error) {
    if (isMemoryError(error)) onFull(error);
    giveBack();
    return undefined;
  }
}

async function isFaster({ format }: OpenFaceCanvasOptions): Promise<boolean> {
  const size = `${format.widthPx} × ${format.heightPx}`;
  const measuring = measured.get(size) ?? measureCanvases({ format });
  measured.set(size, measuring);
  const { cpuMs, gpu } = await measuring;
  return gpu !== undefined && gpu.ms < cpuMs;
}
