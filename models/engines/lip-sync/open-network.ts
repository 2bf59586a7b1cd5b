import { availableParallelism } from 'node:os';
import type { SessionPool } from '../../session-pool.ts';
import type { ModelStore } from '../../store/model-store.ts';
import type { LipSyncNetwork } from './lip-sync-network.ts';
import { MuseTalk } from './musetalk.ts';
import { Wav2Lip } from './wav2lip.ts';

/** Manifest ids, better first. */
export const LIP_SYNC_NETWORKS = ['musetalk', 'wav2lip'] as const;
export type LipSyncNetworkId = (typeof LIP_SYNC_NETWORKS)[number];

export interface OpenNetworkOptions {
  readonly id: LipSyncNetworkId;
  readonly store: ModelStore;
  readonly pool: SessionPool;
  readonly gpu: boolean;
}

/**
 * Loads an installed network.
 * @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT, LIVEDUB_E_MODEL_LICENCE
 */
export async function openNetwork(options: OpenNetworkOptions): Promise<LipSyncNetwork> {
  const { id, store, pool, gpu } = options;
  const paths = await store.paths(id);
  const { version, licence } = store.model(id);
  // A core is left to whoever tracks faces and lays the results into pictures.
  const threads = gpu ? 1 : Math.max(1, Math.min(8, availableParallelism() - 1));
  const common = { pool, gpu, threads, info: { id, version, licence } };
  if (id === 'wav2lip') return Wav2Lip.load({ ...common, modelPath: paths.model! });
  return MuseTalk.load({
    ...common,
    paths: paths as Record<(typeof MuseTalk.requiredFiles)[number], string>,
  });
}
