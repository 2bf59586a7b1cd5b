import { findAdapter } from '../../gpu/find-adapter.ts';
import type { LipSyncNetwork } from '../../models/engines/lip-sync/lip-sync-network.ts';
import { KEEPS_UP_MS, measureNetwork } from '../../models/engines/lip-sync/measure-network.ts';
import { NeuralReanimator } from '../../models/engines/lip-sync/neural-reanimator.ts';
import {
  LIP_SYNC_NETWORKS,
  type LipSyncNetworkId,
  openNetwork,
} from '../../models/engines/lip-sync/open-network.ts';
import { SessionPool } from '../../models/session-pool.ts';
import { ModelStore } from '../../models/store/model-store.ts';
import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import type { CanvasOptions, FaceCanvas } from '../../pipeline/face/canvas.ts';
import { PackagedReanimator } from '../../pipeline/face/packaged-reanimator.ts';
import type { DescribeFace } from '../../pipeline/face/people.ts';
import type { Reanimator } from '../../pipeline/ports/reanimator.ts';

/** `best`: a network that is installed and keeps up, else what is packaged. */
export const FACE_ENGINES = ['best', 'packaged', ...LIP_SYNC_NETWORKS] as const;
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
  /** What `best` lets one face in one picture cost, ms. Default 36: 25 fps with one rendition. */
  readonly keepsUpMs?: number;
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
 * Opens the engine that moves mouths. An engine that was asked for by name is opened or fails; `best` never fails for a network, and
 * takes none that does not keep up here.
 * @throws LIVEDUB_E_BAD_REQUEST, LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT, LIVEDUB_E_MODEL_LICENCE, LIVEDUB_E_ABORTED
 */
export async function openReanimator(options: OpenReanimatorOptions): Promise<Reanimator> {
  const { openCanvas, describe, engine = faceEngineFromEnv() } = options;
  throwIfAborted(options.signal);
  if (engine !== 'packaged') {
    const neural = await openNeural(options, engine);
    if (neural !== undefined) return neural;
  }
  return new PackagedReanimator({ openCanvas, ...(describe ? { describe } : {}) });
}

async function openNeural(
  options: OpenReanimatorOptions,
  engine: Exclude<FaceEngine, 'packaged'>,
): Promise<Reanimator | undefined> {
  const { signal, store = new ModelStore(), pool = new SessionPool() } = options;
  const ownsPool = options.pool === undefined;
  let network: LipSyncNetwork | undefined;
  try {
    network =
      engine === 'best'
        ? await bestNetwork({ ...options, store, pool })
        : await namedNetwork(engine, { store, pool });
    throwIfAborted(signal);
  } catch (error) {
    await network?.close();
    if (ownsPool) await pool.close();
    throw error;
  }
  if (network !== undefined)
    return new NeuralReanimator({ network, ...(ownsPool ? { onClosed: () => pool.close() } : {}) });
  if (ownsPool) await pool.close();
  return undefined;
}

interface Places {
  readonly store: ModelStore;
  readonly pool: SessionPool;
}

/** On the GPU where there is one that can, else on the processor, however slow. */
async function namedNetwork(id: LipSyncNetworkId, places: Places): Promise<LipSyncNetwork> {
  if (await hasGpu()) {
    try {
      return await openNetwork({ ...places, id, gpu: true });
    } catch {
      // Tried on the processor; what is wrong with the files shows there, too.
    }
  }
  return openNetwork({ ...places, id, gpu: false });
}

async function bestNetwork(options: OpenReanimatorOptions & Places): Promise<LipSyncNetwork | undefined> {
  const { signal, store, pool, keepsUpMs = KEEPS_UP_MS, onPassedOver = () => {} } = options;
  for (const id of LIP_SYNC_NETWORKS) {
    if ((await store.status(id)).state !== 'installed') continue;
    for (const gpu of (await hasGpu()) ? [true, false] : [false]) {
      const where = gpu ? 'the GPU' : 'the processor';
      let network: LipSyncNetwork | undefined;
      try {
        network = await openNetwork({ store, pool, id, gpu });
        const ms = await measureNetwork(network, signal);
        if (ms <= keepsUpMs) return network;
        onPassedOver(id, `${Math.round(ms)} ms a picture on ${where}`);
      } catch (error) {
        throwIfAborted(signal);
        onPassedOver(id, `${toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED').message} (on ${where})`);
      }
      await network?.close();
    }
  }
  return undefined;
}

async function hasGpu(): Promise<boolean> {
  return (await findAdapter({ software: false })) !== undefined;
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted)
    throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: signal.reason });
}
