import { LivedubError } from '../errors.ts';
import type { PictureMarker, PictureMarking } from '../ports/picture-marker.ts';
import { type RawPicture, type RawPictureFormat, ticksToUs } from './nut.ts';
import { decodePictures } from './picture-decoder.ts';
import { PictureEncoder } from './picture-encoder.ts';
import type { MediaInfo } from './probe.ts';

export interface PictureSpoolOptions {
  /** With a picture. */
  readonly input: MediaInfo;
  /** MP4 to write. */
  readonly file: string;
  readonly marking: PictureMarking;
  /** Aborting throws the file away. */
  readonly signal: AbortSignal;
  /** Told after every picture how far it is. Default: nothing is told. */
  readonly onProgress?: (endUs: number) => void;
}

export interface SpooledPicture {
  readonly file: string;
  /** False for pictures too small to bear a mark. */
  readonly isMarked: boolean;
  /** Media time of the last picture. */
  readonly endUs: number;
  /** It was stopped before the input's end. */
  readonly isCut: boolean;
}

/**
 * Marks the picture of a file while its sound is dubbed: decoded, marked and encoded as H.264 one picture after the other, each at
 * its own time, in processes that hold no more than their pipes. It begins at once, and goes no faster than its encoder.
 *
 * The picture comes out upright, with even width and height, in 8 bits.
 */
export class PictureSpool {
  readonly #options: PictureSpoolOptions;
  readonly #work: Promise<SpooledPicture>;
  #untilUs = Number.POSITIVE_INFINITY;
  #endUs = 0;
  #isCut = false;

  constructor(options: PictureSpoolOptions) {
    this.#options = options;
    this.#work = this.#run();
    this.#work.catch(() => {});
  }

  /** Media time of the last picture that was marked. */
  get endUs(): number {
    return this.#endUs;
  }

  /** Goes no further than this; what is beyond it already stays. */
  stopAt(mediaTimeUs: number): void {
    this.#untilUs = Math.min(this.#untilUs, mediaTimeUs);
  }

  /**
   * Waits for the last picture, and ends the file.
   * @throws LIVEDUB_E_INPUT_UNREADABLE when nothing could be decoded; LIVEDUB_E_OUTPUT_*; LIVEDUB_E_ABORTED
   */
  end(): Promise<SpooledPicture> {
    return this.#work;
  }

  async #run(): Promise<SpooledPicture> {
    const { input, marking, file } = this.#options;
    // Either process is of no use without the other.
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, stop.signal]);
    let marker: PictureMarker | undefined;
    try {
      const { format, pictures } = await decodePictures(input, signal);
      marker = await marking.open(format);
      const encoder = new PictureEncoder({ format, colour: input.video!.colour, file, signal });
      await this.#markAll({ pictures, format, marker, encoder });
      await encoder.end();
      return { file, isMarked: marker !== undefined, endUs: this.#endUs, isCut: this.#isCut };
    } catch (error) {
      if (!this.#options.signal.aborted) throw error;
      throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: error });
    } finally {
      stop.abort();
      await marker?.close();
    }
  }

  async #markAll(options: {
    pictures: AsyncIterable<RawPicture>;
    format: RawPictureFormat;
    marker: PictureMarker | undefined;
    encoder: PictureEncoder;
  }): Promise<void> {
    const { format, marker, encoder } = options;
    const { widthPx, heightPx, timeBase } = format;
    let isFirst = true;
    for await (const picture of options.pictures) {
      const mediaTimeUs = ticksToUs(picture.pts, timeBase);
      // There is always one picture, so that there is a file.
      if (mediaTimeUs >= this.#untilUs && !isFirst) {
        this.#isCut = true;
        return;
      }
      const luma = picture.bytes.subarray(0, widthPx * heightPx);
      await marker?.mark({ luma, widthPx, heightPx, strideBytes: widthPx, mediaTimeUs });
      await encoder.write(picture);
      isFirst = false;
      this.#endUs = mediaTimeUs;
      this.#options.onProgress?.(mediaTimeUs);
    }
  }
}
