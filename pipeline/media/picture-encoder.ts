import { once } from 'node:events';
import type { RawPicture, RawPictureFormat } from './nut.ts';
import { NutWriter } from './nut-writer.ts';
import type { VideoStreamInfo } from './probe.ts';
import { outputError } from './recording-folder.ts';
import { startTool, type Tool } from './tool-process.ts';

export interface PictureEncoderOptions {
  /** Even width and height. */
  readonly format: RawPictureFormat;
  /** What the numbers of the pictures mean as light. */
  readonly colour: VideoStreamInfo['colour'];
  /** MP4 to write. */
  readonly file: string;
  readonly signal: AbortSignal;
}

/** Encodes pictures as H.264 in MP4, each at its own time, in a process that holds no more than its pipe. */
export class PictureEncoder {
  readonly #file: string;
  readonly #signal: AbortSignal;
  readonly #tool: Tool;
  readonly #writer: NutWriter;
  #hasHeader = false;

  constructor(options: PictureEncoderOptions) {
    this.#file = options.file;
    this.#signal = options.signal;
    this.#tool = startEncoder(options);
    this.#writer = new NutWriter(options.format);
  }

  /**
   * Resolves when there is room for another. One call at a time.
   * @throws LIVEDUB_E_OUTPUT_*, LIVEDUB_E_ABORTED
   */
  async write(picture: RawPicture): Promise<void> {
    const input = this.#tool.stdin!;
    if (!this.#hasHeader) input.write(this.#writer.header());
    this.#hasHeader = true;
    input.write(this.#writer.pictureHeader(picture));
    if (input.write(picture.bytes)) return;
    // An encoder that ends early never drains; why it did is in its own words.
    const isOver = await Promise.race([
      once(input, 'drain').then(
        () => false,
        () => true,
      ),
      this.#tool.exit.then(() => true),
    ]);
    if (isOver) await this.#fail();
  }

  /**
   * No more pictures: resolves when the file is whole.
   * @throws LIVEDUB_E_OUTPUT_*, LIVEDUB_E_ABORTED
   */
  async end(): Promise<void> {
    this.#tool.stdin!.end();
    const { code } = await this.#tool.exit;
    if (code !== 0) await this.#fail();
  }

  async #fail(): Promise<never> {
    const { stderr } = await this.#tool.exit;
    this.#signal.throwIfAborted();
    throw outputError(stderr.trim() || 'The encoder ended.', this.#file);
  }
}

function startEncoder({ colour, file, signal }: PictureEncoderOptions): Tool {
  const { primaries, transfer, matrix } = colour;
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
      ...['-f', 'mp4', `file:${file}`],
    ],
    signal,
    input: true,
  });
}
