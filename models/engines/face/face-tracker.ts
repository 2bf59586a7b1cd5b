import { toLivedubError } from '../../../pipeline/errors.ts';
import type { Picture } from '../../../pipeline/face/picture.ts';
import type { EngineCall, EngineInfo } from '../../../pipeline/ports/engine.ts';
import type {
  FaceTracker,
  FaceTracking,
  FaceTrackingOptions,
  TrackedFace,
} from '../../../pipeline/ports/face-tracker.ts';
import { areaOfMesh } from './face-areas.ts';
import { FaceFollowing } from './face-following.ts';
import type { FaceNetworks } from './face-networks.ts';

/** How large the square is that is described, in terms of the one that FaceMesh sees. */
const DESCRIBED = 0.8;

/**
 * Tracks faces with BlazeFace and FaceMesh (Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs",
 * 2019): the mesh of each picture says where to look in the next, and the detector is asked only when a face may be missing.
 */
export class FaceMeshTracker implements FaceTracker {
  readonly info: EngineInfo = { id: 'face-mesh', version: '3.3.6', licence: 'Apache-2.0' };
  readonly describe?: NonNullable<FaceTracker['describe']>;
  readonly #networks: FaceNetworks;
  #closing: Promise<void> | undefined;

  /** @param networks closed with the tracker */
  constructor(networks: FaceNetworks) {
    this.#networks = networks;
    if (networks.canDescribe) this.describe = (picture, face, call) => this.#describe(picture, face, call);
  }

  open(options: FaceTrackingOptions = {}): FaceTracking {
    return new FaceFollowing(this.#networks, options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#networks.close();
    return this.#closing;
  }

  async #describe(picture: Picture, face: TrackedFace, call: EngineCall): Promise<Float32Array> {
    try {
      call.signal.throwIfAborted();
      const area = areaOfMesh(face.landmarks);
      const vector = await this.#networks.describe(picture, { ...area, sizePx: area.sizePx * DESCRIBED });
      const length = Math.hypot(...vector!) || 1;
      return vector!.map((value) => value / length);
    } catch (error) {
      throw toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED');
    }
  }
}
