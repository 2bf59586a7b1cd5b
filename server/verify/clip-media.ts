import type { LumaPlane } from '../../pipeline/mark/video/luma-mark.ts';
import { declaredLengthUs } from '../../pipeline/media/intake.ts';
import { inputArgs, type MediaInfo, probeMedia } from '../../pipeline/media/probe.ts';
import { startTool, type Tool, unlessStalled } from '../../pipeline/media/tool-process.ts';

/** Rate at which marks of sound are looked for. */
export const CLIP_RATE_HZ = 16_000;
/** Rate at which frames of the picture are taken. */
export const CLIP_FRAMES_PER_SECOND = 12;
const CHUNK_SAMPLES = CLIP_RATE_HZ;
const MAX_WIDTH_PX = 640;
const MEMORY_BYTES = 1.5 * 2 ** 30;
/** FFmpeg that gives nothing for so long, though its output is waited for, is stuck. */
const STALL_MS = 20_000;
/** 20 ms of 16 kHz. */
const BLOCK_SAMPLES = 320;
/** Quieter than this nothing was said: −66 dBFS. */
const AUDIBLE_RMS = 5e-4;

export interface ClipFrame {
  readonly plane: LumaPlane;
  /** Place in the clip. */
  readonly timeUs: number;
}

export interface ClipStreamOptions {
  readonly media: MediaInfo;
  /** Aborting ends FFmpeg, and the stream with an error. */
  readonly signal: AbortSignal;
  /** Stop after this much of the clip, s. */
  readonly maxSeconds: number;
}

/** One track of a clip, decoded in a process of its own as fast as it is read. */
export interface ClipStream<T> extends AsyncIterable<T> {
  /** What came so far, s. */
  readonly seconds: number;
  /** How much of it could carry a mark, s: sound that is not silence, frames that are there. */
  readonly usableSeconds: number;
  /** FFmpeg had nothing to complain of; known after the iteration. */
  readonly isWhole: boolean;
  /** No more is given after this: what was read so far is all that counts. */
  stop(): void;
}

/** What a clip holds. @throws LivedubError LIVEDUB_E_INPUT_* */
export function probeClip(input: string, signal: AbortSignal): Promise<MediaInfo> {
  return probeMedia(input, { signal, soundOptional: true, timeoutMs: 20_000 });
}

/** One sound track as 16 kHz mono, a second at a time. @param track counted from 0 */
export function clipSound(options: ClipStreamOptions & { readonly track: number }): ClipStream<Float32Array> {
  const { media, track } = options;
  // Timestamps that jump are followed by silence or a cut, as in the dub itself.
  const filters = `aresample=${CLIP_RATE_HZ}:async=1:min_hard_comp=0.1:first_pts=0,aformat=sample_fmts=flt:channel_layouts=mono`;
  return new ToolStream<Float32Array>(options, {
    args: [
      '-map',
      `0:${media.audio[track]!.index}`,
      '-vn',
      '-af',
      filters,
      '-f',
      'f32le',
      '-c:a',
      'pcm_f32le',
    ],
    unitBytes: CHUNK_SAMPLES * 4,
    unitSeconds: CHUNK_SAMPLES / CLIP_RATE_HZ,
    takesPart: true,
    make: (bytes) => {
      const samples = new Float32Array(bytes.byteLength >> 2);
      new Uint8Array(samples.buffer).set(bytes.subarray(0, samples.byteLength));
      // A float file may hold anything.
      for (let i = 0; i < samples.length; i += 1) if (!(Math.abs(samples[i]!) < 8)) samples[i] = 0;
      return { unit: samples, usableSeconds: audibleSeconds(samples) };
    },
  });
}

/** The picture's luma, 640 pixels wide at most, 12 frames a second, as it is stored (a rotation mark is left alone). */
export function clipPicture(options: ClipStreamOptions): ClipStream<ClipFrame> {
  const { index, widthPx, heightPx } = options.media.video!;
  const scale = Math.min(1, MAX_WIDTH_PX / Math.max(widthPx, heightPx));
  const [width, height] = [
    Math.max(1, Math.round(widthPx * scale)),
    Math.max(1, Math.round(heightPx * scale)),
  ];
  const filters = `fps=${CLIP_FRAMES_PER_SECOND},scale=${width}:${height}:flags=area,format=gray`;
  let frames = 0;
  return new ToolStream<ClipFrame>(options, {
    // A picture that is to be shown turned is marked as it is stored.
    inputArgs: ['-noautorotate'],
    args: ['-map', `0:${index}`, '-an', '-vf', filters, '-f', 'rawvideo', '-pix_fmt', 'gray'],
    unitBytes: width * height,
    unitSeconds: 1 / CLIP_FRAMES_PER_SECOND,
    takesPart: false,
    make: (bytes) => {
      const timeUs = (frames * 1e6) / CLIP_FRAMES_PER_SECOND;
      frames += 1;
      const unit = { plane: { width, height, strideBytes: width, data: new Uint8Array(bytes) }, timeUs };
      return { unit, usableSeconds: 1 / CLIP_FRAMES_PER_SECOND };
    },
  });
}

