import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { LivedubError, toLivedubError } from '../errors.ts';
import type { Picture, PictureFormat } from '../face/picture.ts';
import type { EncodedFrame } from '../frames.ts';
import { VideoFrameTiming } from '../rtp/video-frame-timing.ts';
import { type EncodedPicture, NutReader } from './nut-reader.ts';
import { NutWriter } from './nut-writer.ts';
import {
  choosePictureEncoder,
  encoderMemoryBytes,
  type PictureCodec,
  type PictureEncoder,
} from './picture-encoders.ts';
import { RateAdaptation } from './rate-adaptation.ts';
import { startTool, type Tool } from './tool-process.ts';

export interface LivePictureEncoderOptions {
  readonly codec: PictureCodec;
  /** Even sizes for H.264. */
  readonly format: PictureFormat;
  /** Each frame as soon as it is encoded, in order. It names the media time of its picture. */
  readonly onFrame: (frame: EncodedFrame) => void;
  /** The process ended or hung; it is started again with the next picture. Default: nothing. */
  readonly onFailed?: (error: LivedubError) => void;
  /** Pictures a second to expect; those of another rate are taken all the same. Default 30. */
  readonly fps?: number;
  /** Default: by size and rate, see `pictureBitrateBps`. */
  readonly bitrateBps?: number;
  /** Longest time without a keyframe, ms of media. Default 10 000. */
  readonly keyframeEveryMs?: number;
  /** Pictures that may wait for the encoder; beyond, the newest is left out. Default 3. */
  readonly maxWaiting?: number;
  /** Default: `choosePictureEncoder`. */
  readonly encoder?: PictureEncoder;
  readonly signal: AbortSignal;
}

/** Media times are doubled: the odd time between two of them says that its picture is to be a keyframe. */
const TICKS_PER_US = 2;
const TICKS_HZ = 1e6 * TICKS_PER_US;
const BITS_PER_PIXEL = 0.14;
const MIN_BITRATE_BPS = 300_000;
const MAX_BITRATE_BPS = 4_000_000;
/** An encoder that gives nothing for so long, though it was given pictures, hangs, ms. */
const STALL_MS = 3000;
const MIN_RESTART_MS = 250;
const MAX_RESTART_MS = 8000;

/** What a viewer's connection can be expected to carry for a picture of this size. */
export function pictureBitrateBps({ widthPx, heightPx }: PictureFormat, fps: number): number {
  const bps = Math.round(widthPx * heightPx * fps * BITS_PER_PIXEL);
  return Math.min(MAX_BITRATE_BPS, Math.max(MIN_BITRATE_BPS, bps));
}

/**
 * Encodes live pictures for WebRTC in a process of its own: every picture goes out at once, and any can be made a keyframe. While
 * the encoder is too slow, every 2nd or every 4th picture is encoded.
 */
export class LivePictureEncoder {
  readonly #options: LivePictureEncoderOptions;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #done: Promise<void>;
  readonly #adaptation = new RateAdaptation();
  #waiting: Picture[] = [];
  #wake: (() => void) | undefined;
  #wantsKeyframe = false;
  #encoderName = '';
  #droppedPictures = 0;
  #restarts = 0;

  constructor(options: LivePictureEncoderOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#signal.addEventListener('abort', () => this.#wake?.(), { once: true });
    this.#done = this.#run();
  }

  /** FFmpeg's name of the encoder; empty until it is chosen. */
  get encoderName(): string {
    return this.#encoderName;
  }

  /** Pictures that were not encoded for lack of time. */
  get droppedPictures(): number {
    return this.#droppedPictures;
  }

