import { type OpenFaceCanvasOptions, openFaceCanvas } from '../../gpu/open-face-canvas.ts';
import { openFaceTracker } from '../../models/engines/face/open-face-tracker.ts';
import type { CanvasOptions } from '../../pipeline/face/canvas.ts';
import type { FaceTracker } from '../../pipeline/ports/face-tracker.ts';
import type { Reanimator } from '../../pipeline/ports/reanimator.ts';
import { openReanimator } from './open-reanimator.ts';

export interface FaceEngines {
  readonly tracker: FaceTracker;
  readonly reanimator: Reanimator;
  /** Engines that are installed and were not taken, and why. */
  readonly passedOver: readonly string[];
}

export interface OpenFaceEnginesOptions {
  readonly signal: AbortSignal;
  /** See OpenFaceCanvasOptions, for every stream. */
  readonly onCanvas: NonNullable<OpenFaceCanvasOptions['onCanvas']>;
}

/**
 * Opens what finds faces and what moves them, on the calling thread.
 * @throws as `openFaceTracker` and `openReanimator`
 */
export async function openFaceEngines(options: OpenFaceEnginesOptions): Promise<FaceEngines> {
  const { signal, onCanvas } = options;
  const tracker = await openFaceTracker({ signal });
  const openCanvas = (wanted: CanvasOptions) => openFaceCanvas({ ...wanted, signal, onCanvas });
  const { describe } = tracker;
  const passedOver: string[] = [];
  const reanimator = await openReanimator({
    ...{ signal, openCanvas, ...(describe ? { describe } : {}) },
    onPassedOver: (engine, why) => passedOver.push(`${engine}: ${why}`),
  });
  return { tracker, reanimator, passedOver };
}
