import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { LivedubError } from '../../pipeline/errors.ts';
import type { SpeechUpdate } from '../../pipeline/face/dubbed-speech.ts';
import { type PictureFormat, planeLayout } from '../../pipeline/face/picture.ts';
import { startTool, type Tool, unlessStalled } from '../../pipeline/media/tool-process.ts';
import { FaceThread } from '../../server/face/face-thread-client.ts';
import { trialKey } from '../watermark/audio-trials.ts';
import { percentile } from './curves.ts';
import { CLIP_FPS, STEP_US } from './face-clips.ts';

export interface FacePathOptions {
  /** 640x360, 25 a second; played again and again. */
  readonly file: string;
  readonly format: PictureFormat;
  readonly seconds: number;
  readonly updates: readonly SpeechUpdate[];
  /** One picture every 40 ms instead of as fast as they can be made. */
  readonly isPaced: boolean;
  /** As FaceChannelOptions. */
  readonly aheadUs: number;
  /** WebM that is written. */
  readonly outFile: string;
  readonly signal: AbortSignal;
}

export interface FacePathFigures {
  readonly engine: string;
  readonly canvas: string;
  readonly pictures: number;
  /** From the start of decoding to the end of encoding, s. */
  readonly wallSeconds: number;
  /** Mean wall time of a picture in the face thread, ms. */
  readonly trackMs: number;
  readonly reanimateMs: number;
  readonly markMs: number;
  /** CPU of a picture, ms. */
  readonly decodeCpuMs: number;
  readonly encodeCpuMs: number;
  readonly nodeCpuMs: number;
  /** From the push of the picture that lets another one out to that one, paced only: median and 95th percentile, ms. */
  readonly latencyMs: { readonly p50: number; readonly p95: number };
  /** How many pictures later one comes out. */
  readonly lookAheadPictures: number;
  /** Sum of the resident memory of this process and both FFmpegs, once a second. */
  readonly residentBytes: readonly number[];
  /** Mean of what the verdicts say. */
  readonly strength: number;
}

const RENDITION = 'es';
/** What is said is told so long before its picture. */
const TOLD_AHEAD_US = 2_000_000;
const TICK_MS = 10;
const SAMPLE_EVERY_MS = 250;

/** File to file through FFmpeg, the face thread and FFmpeg again, as a dub with faces goes. */
export async function runFacePath(options: FacePathOptions): Promise<FacePathFigures> {
  const { format, signal, updates, isPaced } = options;
  const { totalBytes } = planeLayout(format);
  const thread = await FaceThread.open({ signal });
  const pushedAtMs: number[] = [];
  const doneAtMs: number[] = [];
  const pushedAtDone: number[] = [];
  const steps = { trackMs: 0, reanimateMs: 0, markMs: 0 };
  let strength = 0;
  let failure: LivedubError | undefined;
  let isFull: Promise<unknown> | undefined;
  const startedMs = performance.now();
  const decoder = startTool({ tool: 'ffmpeg', args: decodeArgs(options), signal, output: true });
  const encoder = startTool({ tool: 'ffmpeg', args: encodeArgs(options), signal, input: true });
  const meter = new Meter(decoder, encoder);
  const channel = thread.channel({
    format,
    consent: true,
    aheadUs: options.aheadUs,
    onPictures: (_mediaTimeUs, [picture], timings) => {
      doneAtMs.push(performance.now());
      pushedAtDone.push(pushedAtMs.length);
      for (const step of ['trackMs', 'reanimateMs', 'markMs'] as const) steps[step] += timings[step];
      strength += picture!.verdict.strength;
      if (!encoder.stdin!.write(picture!.bytes))
        isFull ??= once(encoder.stdin!, 'drain').catch(() => undefined);
    },
    onFailed: (error) => {
      failure = error;
    },
  });
  try {
    channel.add({ id: RENDITION, mark: { key: await trialKey('faces'), rendition: 7 } });
    const waiting = [...updates];
    let held = Buffer.alloc(0);
    for await (const part of unlessStalled(decoder)) {
      held = Buffer.concat([held, part]);
      for (; held.length >= totalBytes; held = held.subarray(totalBytes)) {
        if (failure !== undefined) throw failure;
        const mediaTimeUs = pushedAtMs.length * STEP_US;
        while (waiting.length > 0 && startOf(waiting[0]!) < mediaTimeUs + TOLD_AHEAD_US)
          channel.speech(RENDITION, waiting.shift()!);
        channel.speech(RENDITION, { kind: 'known', untilUs: mediaTimeUs + TOLD_AHEAD_US });
        if (isPaced) await sleep(Math.max(0, startedMs + mediaTimeUs / 1000 - performance.now()));
        if (isFull !== undefined) {
          await isFull;
          isFull = undefined;
        }
        pushedAtMs.push(performance.now());
        await channel.push({
          ...format,
          mediaTimeUs,
          bytes: new Uint8Array(held.subarray(0, totalBytes)),
        });
      }
    }
    const whole = pushedAtDone.length;
    await channel.flush();
    encoder.stdin!.end();
    const { code, stderr } = await encoder.exit;
    if (code !== 0) throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `The encoder failed: ${stderr.trim()}`);
    const wallSeconds = (performance.now() - startedMs) / 1000;
    const pictures = doneAtMs.length;
    const late = lateness(pushedAtMs, doneAtMs.slice(0, whole), pushedAtDone);
    const { decodeCpuMs, encodeCpuMs, nodeCpuMs, residentBytes } = meter.end();
    return {
      engine: thread.engine,
      canvas: thread.canvas,
      pictures,
      wallSeconds,
      trackMs: steps.trackMs / pictures,
      reanimateMs: steps.reanimateMs / pictures,
      markMs: steps.markMs / pictures,
      decodeCpuMs: decodeCpuMs / pictures,
      encodeCpuMs: encodeCpuMs / pictures,
      nodeCpuMs: nodeCpuMs / pictures,
      latencyMs: { p50: percentile(late.eachMs, 0.5), p95: percentile(late.eachMs, 0.95) },
      lookAheadPictures: late.pictures,
      residentBytes,
      strength: strength / pictures,
    };
  } finally {
    meter.end();
    decoder.kill();
    encoder.kill();
    channel.close();
    await thread.close();
  }
}

