import type { Readable } from 'node:stream';

/** What a publisher sends: the bytes of a container as they come, or a file that is played at the pace of its clock. */
export type IngestInput =
  | { readonly kind: 'stream'; readonly format: 'mpegts' | 'flv'; readonly bytes: Readable }
  | { readonly kind: 'file'; readonly path: string };

export interface PictureFound {
  /** Index in the container, as FFmpeg counts. */
  readonly index: number;
  readonly codec: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** 0 when unknown. */
  readonly framesPerSecond: number;
  readonly interlaced: boolean;
  /** Browsers play this as it is: H.264 up to high profile, 4:2:0 with 8 bits, progressive, no B-frames. */
  readonly playable: boolean;
}

export interface IngestFound {
  readonly picture: PictureFound | undefined;
  /** Indices of the sounds in the container, in its order. */
  readonly sounds: readonly number[];
}
