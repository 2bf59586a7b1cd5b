import { once } from 'node:events';
import { LivedubError, toLivedubError } from '../errors.ts';
import type { Picture, PictureColour } from '../face/picture.ts';
import type { EncodedFrame } from '../frames.ts';
import { splitAnnexB } from '../rtp/annex-b.ts';
import { h264Colour } from './h264-colour.ts';
import { ticksToUs } from './nut.ts';
import { NutReader } from './nut-reader.ts';
import { startTool, type Tool } from './tool-process.ts';

export interface LivePictureDecoderOptions {
  /** Each picture, upright as sent, in order, at the media time of its frame. What it waits for holds the decoder back. */
  readonly onPicture: (picture: Picture) => void | Promise<void>;
  /** Nothing can be decoded before a keyframe comes. */
  readonly onKeyframeWanted: () => void;
  /** The process ended or hung; it is started again with the next keyframe. Default: nothing. */
  readonly onFailed?: (error: LivedubError) => void;
  /** Frames that may wait, µs of media; beyond, all are thrown away up to the next keyframe. Default 2 000 000. */
  readonly maxWaitingUs?: number;
  /** A process that gives no picture for so long, though it was given frames, hangs, ms. Default 2000. */
  readonly stallMs?: number;
  readonly signal: AbortSignal;
}

/** What a process was started for: another size or codec needs another one. */
interface StreamHead {
  readonly codec: 'vp8' | 'h264';
  /** Differs where the stream's parameters do. */
  readonly signature: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly colour: PictureColour;
}

const MIN_RESTART_MS = 500;
const MAX_RESTART_MS = 8000;
const NAL_SPS = 7;
const WATCH_EVERY_MS = 250;

/**
 * Decodes a live VP8 or H.264 track in a process of its own, one picture after the other without delay. The stream may change its
 * size at any keyframe. Damaged frames cost pictures, and at worst the time until the next keyframe.
 */
export class LivePictureDecoder {
  readonly #options: LivePictureDecoderOptions;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #done: Promise<void>;
  #waiting: EncodedFrame[] = [];
  #wake: (() => void) | undefined;
  /** Frames depend on one that was thrown away. */
  #isBroken = true;
  #droppedFrames = 0;
  #restarts = 0;

  constructor(options: LivePictureDecoderOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#signal.addEventListener('abort', () => this.#wake?.(), { once: true });
    this.#done = this.#run();
  }

