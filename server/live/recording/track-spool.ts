import { open } from 'node:fs/promises';
import { WritableStream } from 'node:stream/web';
import {
  AppendOnlyStreamTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  MkvOutputFormat,
  Output,
} from 'mediabunny';
import type { EncodedFrame } from '../../../pipeline/frames.ts';

export interface TrackSpoolOptions {
  /** Matroska file to write. */
  readonly file: string;
  readonly codec: EncodedFrame['codec'];
  /** Of the picture; decoders read the true size from the stream itself. */
  readonly widthPx?: number;
  readonly heightPx?: number;
}

/**
 * One stretch of one track as a Matroska file that only ever grows: each frame is on its way to the disk when `write`
 * resolves, what a crash leaves is readable up to the last whole frame, and memory does not grow with length. Times are
 * those of the frames, with holes where nothing came.
 */
export class TrackSpool {
  readonly #output: Output;
  readonly #source: EncodedAudioPacketSource | EncodedVideoPacketSource;
  readonly #options: TrackSpoolOptions;
  readonly #closeFile: () => Promise<void>;
  #first = true;

  private constructor(
    output: Output,
    source: EncodedAudioPacketSource | EncodedVideoPacketSource,
    options: TrackSpoolOptions,
    closeFile: () => Promise<void>,
  ) {
    this.#output = output;
    this.#source = source;
    this.#options = options;
    this.#closeFile = closeFile;
  }

  static async create(options: TrackSpoolOptions): Promise<TrackSpool> {
    const handle = await open(options.file, 'wx');
    const writable = new WritableStream<Uint8Array>({
      write: async (chunk) => {
        for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
      },
    });
    const output = new Output({
      format: new MkvOutputFormat({ appendOnly: true }),
      target: new AppendOnlyStreamTarget(writable),
    });
    const closeFile = () => handle.close();
    try {
      if (options.codec === 'opus') {
        const source = new EncodedAudioPacketSource('opus');
        output.addAudioTrack(source);
        await output.start();
        return new TrackSpool(output, source, options, closeFile);
      }
      const source = new EncodedVideoPacketSource(options.codec === 'vp8' ? 'vp8' : 'avc');
      output.addVideoTrack(source);
      await output.start();
      return new TrackSpool(output, source, options, closeFile);
    } catch (error) {
      await closeFile();
      throw error;
    }
  }

  /**
   * @param atUs µs since the start of the recording, not before that of the frame before
   * @throws what the file system says, e.g. ENOSPC
   */
  async write(frame: EncodedFrame, atUs: number): Promise<void> {
    const type = frame.keyframe ? 'key' : 'delta';
    const packet = new EncodedPacket(frame.data, type, atUs / 1e6, frame.durationUs / 1e6);
    const { codec, widthPx = 16, heightPx = 16 } = this.#options;
    const isFirst = this.#first;
    this.#first = false;
    if (this.#source instanceof EncodedAudioPacketSource) {
      const decoderConfig = { codec: 'opus', numberOfChannels: 2, sampleRate: 48_000 };
      await this.#source.add(packet, isFirst ? { decoderConfig } : undefined);
      return;
    }
    const decoderConfig = {
      codec: codec === 'vp8' ? 'vp8' : 'avc1.42e01f',
      codedWidth: widthPx,
      codedHeight: heightPx,
    };
    await this.#source.add(packet, isFirst ? { decoderConfig } : undefined);
  }

  /** Ends the file. */
  async close(): Promise<void> {
    try {
      if (this.#first) await this.#output.cancel();
      else await this.#output.finalize();
    } finally {
      await this.#closeFile().catch(() => {});
    }
  }
}
