import { openFaceTracker } from '../../models/engines/face/open-face-tracker.ts';
import { CpuFaceCanvas } from '../../pipeline/face/cpu-canvas.ts';
import type { FaceTracker } from '../../pipeline/ports/face-tracker.ts';
import type { Reanimator } from '../../pipeline/ports/reanimator.ts';
import { openReanimator } from '../../server/face/open-reanimator.ts';

export interface FaceEngines {
  readonly tracker: FaceTracker;
  readonly reanimator: Reanimator;
  close(): Promise<void>;
}

/**
 * What a face thread without a GPU works with, in this thread.
 * @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT
 */
export async function openFaceEngines(signal: AbortSignal): Promise<FaceEngines> {
  const tracker = await openFaceTracker({ signal });
  const reanimator = await openReanimator({
    signal,
    openCanvas: async (options) => new CpuFaceCanvas(options),
  });
  return {
    tracker,
    reanimator,
    close: async () => {
      await reanimator.close();
      await tracker.close();
    },
  };
}
