import type { OutputMark } from '../../pipeline/dub-channel.ts';
import type { SpeechUpdate } from '../../pipeline/face/dubbed-speech.ts';
import type { Picture, PictureFormat } from '../../pipeline/face/picture.ts';
import type { FaceVerdict } from '../../pipeline/ports/reanimator.ts';
import type { Problem } from '../contract.ts';

/** One rendition whose faces are to speak. */
export interface FaceRendition {
  /** Names it among the channel's, e.g. the language. */
  readonly id: string;
  /** Its picture's mark: nothing goes out without. */
  readonly mark: OutputMark;
}

/** To the thread that makes pictures. Channels are numbered by who asks. */
export type ToFaceThread =
  | {
      readonly kind: 'open';
      readonly channel: number;
      readonly format: PictureFormat;
      /** Without, every picture stays as filmed and says so. */
      readonly consent: boolean;
      /** Original, mesh, visemes and result side by side come beside the result. */
      readonly explain: boolean;
      /** See ReanimationOptions. */
      readonly aheadUs: number;
    }
  | { readonly kind: 'consent'; readonly channel: number; readonly consent: boolean }
  | { readonly kind: 'add'; readonly channel: number; readonly rendition: FaceRendition }
  | { readonly kind: 'remove'; readonly channel: number; readonly id: string }
  | { readonly kind: 'speech'; readonly channel: number; readonly id: string; readonly update: SpeechUpdate }
  | {
      readonly kind: 'source-sound';
      readonly channel: number;
      readonly pcm: Float32Array;
      readonly mediaTimeUs: number;
    }
  /** The picture's bytes are handed over. */
  | { readonly kind: 'picture'; readonly channel: number; readonly picture: Picture }
  /** No more pictures, or none before a media time, µs; answered with `flushed` after the last that comes out. */
  | { readonly kind: 'flush'; readonly channel: number; readonly untilUs?: number }
  | { readonly kind: 'close'; readonly channel: number }
  /** Finish what is being computed, and end: a thread that is stopped in the middle of it takes the process with it. */
  | { readonly kind: 'end' };

/** A finished picture of one rendition. */
export interface FacePicture {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly verdict: FaceVerdict;
  /** Too small a picture bears no mark. */
  readonly isMarked: boolean;
  /** With `explain`: original, mesh, visemes and result in one picture of `explainedSize`. */
  readonly explained?: Uint8Array;
}

/** Wall time of each step for one picture, ms. */
export interface FaceTimings {
  readonly trackMs: number;
  readonly reanimateMs: number;
  /** Of all renditions together. */
  readonly markMs: number;
}

export type FromFaceThread =
  | {
      readonly kind: 'ready';
      readonly engine: string;
      /** Engines that are installed and were not taken, and why. */
      readonly passedOver: readonly string[];
    }
  /** The pixels of a channel are made there from now on: `cpu`, or the GPU's name. @param problem what was wrong with a GPU */
  | { readonly kind: 'canvas'; readonly on: string; readonly problem: Problem | undefined }
  /** A pushed picture was taken in: room for another. */
  | { readonly kind: 'taken'; readonly channel: number; readonly mediaTimeUs: number }
  | {
      readonly kind: 'pictures';
      readonly channel: number;
      readonly mediaTimeUs: number;
      /** One of each rendition that was there when the picture came in. */
      readonly pictures: readonly FacePicture[];
      readonly timings: FaceTimings;
    }
  | { readonly kind: 'flushed'; readonly channel: number }
  /** The channel makes no more pictures. */
  | { readonly kind: 'failed'; readonly channel: number; readonly problem: Problem }
  /** The thread cannot begin its work, and ends. */
  | { readonly kind: 'unfit'; readonly problem: Problem };