/** A picture comes out a fixed number of pictures after it went in: what it takes beyond that is computing. */
export function lateness(
  pushedAtMs: readonly number[],
  doneAtMs: readonly number[],
  pushedAtDone: readonly number[],
): { readonly pictures: number; readonly eachMs: readonly number[] } {
  const held = doneAtMs.map((_, i) => pushedAtDone[i]! - 1 - i);
  // What comes out late stands behind more pictures; once in a while one is in time.
  const pictures = Math.max(0, Math.min(...held));
  const eachMs = doneAtMs.flatMap((atMs, i) => {
    const pushed = pushedAtMs[i + pictures];
    return pushed === undefined ? [] : [atMs - pushed];
  });
  return { pictures, eachMs };
}

function startOf(update: SpeechUpdate): number {
  return update.kind === 'known' ? Number.NEGATIVE_INFINITY : update.startUs;
}

function decodeArgs({ file, seconds }: FacePathOptions): string[] {
  const input = ['-stream_loop', '-1', '-i', file, '-t', String(seconds)];
  return ['-v', 'error', ...input, '-map', '0:v:0', '-pix_fmt', 'yuv420p', '-f', 'rawvideo', 'pipe:1'];
}

function encodeArgs({ format, outFile }: FacePathOptions): string[] {
  const size = `${format.widthPx}x${format.heightPx}`;
  const input = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', size, '-r', `${CLIP_FPS}`, '-i', 'pipe:0'];
  const codec = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '1M', '-g', '50'];
  return ['-v', 'error', ...input, ...codec, '-y', outFile];
}

/** What this process and two tools cost, on Linux. */
class Meter {
  readonly #decoder: number | undefined;
  readonly #encoder: number | undefined;
  readonly #cpu = process.cpuUsage();
  readonly #timer: NodeJS.Timeout;
  readonly #resident: number[] = [];
  #ticks = { decode: 0, encode: 0 };
  #samples = 0;

  constructor(decoder: Tool, encoder: Tool) {
    this.#decoder = decoder.pid;
    this.#encoder = encoder.pid;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS);
  }

  end() {
    clearInterval(this.#timer);
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      decodeCpuMs: this.#ticks.decode * TICK_MS,
      encodeCpuMs: this.#ticks.encode * TICK_MS,
      nodeCpuMs: (user + system) / 1000,
      residentBytes: this.#resident,
    };
  }

  #sample(): void {
    this.#ticks.decode = Math.max(this.#ticks.decode, cpuTicks(this.#decoder));
    this.#ticks.encode = Math.max(this.#ticks.encode, cpuTicks(this.#encoder));
    this.#samples += 1;
    if ((this.#samples * SAMPLE_EVERY_MS) % 1000 !== 0) return;
    const tools = residentBytes(this.#decoder) + residentBytes(this.#encoder);
    this.#resident.push(process.memoryUsage.rss() + tools);
  }
}

function cpuTicks(pid: number | undefined): number {
  const fields = procFile(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

function residentBytes(pid: number | undefined): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(procFile(pid, 'status'))?.[1];
  return 1024 * Number(kilobytes ?? 0);
}

/** Empty where the process has ended, and on other systems. */
function procFile(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
