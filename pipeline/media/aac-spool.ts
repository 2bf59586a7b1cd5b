import { LivedubError } from '../errors.ts';
import type { AudioFrame } from '../frames.ts';
import { outputError } from './recording-folder.ts';
import { startTool, type Tool } from './tool-process.ts';

const RATE_HZ = 48_000;
/** Sound is handed over in pieces of this size; small writes cost more than they carry. */
const BUFFER_SAMPLES = 24_000;

export interface AacSpoolOptions {
  /** ADTS file to write. */
  readonly file: string;
  readonly signal: AbortSignal;
  /** Default 96 000 for mono, 160 000 for stereo. */
  readonly bitrateBps?: number;
}

/** FFmpeg's AAC encoder starts with so many samples that are not of the sound; ADTS cannot say so, the muxer must. */
export const AAC_PRIMING_SAMPLES = 1024;

/** Encodes sound to AAC while it comes, in a process that holds no more of it than its pipe. Starts at media time 0. */
export class AacSpool {
  readonly file: string;
  readonly #options: AacSpoolOptions;
  #tool: Tool | undefined;
  #channels = 1;
  #buffer = new Float32Array(0);
  #buffered = 0;
  #written = 0;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(options: AacSpoolOptions) {
    this.file = options.file;
    this.#options = options;
  }

  /** Media time up to which sound was written. */
  get endUs(): number {
    return Math.round((this.#written * 1e6) / RATE_HZ);
  }

  /**
   * Writes the next frame; gaps become silence, overlaps are cut. Resolves when there is room for more: wait for it.
   * @throws LIVEDUB_E_OUTPUT_DISK_FULL and other output errors
   */
  write(frame: AudioFrame): Promise<void> {
    const done = this.#busy.then(() => this.#write(frame));
    this.#busy = done.catch(() => {});
    return done;
  }

  /** Ends the file. Without any sound it has none, and is not made. */
  async end(): Promise<void> {
    await this.#busy;
    if (this.#tool === undefined) return;
    await this.#send();
    this.#tool.stdin!.end();
    await this.#check(true);
  }

  async #write(frame: AudioFrame): Promise<void> {
    if (frame.sampleRateHz !== RATE_HZ || frame.planes.length < 1 || frame.planes.length > 2) {
      const got = `${frame.planes.length} × ${frame.sampleRateHz} Hz`;
      throw new LivedubError(
        'LIVEDUB_E_BAD_REQUEST',
        `A recording takes mono or stereo at 48000 Hz, not ${got}.`,
      );
    }
    this.#tool ??= this.#start(frame.planes.length);
    const start = Math.round((frame.mediaTimeUs * RATE_HZ) / 1e6);
    // A rounding of one sample is neither gap nor overlap.
    const offset = Math.abs(start - this.#written) <= 1 ? 0 : start - this.#written;
    for (let gap = offset; gap > 0; ) {
      const silence = new Float32Array(Math.min(gap, BUFFER_SAMPLES));
      await this.#put([silence], 0);
      gap -= silence.length;
    }
    await this.#put(frame.planes, Math.max(0, -offset));
  }

  #start(channels: number): Tool {
    this.#channels = channels;
    this.#buffer = new Float32Array(BUFFER_SAMPLES * channels);
    const bitrate = this.#options.bitrateBps ?? (channels === 1 ? 96_000 : 160_000);
    return startTool({
      tool: 'ffmpeg',
      args: [
        ...[
          '-hide_banner',
          '-loglevel',
          'error',
          '-y',
          '-f',
          'f32le',
          '-ar',
          String(RATE_HZ),
          '-ac',
          String(channels),
        ],
        // The fast coder needs less than half the time of the default one and is as good at these bit rates.
        ...['-i', 'pipe:0', '-threads', '1', '-c:a', 'aac', '-aac_coder', 'fast', '-b:a', String(bitrate)],
        ...['-f', 'adts', `file:${this.file}`],
      ],
      signal: this.#options.signal,
      input: true,
    });
  }

  async #put(planes: readonly Float32Array[], from: number): Promise<void> {
    const left = planes[0]!;
    const right = planes[1] ?? left;
    for (let at = from; at < left.length; ) {
      const count = Math.min(left.length - at, BUFFER_SAMPLES - this.#buffered);
      if (this.#channels === 2) {
        for (let i = 0, to = this.#buffered * 2; i < count; i++, to += 2) {
          this.#buffer[to] = left[at + i]!;
          this.#buffer[to + 1] = right[at + i]!;
        }
      } else if (planes.length === 1) {
        this.#buffer.set(left.subarray(at, at + count), this.#buffered);
      } else {
        for (let i = 0; i < count; i++)
          this.#buffer[this.#buffered + i] = (left[at + i]! + right[at + i]!) / 2;
      }
      this.#buffered += count;
      this.#written += count;
      at += count;
      if (this.#buffered === BUFFER_SAMPLES) await this.#send();
    }
  }

  async #send(): Promise<void> {
    const tool = this.#tool!;
    const stdin = tool.stdin!;
    const bytes = Buffer.from(this.#buffer.slice(0, this.#buffered * this.#channels).buffer);
    this.#buffered = 0;
    if (!stdin.writable) await this.#check(false);
    if (bytes.length === 0 || stdin.write(bytes)) return;
    const open = await new Promise<boolean>((resolve) => {
      const settle = (result: boolean) => {
        stdin.off('drain', onDrain).off('close', onClose);
        resolve(result);
      };
      const onDrain = () => settle(true);
      const onClose = () => settle(false);
      stdin.on('drain', onDrain).on('close', onClose);
    });
    if (!open) await this.#check(false);
  }

  /** Waits for the encoder's end and throws when it was not a good one. */
  async #check(expected: boolean): Promise<void> {
    const exit = await this.#tool!.exit;
    if (this.#options.signal.aborted) throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.');
    if (expected && exit.code === 0) return;
    throw outputError(exit.stderr.trim() || 'The AAC encoder stopped.', this.file);
  }
}
