import type { SpeechUpdate } from '../face/dubbed-speech.ts';
import type { Picture, PictureFormat } from '../face/picture.ts';
import type { EngineCall, EngineInfo } from './engine.ts';
import type { TrackedPicture } from './face-tracker.ts';

/** Why a face stays as it was filmed. */
export const FACE_GUARDS = [
  /** Nobody is seen, or nobody who speaks. */
  'no-face',
  /** Turned or tilted too far. */
  'profile',
  /** Something is before the mouth. */
  'occluded',
  /** The mouth or the jaw is not in the picture. */
  'cropped',
  'small',
  'blurred',
  /** The tracker is not sure. */
  'uncertain',
  /** The first pictures of a shot. */
  'cut',
  /** Too few pictures of this mouth were seen yet. */
  'learning',
  /** The channel has no consent for faces. */
  'no-consent',
  /** An engine failed or was too slow for this picture. */
  'failed',
] as const;

export type FaceGuard = (typeof FACE_GUARDS)[number];

/** What became of the face in one picture of one rendition. */
export interface FaceVerdict {
  /** 0: as filmed; 1: speaks the dub. */
  readonly strength: number;
  /** Present while the rendition speaks and the face does not follow it, or not fully. */
  readonly guard?: FaceGuard;
  /** The face that is moved, id of the tracker. */
  readonly faceId?: number;
  /** Where the lips should be: opening 0…1 of the speaker's range, width −1 (round) … 1 (spread); for views that explain. */
  readonly mouth?: { readonly opening: number; readonly width: number };
}

export interface ReanimatedRendition {
  /** Planes of the picture. The original's own bytes where nothing was changed: do not write into them. */
  readonly bytes: Uint8Array;
  readonly verdict: FaceVerdict;
}

export interface ReanimatedPicture {
  readonly original: Picture;
  readonly tracked: TrackedPicture;
  /** By rendition. */
  readonly renditions: ReadonlyMap<string, ReanimatedRendition>;
}

export interface ReanimationOptions {
  readonly format: PictureFormat;
  /** Pictures wait so much longer than they must, so that more of a face was seen before its first is made, µs. Default 0. */
  readonly aheadUs?: number;
}

/** The faces of one channel: pictures in, pictures of every rendition out, in order, some pictures later. */
export interface Reanimation {
  /** A picture comes out once what follows it for so long was pushed, and the speech until then is known, µs. */
  readonly lookAheadUs: number;
  addRendition(rendition: string): void;
  removeRendition(rendition: string): void;
  /** What is said in a rendition; must be told before the pictures that need it are pushed, or they stay as filmed. */
  speech(rendition: string, update: SpeechUpdate): void;
  /** Sound of the original, 16 kHz mono, by media time of its first sample: tells which face speaks. May stay away. */
  sourceSound(pcm: Float32Array, mediaTimeUs: number): void;
  /** One call at a time. Never rejects for what one picture is like: such pictures stay as filmed. */
  push(picture: Picture, tracked: TrackedPicture, call: EngineCall): Promise<readonly ReanimatedPicture[]>;
  /**
   * The pictures that are still held, with what is known.
   * @param untilUs only those that wait for pictures up to this media time, of which none comes. Default: all
   */
  flush(call: EngineCall, untilUs?: number): Promise<readonly ReanimatedPicture[]>;
  /** Idempotent. */
  close(): void;
}

/** Moves the mouths of filmed people to other words. */
export interface Reanimator {
  readonly info: EngineInfo;
  open(options: ReanimationOptions): Promise<Reanimation>;
  close(): Promise<void>;
}
