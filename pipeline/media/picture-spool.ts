import { pipeline } from 'node:stream/promises';
import { LivedubError } from '../errors.ts';
import type { PictureMarker, PictureMarking } from '../ports/picture-marker.ts';
import { type RawPicture, type RawPictureFormat, ticksToUs } from './nut.ts';
import { NutReader } from './nut-reader.ts';
import { NutWriter } from './nut-writer.ts';
import { inputArgs, lastLine, type MediaInfo, unreadable, type VideoStreamInfo } from './probe.ts';
import { outputError } from './recording-folder.ts';
import { startTool, type Tool, unlessStalled } from './tool-process.ts';

/** A damaged timestamp must not become years of picture. */
const MAX_SECONDS = 24 * 3600;

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
      const decoder = startDecoder(input, signal);
      const reader = await NutReader.open(unlessStalled(decoder));
      const pictures = reader?.pictures();
      const first = await pictures?.next();
      if (reader === undefined || first?.value === undefined) {
        throw unreadable(input.path, lastLine((await decoder.exit).stderr, input.path));
      }
      marker = await marking.open(reader.format);
      const encoder = startEncoder({ video: input.video!, file, signal });
      const marked = this.#marked({ first: first.value, rest: pictures!, format: reader.format, marker });
      // An encoder that ends early breaks the pipe; why it did is in its own words.
      const broken = await pipeline(marked, encoder.stdin!).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (broken instanceof LivedubError) throw broken;
      const exit = await encoder.exit;
      if (exit.code !== 0) throw outputError(exit.stderr.trim() || broken, file);
      return { file, isMarked: marker !== undefined, endUs: this.#endUs, isCut: this.#isCut };
    } catch (error) {
      if (!this.#options.signal.aborted) throw error;
      throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: error });
    } finally {
      stop.abort();
      await marker?.close();
    }
  }

  async *#marked(options: {
    first: RawPicture;
    rest: AsyncGenerator<RawPicture>;
    format: RawPictureFormat;
    marker: PictureMarker | undefined;
  }): AsyncGenerator<Uint8Array> {
    const { format, marker } = options;
    const { widthPx, heightPx, timeBase } = format;
    const lumaBytes = widthPx * heightPx;
    const writer = new NutWriter(format);
    yield writer.header();
    try {
      for (let next: RawPicture | undefined = options.first; next !== undefined; ) {
        const mediaTimeUs = ticksToUs(next.pts, timeBase);
        // There is always one picture, so that there is a file.
        if (mediaTimeUs >= this.#untilUs && next !== options.first) {
          this.#isCut = true;
          break;
        }
        const luma = next.bytes.subarray(0, lumaBytes);
        await marker?.mark({ luma, widthPx, heightPx, strideBytes: widthPx, mediaTimeUs });
        yield writer.pictureHeader(next);
        yield next.bytes;
        this.#endUs = mediaTimeUs;
        this.#options.onProgress?.(mediaTimeUs);
        const following: IteratorResult<RawPicture> = await options.rest.next();
        next = following.done ? undefined : following.value;
      }
    } finally {
      await options.rest.return(undefined);
    }
  }
}

function startDecoder(input: MediaInfo, signal: AbortSignal): Tool {
  const video = input.video!;
  const [widthPx, heightPx] = shownSize(video);
  return startTool({
    tool: 'ffmpeg',
    args: [
      ...['-nostdin', '-hide_banner', '-loglevel', 'repeat+warning', '-fflags', '+genpts+discardcorrupt'],
      ...inputArgs(input),
      ...['-map', `0:${video.index}`, '-map_metadata', '-1', '-t', String(MAX_SECONDS)],
      // What is before media time 0 is not shown. H.264 with 4:2:0 needs even sizes; a size that changes on the way does not.
      '-vf',
      `trim=start=0,pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=${widthPx}:${heightPx},format=yuv420p`,
      ...['-fps_mode', 'passthrough', '-enc_time_base', '-1', '-c:v', 'rawvideo', '-f', 'nut', 'pipe:1'],
    ],
    signal,
    output: true,
  });
}

function startEncoder(options: { video: VideoStreamInfo; file: string; signal: AbortSignal }): Tool {
  const { primaries, transfer, matrix } = options.video.colour;
  return startTool({
    tool: 'ffmpeg',
    args: [
      ...['-hide_banner', '-loglevel', 'error', '-y'],
      // Times count from media time 0, not from the first picture.
      ...['-seek_timestamp', '1', '-f', 'nut', '-i', 'pipe:0'],
      ...['-fps_mode', 'passthrough', '-enc_time_base', '-1'],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p'],
      ...(primaries ? ['-color_primaries', primaries] : []),
      ...(transfer ? ['-color_trc', transfer] : []),
      // What was red, green and blue is not any more.
      ...(matrix && matrix !== 'gbr' ? ['-colorspace', matrix] : []),
      ...['-f', 'mp4', `file:${options.file}`],
    ],
    signal: options.signal,
    input: true,
  });
}

/** FFmpeg turns pictures upright as it decodes them. */
function shownSize({ widthPx, heightPx, isTurned }: VideoStreamInfo): [number, number] {
  const even = (size: number) => 2 * Math.ceil(size / 2);
  return isTurned ? [even(heightPx), even(widthPx)] : [even(widthPx), even(heightPx)];
}