  /** Every so many pictures one is encoded: 1, 2 or 4. */
  get divisor(): number {
    return this.#adaptation.divisor;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Takes one picture, in order, whose bytes must stay as they are; never waits. */
  push(picture: Picture): void {
    if (this.#signal.aborted) return;
    const nowMs = performance.now();
    if (!this.#adaptation.takes(nowMs)) {
      this.#droppedPictures += 1;
      return;
    }
    if (this.#waiting.length >= (this.#options.maxWaiting ?? 3)) {
      this.#adaptation.lost(nowMs);
      this.#droppedPictures += 1;
      return;
    }
    this.#waiting.push(picture);
    this.#wake?.();
  }

  /** The next picture will be a keyframe. */
  requestKeyframe(): void {
    this.#wantsKeyframe = true;
  }

  /** What is being encoded is thrown away. Idempotent. */
  close(): Promise<void> {
    this.#stop.abort();
    return this.#done;
  }

  async #run(): Promise<void> {
    const encoder = this.#options.encoder ?? (await choosePictureEncoder(this.#options.codec));
    this.#encoderName = encoder.name;
    let failures = 0;
    while (!this.#signal.aborted) {
      let isGood = false;
      try {
        await this.#encode(encoder, () => {
          isGood = true;
        });
      } catch (error) {
        if (this.#signal.aborted) return;
        failures = isGood ? 0 : failures;
        this.#restarts += 1;
        this.#options.onFailed?.(toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED'));
        const waitMs = Math.min(MAX_RESTART_MS, MIN_RESTART_MS * 2 ** failures);
        failures += 1;
        await sleep(waitMs, undefined, { signal: this.#signal }).catch(() => undefined);
      }
    }
  }

  /** One process, until it ends. */
  async #encode(encoder: PictureEncoder, onGood: () => void): Promise<void> {
    const { format, codec, fps = 30, bitrateBps = pictureBitrateBps(format, fps) } = this.#options;
    if ((await this.#next()) === undefined) return;
    const tool = startTool({
      tool: 'ffmpeg',
      args: encoderArgs(encoder, { ...this.#options, fps, bitrateBps }),
      input: true,
      output: true,
      signal: this.#signal,
      memoryBytes: encoderMemoryBytes(encoder),
    });
    /** When each picture under way was handed over. */
    const given: number[] = [];
    let hangs = false;
    const watch = setInterval(() => {
      if (given.length === 0 || performance.now() - given[0]! < STALL_MS) return;
      hangs = true;
      tool.kill();
    }, 500);
    try {
      const timing = new VideoFrameTiming({ defaultDurationUs: Math.round(1e6 / fps) });
      const receive = ({ pts, keyframe, bytes }: EncodedPicture): void => {
        given.shift();
        onGood();
        const mediaTimeUs = Math.floor(pts / TICKS_PER_US);
        const durationUs = timing.next(mediaTimeUs);
        this.#options.onFrame({ kind: 'encoded', codec, mediaTimeUs, durationUs, keyframe, data: bytes });
      };
      await Promise.all([this.#feed(tool, given), this.#read(tool, receive)]);
    } finally {
      clearInterval(watch);
      tool.kill();
    }
    const { stderr } = await tool.exit;
    throw new LivedubError(
      'LIVEDUB_E_ENGINE_FAILED',
      hangs ? 'The encoder of the picture hangs.' : 'The encoder of the picture ended.',
      { cause: stderr.trim().split('\n').at(-1) },
    );
  }

  async #feed(tool: Tool, given: number[]): Promise<void> {
    const { format, keyframeEveryMs = 10_000 } = this.#options;
    const { widthPx, heightPx } = format;
    const stdin = tool.stdin!;
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
      this.#wake?.();
    };
    const ended = tool.exit.then(end, end);
    const writer = new NutWriter({
      widthPx,
      heightPx,
      timeBase: { numerator: 1, denominator: TICKS_HZ },
      pixelAspect: { horizontal: 1, vertical: 1 },
    });
    stdin.write(writer.header());
    let lastUs = Number.NEGATIVE_INFINITY;
    let keyframeUs = Number.NEGATIVE_INFINITY;
    for (;;) {
      const picture = await this.#next(() => hasEnded);
      if (picture === undefined || hasEnded) break;
      this.#waiting.shift();
      const { mediaTimeUs, bytes } = picture;
      // Times that stand still would end the process.
      if (mediaTimeUs <= lastUs) continue;
      // The first is one by itself; the mark is counted from its time, which must be even.
      const isFirst = lastUs === Number.NEGATIVE_INFINITY;
      const isKeyframe = isFirst || this.#wantsKeyframe || mediaTimeUs - keyframeUs >= keyframeEveryMs * 1000;
      if (isKeyframe) {
        keyframeUs = mediaTimeUs;
        this.#wantsKeyframe = false;
      }
      lastUs = mediaTimeUs;
      given.push(performance.now());
      const pts = mediaTimeUs * TICKS_PER_US + (isKeyframe && !isFirst ? 1 : 0);
      stdin.write(writer.pictureHeader({ pts, bytes }));
      if (!stdin.write(bytes)) await Promise.race([once(stdin, 'drain', { signal: this.#signal }), ended]);
    }
    stdin.end();
  }

  async #read(tool: Tool, onPicture: (picture: EncodedPicture) => void): Promise<void> {
    const codec = this.#options.codec === 'vp8' ? 'VP80' : 'H264';
    const reader = await NutReader.open(tool.stdout as AsyncIterable<Buffer>, codec);
    if (reader) for await (const picture of reader.encoded()) onPicture(picture);
  }

  /** The next picture, without taking it; undefined when closed, or when `isOver` says so on waking. */
  async #next(isOver: () => boolean = () => false): Promise<Picture | undefined> {
    while (this.#waiting.length === 0 && !this.#signal.aborted && !isOver()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#signal.aborted ? undefined : this.#waiting[0];
  }
}

function encoderArgs(
  encoder: PictureEncoder,
  { format, fps, bitrateBps }: { format: PictureFormat; fps: number; bitrateBps: number },
): string[] {
  const { widthPx, heightPx, colour } = format;
  const tags = [
    '-colorspace',
    'bt709',
    '-color_primaries',
    'bt709',
    '-color_trc',
    'bt709',
    '-color_range',
    'tv',
  ];
  return [
    ...['-hide_banner', '-loglevel', 'error', ...encoder.deviceArgs],
    ...['-probesize', '32', '-analyzeduration', '0', '-fpsprobesize', '0', '-f', 'nut', '-i', 'pipe:0'],
    ...['-copyts', '-fps_mode', 'passthrough', '-enc_time_base', `1:${TICKS_HZ}`],
    ...encoder.args({ widthPx, heightPx, fps, bitrateBps }),
    // Times are counted from the first picture.
    ...['-force_key_frames', `expr:eq(mod(round(t*${TICKS_HZ}),${TICKS_PER_US}),1)`],
    // What says nothing is taken for BT.601 by players.
    ...(encoder.codec === 'h264' && colour.matrix === 'bt709' ? tags : []),
    ...(encoder.codec === 'h264' ? ['-bsf:v', 'dump_extra=freq=keyframe'] : []),
    ...['-flush_packets', '1', '-write_index', '0', '-f', 'nut', 'pipe:1'],
  ];
}
