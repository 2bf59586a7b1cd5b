import { openFaceTracker } from '../../models/engines/face/open-face-tracker.ts';
import type { CanvasOptions, FaceCanvas } from '../../pipeline/face/canvas.ts';
import { CpuFaceCanvas } from '../../pipeline/face/cpu-canvas.ts';
import type { FaceTracker } from '../../pipeline/ports/face-tracker.ts';
import type { Reanimator } from '../../pipeline/ports/reanimator.ts';
import { openReanimator } from './open-reanimator.ts';

export interface FaceEngines {
  readonly tracker: FaceTracker;
  readonly reanimator: Reanimator;
}

export interface OpenFaceEnginesOptions {
  readonly signal: AbortSignal;
  /** Told where the pixels of a stream are made, `cpu` or the GPU's name, as each begins. */
  readonly onCanvas: (on: string) => void;
}

/**
 * Opens what finds faces and what moves them, on the calling thread.
 * @throws as `openFaceTracker` and `openReanimator`
 */
export async function openFaceEngines(options: OpenFaceEnginesOptions): Promise<FaceEngines> {
  const { signal, onCanvas } = options;
  const tracker = await openFaceTracker({ signal });
  const openCanvas = async (wanted: CanvasOptions): Promise<FaceCanvas> => {
    const canvas = new CpuFaceCanvas(wanted);
    onCanvas(canvas.on);
    return canvas;
  };
  const { describe } = tracker;
  const reanimator = await openReanimator({ signal, openCanvas, ...(describe ? { describe } : {}) });
  return { tracker, reanimator };
}
