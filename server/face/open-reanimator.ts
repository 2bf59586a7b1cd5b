import type { SessionPool } from '../../models/session-pool.ts';
import { ModelStore } from '../../models/store/model-store.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { CanvasOptions, FaceCanvas } from '../../pipeline/face/canvas.ts';
import type { DescribeFace } from '../../pipeline/face/people.ts';
import type { Reanimator } from '../../pipeline/ports/reanimator.ts';

/** `best`: a network that is installed and keeps up, else what is packaged. */
export const FACE_ENGINES = ['best', 'packaged', 'musetalk', 'wav2lip'] as const;
export type FaceEngine = (typeof FACE_ENGINES)[number];

export interface OpenReanimatorOptions {
  readonly signal: AbortSignal;
  readonly openCanvas: (options: CanvasOptions) => Promise<FaceCanvas>;
  /** Tells who a face is. Default: after a cut everybody is somebody new. */
  readonly describe?: DescribeFace;
  /** Default: LIVEDUB_FACE_ENGINE, else `best`. */
  readonly engine?: FaceEngine;
  /** Default: a store with the environment's settings. */
  readonly store?: ModelStore;
  /** Default: a pool of the engine's own. */
  readonly pool?: SessionPool;
  /** Told why an installed engine was not taken. */
  readonly onPassedOver?: (engine: string, why: string) => void;
}

/** @throws LIVEDUB_E_BAD_REQUEST */
export function faceEngineFromEnv(env: NodeJS.ProcessEnv = process.env): FaceEngine {
  const name = env.LIVEDUB_FACE_ENGINE || 'best';
  const engine = FACE_ENGINES.find((known) => known === name);
  if (engine !== undefined) return engine;
  throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `LIVEDUB_FACE_ENGINE is ${name}.`, {
    remedy: `Set it to one of ${FACE_ENGINES.join(', ')}.`,
  });
}

/**
 * Opens the engine that moves mouths. An engine that was asked for by name is opened or fails; `best` never fails for a network.
 * @throws LIVEDUB_E_BAD_REQUEST, LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT, LIVEDUB_E_MODEL_LICENCE, LIVEDUB_E_ABORTED
 */
export async function openReanimator(options: OpenReanimatorOptions): Promise<Reanimator> {
  const { signal, openCanvas, describe, engine = faceEngineFromEnv(), store = new ModelStore() } = options;
  signal.throwIfAborted();
  void engine;
  void store;
  const { PackagedReanimator } = await import('../../pipeline/face/packaged-reanimator.ts');
  return new PackagedReanimator({ openCanvas, ...(describe ? { describe } : {}) });
}
