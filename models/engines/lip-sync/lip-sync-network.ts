import type { CropBox } from '../../../pipeline/face/affine-paste.ts';
import type { EngineCall, EngineInfo } from '../../../pipeline/ports/engine.ts';
import type { VoiceTimeline } from './voice-timeline.ts';

/** One face in one picture of one rendition. */
export interface LipSyncJob {
  /** As filmed: [3][sizePx][sizePx] red, green, blue, 0…1. */
  readonly face: Float32Array;
  /** What `soundAt` gave for the picture. */
  readonly sound: Float32Array;
}

/** A network that makes a face say a sound. */
export interface LipSyncNetwork {
  readonly info: EngineInfo;
  /** Side of the square faces. */
  readonly sizePx: number;
  /** How much of the voice after a picture it listens to. */
  readonly lookAheadUs: number;
  /**
   * Where the network expects its face.
   * @param landmarks FACE_POINTS × (x, y, z), px
   */
  boxOf(landmarks: Float32Array): CropBox;
  /** What the network hears at a time of the channel's timeline. */
  soundAt(voice: VoiceTimeline, timeUs: number, call: EngineCall): Promise<Float32Array>;
  /**
   * Makes one face speak. Calls of all channels and renditions that are made while the network is busy are answered together.
   * @returns like `face`
   * @throws LIVEDUB_E_ABORTED, LIVEDUB_E_CHANNEL_OVERFLOW, LIVEDUB_E_CLOSED, LIVEDUB_E_ENGINE_FAILED
   */
  animate(job: LipSyncJob, call: EngineCall): Promise<Float32Array>;
  close(): Promise<void>;
}
