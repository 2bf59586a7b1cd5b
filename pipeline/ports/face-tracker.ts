import type { Picture } from '../face/picture.ts';
import type { EngineCall, EngineInfo } from './engine.ts';

/** Points of the face mesh (MediaPipe FaceMesh topology). */
export const FACE_POINTS = 468;

export interface TrackedFace {
  /** Stays while the face is followed within one shot; never given twice in a stream. */
  readonly id: number;
  /** FACE_POINTS × (x, y, z), px of the picture, pixel centres at whole numbers; z on the same scale, smaller is nearer. */
  readonly landmarks: Float32Array;
  /** 0…1: that there is a face where it is being followed. */
  readonly confidence: number;
  /** Centres of the irises, px, and their radius; the person's right one first. */
  readonly irises?: readonly { readonly x: number; readonly y: number; readonly radiusPx: number }[];
}

export interface TrackedPicture {
  readonly mediaTimeUs: number;
  /** First picture of another shot. The very first picture is none. */
  readonly isCut: boolean;
  /** Largest first. */
  readonly faces: readonly TrackedFace[];
}

/** Follows the faces of one stream. */
export interface FaceTracking {
  /**
   * Pictures in the order in which they are shown, all of one size; one call at a time.
   * @throws LIVEDUB_E_ENGINE_FAILED, LIVEDUB_E_ABORTED
   */
  track(picture: Picture, call: EngineCall): Promise<TrackedPicture>;
  /** Idempotent. */
  close(): void;
}

export interface FaceTrackingOptions {
  /** More are not followed: the largest are. Default 4. */
  readonly maxFaces?: number;
  /** Irises cost a run of a network per eye. Default false. */
  readonly irises?: boolean;
}

export interface FaceTracker {
  readonly info: EngineInfo;
  open(options?: FaceTrackingOptions): FaceTracking;
  /**
   * Who a face looks like: vectors of one person point the same way (cosine). Absent where no such network is installed.
   * @returns unit length
   */
  describe?(picture: Picture, face: TrackedFace, call: EngineCall): Promise<Float32Array>;
  close(): Promise<void>;
}