interface ToolStreamPlan<T> {
  readonly inputArgs?: readonly string[];
  readonly args: readonly string[];
  readonly unitBytes: number;
  readonly unitSeconds: number;
  /** A last unit that is not full counts too. */
  readonly takesPart: boolean;
  readonly make: (bytes: Uint8Array) => { readonly unit: T; readonly usableSeconds: number };
}

/** FFmpeg's output cut into units. It is paced by the reader: the pipe holds it back. */
class ToolStream<T> implements ClipStream<T> {
  seconds = 0;
  usableSeconds = 0;
  isWhole = true;
  readonly #options: ClipStreamOptions;
  readonly #plan: ToolStreamPlan<T>;
  readonly #stop = new AbortController();

  constructor(options: ClipStreamOptions, plan: ToolStreamPlan<T>) {
    this.#options = options;
    this.#plan = plan;
  }

  stop(): void {
    this.#stop.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    if (this.#stop.signal.aborted) return;
    const tool = this.#start();
    try {
      yield* this.#units(tool);
      const { code, stderr } = await tool.exit;
      signal.throwIfAborted();
      if (!this.#stop.signal.aborted) this.isWhole = code === 0 && stderr.trim() === '' && !this.#breaksOff();
    } finally {
      tool.kill();
      await tool.exit;
    }
  }

  async *#units(tool: Tool): AsyncGenerator<T> {
    const { unitBytes, takesPart } = this.#plan;
    const held = new Uint8Array(unitBytes);
    let filled = 0;
    for await (const part of unlessStalled(tool, STALL_MS)) {
      for (let at = 0; at < part.length; ) {
        const count = Math.min(part.length - at, unitBytes - filled);
        held.set(part.subarray(at, at + count), filled);
        filled += count;
        at += count;
        if (filled < unitBytes) continue;
        filled = 0;
        yield this.#take(held);
        if (this.#stop.signal.aborted) return;
      }
    }
    this.#options.signal.throwIfAborted();
    if (filled > 0 && takesPart && !this.#stop.signal.aborted) yield this.#take(held.subarray(0, filled));
  }

  /** FFmpeg may take a break for the end. A film's sound may end before its picture, so only sound alone tells. */
  #breaksOff(): boolean {
    const { media, maxSeconds } = this.#options;
    if (media.video !== undefined) return false;
    const declaredSeconds = Math.min(declaredLengthUs(media) / 1e6, maxSeconds);
    return declaredSeconds - this.seconds > Math.max(1, 0.02 * declaredSeconds);
  }

  #take(bytes: Uint8Array): T {
    const { unit, usableSeconds } = this.#plan.make(bytes);
    this.seconds += (this.#plan.unitSeconds * bytes.byteLength) / this.#plan.unitBytes;
    this.usableSeconds += usableSeconds;
    return unit;
  }

  #start(): Tool {
    const { media, maxSeconds, signal } = this.#options;
    return startTool({
      tool: 'ffmpeg',
      args: [
        ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-threads', '1', '-fflags', '+discardcorrupt'],
        ...(this.#plan.inputArgs ?? []),
        ...inputArgs(media),
        ...['-sn', '-dn', '-map_metadata', '-1', '-t', String(maxSeconds)],
        ...this.#plan.args,
        'pipe:1',
      ],
      signal: AbortSignal.any([signal, this.#stop.signal]),
      output: true,
      memoryBytes: MEMORY_BYTES,
    });
  }
}

/** How much of a stretch is not silence, s. */
function audibleSeconds(samples: Float32Array): number {
  let audible = 0;
  for (let at = 0; at < samples.length; at += BLOCK_SAMPLES) {
    const block = samples.subarray(at, at + BLOCK_SAMPLES);
    let power = 0;
    for (const x of block) power += x * x;
    if (power > AUDIBLE_RMS ** 2 * block.length) audible += block.length;
  }
  return audible / CLIP_RATE_HZ;
}