  /** Frames thrown away because the reader of the pictures was too slow, or because what they depend on was. */
  get droppedFrames(): number {
    return this.#droppedFrames;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Takes one frame, in order; never waits. */
  push(frame: EncodedFrame): void {
    if (this.#signal.aborted || frame.codec === 'opus') return;
    if (this.#isBroken && !frame.keyframe) {
      this.#droppedFrames += 1;
      this.#options.onKeyframeWanted();
      return;
    }
    this.#isBroken = false;
    const oldest = this.#waiting[0];
    if (oldest && frame.mediaTimeUs - oldest.mediaTimeUs > (this.#options.maxWaitingUs ?? 2_000_000)) {
      this.#droppedFrames += this.#waiting.length;
      this.#waiting = [];
      if (!frame.keyframe) {
        this.#isBroken = true;
        this.#droppedFrames += 1;
        this.#options.onKeyframeWanted();
        return;
      }
    }
    this.#waiting.push(frame);
    this.#wake?.();
  }

  /** What is being decoded is thrown away. Idempotent. */
  close(): Promise<void> {
    this.#stop.abort();
    return this.#done;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#signal.aborted) {
      const frame = await this.#peek();
      if (frame === undefined) return;
      const head = headOf(frame);
      if (head === undefined) {
        // No keyframe, or one that does not say what it is.
        this.#waiting.shift();
        this.#loseUntilKeyframe();
        continue;
      }
      try {
        const pictures = await this.#decode(head);
        failures = pictures > 0 ? 0 : failures;
      } catch (error) {
        if (this.#signal.aborted) return;
        this.#restarts += 1;
        this.#waiting = [];
        this.#loseUntilKeyframe();
        this.#options.onFailed?.(toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED'));
        await this.#pause(Math.min(MAX_RESTART_MS, MIN_RESTART_MS * 2 ** failures));
        failures += 1;
      }
    }
  }

  /** Decodes up to the next change of the stream. @returns the number of pictures */
  async #decode(head: StreamHead): Promise<number> {
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#signal, stop.signal]);
    const tool = startTool({ tool: 'ffmpeg', args: decoderArgs(), input: true, output: true, signal });
    const run: Run = {
      tool,
      head,
      given: [],
      isReading: true,
      atMs: performance.now(),
      hangs: false,
      pictures: 0,
    };
    const watch = setInterval(() => {
      const silentMs = performance.now() - run.atMs;
      if (run.given.length === 0 || !run.isReading || silentMs < (this.#options.stallMs ?? 2000)) return;
      run.hangs = true;
      tool.kill();
    }, WATCH_EVERY_MS);
    try {
      const [, exit] = await Promise.all([
        Promise.all([this.#feed(run), this.#read(run)]).catch((error: unknown) => {
          stop.abort();
          throw error;
        }),
        tool.exit,
      ]);
      if (this.#signal.aborted || exit.code === 0) return run.pictures;
      throw new LivedubError(
        'LIVEDUB_E_ENGINE_FAILED',
        run.hangs ? 'The picture could not be decoded.' : 'The process that decodes the picture ended.',
        { cause: exit.stderr.trim().split('\n').at(-1) },
      );
    } finally {
      clearInterval(watch);
      stop.abort();
    }
  }

  async #feed(run: Run): Promise<void> {
    const { tool, head } = run;
    const stdin = tool.stdin!;
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
      this.#wake?.();
    };
    const ended = tool.exit.then(end, end);
    stdin.write(ivfHeader(head));
    let lastUs = Number.NEGATIVE_INFINITY;
    for (;;) {
      const frame = await this.#peek(() => hasEnded);
      if (frame === undefined || hasEnded || frame.codec !== head.codec) break;
      if (frame.keyframe && (headOf(frame)?.signature ?? head.signature) !== head.signature) break;
      this.#waiting.shift();
      if (frame.data.length === 0) continue;
      // Times that stand still would end the process.
      lastUs = Math.max(lastUs + 1, frame.mediaTimeUs);
      if (isShown(frame)) {
        if (run.given.length === 0) run.atMs = performance.now();
        run.given.push(lastUs);
      }
      stdin.write(ivfFrameHeader(frame.data.length, lastUs));
      if (!stdin.write(frame.data)) await Promise.race([once(stdin, 'drain'), ended]);
    }
    stdin.end();
  }

  async #read(run: Run): Promise<void> {
    const reader = await NutReader.open(run.tool.stdout as AsyncIterable<Buffer>);
    if (reader === undefined) return;
    const { widthPx, heightPx, timeBase } = reader.format;
    for await (const { pts, bytes } of reader.pictures()) {
      const mediaTimeUs = ticksToUs(pts, timeBase);
      while (run.given.length > 0 && run.given[0]! <= mediaTimeUs) run.given.shift();
      run.pictures += 1;
      run.isReading = false;
      // Everything is made limited, so that pictures are alike whatever encoder they come from.
      const colour: PictureColour = { ...run.head.colour, range: 'limited' };
      await this.#options.onPicture({ widthPx, heightPx, colour, mediaTimeUs, bytes });
      run.isReading = true;
      run.atMs = performance.now();
    }
  }

  /** The next frame, without taking it; undefined when closed, or when `isOver` says so on waking. */
  async #peek(isOver: () => boolean = () => false): Promise<EncodedFrame | undefined> {
    while (this.#waiting.length === 0 && !this.#signal.aborted && !isOver()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#signal.aborted ? undefined : this.#waiting[0];
  }

  #loseUntilKeyframe(): void {
    while (this.#waiting[0]?.keyframe === false) {
      this.#waiting.shift();
      this.#droppedFrames += 1;
    }
    if (this.#waiting.length > 0) return;
    this.#isBroken = true;
    this.#options.onKeyframeWanted();
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
  }
}

interface Run {
  readonly tool: Tool;
  readonly head: StreamHead;
  /** Times of frames whose pictures are still to come, µs. */
  readonly given: number[];
  /** The picture before was taken. */
  isReading: boolean;
  /** When something last went on. */
  atMs: number;
  hangs: boolean;
  pictures: number;
}

function decoderArgs(): string[] {
  return [
    ...['-hide_banner', '-loglevel', 'error', '-flags', 'low_delay', '-threads', '1'],
    ...['-probesize', '32', '-analyzeduration', '0', '-fpsprobesize', '0', '-f', 'ivf', '-i', 'pipe:0'],
    ...['-map', '0:v:0', '-copyts', '-vf', 'format=yuv420p', '-fps_mode', 'passthrough'],
    ...['-enc_time_base', '1:1000000', '-c:v', 'rawvideo', '-threads', '1'],
    ...['-flush_packets', '1', '-write_index', '0', '-f', 'nut', 'pipe:1'],
  ];
}

/** Undefined for a frame with which decoding cannot begin. */
function headOf(frame: EncodedFrame): StreamHead | undefined {
  if (!frame.keyframe) return undefined;
  const { data, codec } = frame;
  if (codec === 'vp8') {
    // RFC 6386 §9.1: three bytes of tag, a start code, and the size with two bits each that only tell a player to scale.
    if (data.length < 10 || data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) return undefined;
    const widthPx = (data[6]! | (data[7]! << 8)) & 0x3fff;
    const heightPx = (data[8]! | (data[9]! << 8)) & 0x3fff;
    if (widthPx === 0 || heightPx === 0) return undefined;
    const colour: PictureColour = { matrix: 'bt601', range: 'limited' };
    return { codec, signature: `vp8 ${widthPx}x${heightPx}`, widthPx, heightPx, colour };
  }
  if (codec !== 'h264') return undefined;
  const sps = splitAnnexB(data).find((unit) => (unit[0]! & 0x1f) === NAL_SPS);
  if (sps === undefined) return undefined;
  const signature = `h264 ${Buffer.from(sps).toString('base64')}`;
  return { codec, signature, widthPx: 0, heightPx: 0, colour: h264Colour(sps) };
}

/** VP8 has frames that are only there for others to build on. */
function isShown({ codec, data }: EncodedFrame): boolean {
  return codec !== 'vp8' || (data[0]! & 0x10) !== 0;
}

/** IVF: the plainest container in which FFmpeg takes frames with a time each. */
function ivfHeader({ codec, widthPx, heightPx }: StreamHead): Buffer {
  const header = Buffer.alloc(32);
  header.write('DKIF', 0, 'latin1');
  header.writeUInt16LE(32, 6);
  header.write(codec === 'vp8' ? 'VP80' : 'H264', 8, 'latin1');
  header.writeUInt16LE(widthPx, 12);
  header.writeUInt16LE(heightPx, 14);
  header.writeUInt32LE(1_000_000, 16);
  header.writeUInt32LE(1, 20);
  return header;
}

function ivfFrameHeader(sizeBytes: number, timeUs: number): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt32LE(sizeBytes, 0);
  header.writeBigInt64LE(BigInt(timeUs), 4);
  return header;
}
