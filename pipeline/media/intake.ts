import { LivedubError } from '../errors.ts';
import type { AudioFrame } from '../frames.ts';
import { inputArgs, lastLine, type MediaInfo, probeMedia, sameClockArgs, unreadable } from './probe.ts';
import { startTool, type Tool, unlessStalled } from './tool-process.ts';

export const INTAKE_RATE_HZ = 48_000;
export const INTAKE_FRAME_SAMPLES = 960;
const CHANNELS = 2;
const FRAME_BYTES = INTAKE_FRAME_SAMPLES * CHANNELS * 4;
const FRAME_US = 20_000;

export interface IntakeOptions {
  /** Path of a file, or an http(s) URL. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** What probeMedia() said of it; probed when absent. */
  readonly media?: MediaInfo;
  /** Which audio track, counted from 0 among the audio tracks. Default: the one marked default, else the first. */
  readonly audioTrack?: number;
  /** Begin at this place instead of the start of the file. Default 0. Frames keep the file's media time. */
  readonly startSeconds?: number;
  /** Stop after this much media time: a damaged timestamp must not become years of silence. Default 24 h. */
  readonly maxSeconds?: number;
}

export interface IntakeResult {
  /** Media time at which the sound ended. */
  readonly endUs: number;
  /** The file holds clearly less sound than it declares. */
  readonly truncated: boolean;
  /** One line each, for people. */
  readonly warnings: readonly string[];
}

/**
 * The sound of a file as 48 kHz stereo frames of 20 ms, once. Frames follow each other without gap from media time 0,
 * which is where the file's own timestamps begin; leaving the loop early ends the process.
 */
export interface Intake extends AsyncIterable<AudioFrame> {
  /** Settles when the iteration ended: never rejects before it. */
  readonly result: Promise<IntakeResult>;
  /** Ends the process. Idempotent. */
  close(): void;
}

/**
 * Opens a file for dubbing. FFmpeg decodes in a process of its own (untrusted input), paced by the reader: it runs ahead
 * by no more than the pipe holds. Gaps in the timestamps become silence, overlaps are cut, so sound stays in time with
 * the picture; what is before the start is left out.
 *
 * @throws in the iteration: the errors of probeMedia(); LIVEDUB_E_BAD_REQUEST for a track that is not there;
 * LIVEDUB_E_INPUT_UNREADABLE when no sound can be decoded; LIVEDUB_E_ABORTED
 */
export function openIntake(options: IntakeOptions): Intake {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  let settle: (result: IntakeResult) => void = () => {};
  let fail: (reason: unknown) => void = () => {};
  const result = new Promise<IntakeResult>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  result.catch(() => {});
  let used = false;
  async function* frames(): AsyncGenerator<AudioFrame> {
    if (used) throw new LivedubError('LIVEDUB_E_CLOSED', 'An intake can be read only once.');
    used = true;
    let tool: Tool | undefined;
    let endUs = 0;
    try {
      if (signal.aborted) throw aborted();
      const media = options.media ?? (await probeMedia(options.path, { signal }));
      tool = startDecoder(media, options, signal);
      const startUs = Math.round(((options.startSeconds ?? 0) * 1e6) / FRAME_US) * FRAME_US;
      endUs = startUs;
      for await (const planes of blocks(tool)) {
        yield { kind: 'audio', mediaTimeUs: endUs, sampleRateHz: INTAKE_RATE_HZ, planes };
        endUs += FRAME_US;
      }
      const exit = await tool.exit;
      if (options.signal.aborted) throw aborted();
      if (endUs === startUs && startUs === 0 && !stop.signal.aborted) {
        throw unreadable(options.path, lastLine(exit.stderr, media.path));
      }
      settle(summarise(media, endUs, exit.code ?? (stop.signal.aborted ? 0 : -1), exit.stderr, options));
    } catch (error) {
      const reason = options.signal.aborted ? aborted() : error;
      fail(reason);
      throw reason;
    } finally {
      stop.abort();
      await tool?.exit;
      settle({ endUs, truncated: false, warnings: [] });
    }
  }
  return {
    [Symbol.asyncIterator]: frames,
    result,
    close: () => {
      stop.abort();
      if (!used) settle({ endUs: 0, truncated: false, warnings: [] });
    },
  };
}

function startDecoder(media: MediaInfo, options: IntakeOptions, signal: AbortSignal): Tool {
  const chosen =
    options.audioTrack ??
    Math.max(
      0,
      media.audio.findIndex((track) => track.isDefault),
    );
  const track = media.audio[chosen];
  if (track === undefined) {
    const count = media.audio.length;
    throw new LivedubError(
      'LIVEDUB_E_BAD_REQUEST',
      `There is no audio track ${chosen}: the input has ${count}, counted from 0.`,
    );
  }
  const seconds = options.startSeconds ?? 0;
  const maxSeconds = options.maxSeconds ?? 24 * 3600;
  // async=1 with a low hard threshold: timestamps that jump are followed by silence or a cut, small jitter is left alone.
  const follow = 'aresample=48000:async=1:min_hard_comp=0.03:first_pts=0:internal_sample_fmt=fltp';
  return startTool({
    tool: 'ffmpeg',
    args: [
      '-nostdin',
      '-hide_banner',
      '-loglevel',
      'repeat+warning',
      '-threads',
      '1',
      '-fflags',
      '+discardcorrupt',
      ...(seconds > 0 ? ['-ss', String(seconds)] : []),
      ...inputArgs(media),
      '-map',
      `0:${track.index}`,
      '-vn',
      '-sn',
      '-dn',
      '-map_metadata',
      '-1',
      '-af',
      `${follow},aformat=sample_fmts=flt:channel_layouts=stereo`,
      '-t',
      String(maxSeconds),
      '-f',
      'f32le',
      '-c:a',
      'pcm_f32le',
      'pipe:1',
      ...sameClockArgs(media, maxSeconds),
    ],
    signal,
    output: true,
    memoryBytes: 2 * 2 ** 30,
  });
}

/** Cuts the byte stream into planar frames; the last one is filled up with silence. */
async function* blocks(tool: Tool): AsyncGenerator<Float32Array[]> {
  const block = new Float32Array(FRAME_BYTES / 4);
  const bytes = new Uint8Array(block.buffer);
  let filled = 0;
  for await (const part of unlessStalled(tool)) {
    for (let at = 0; at < part.length; ) {
      const count = Math.min(part.length - at, FRAME_BYTES - filled);
      bytes.set(part.subarray(at, at + count), filled);
      filled += count;
      at += count;
      if (filled < FRAME_BYTES) continue;
      yield split(block);
      filled = 0;
    }
  }
  if (filled === 0) return;
  bytes.fill(0, filled);
  yield split(block);
}

function split(interleaved: Float32Array): Float32Array[] {
  const left = new Float32Array(INTAKE_FRAME_SAMPLES);
  const right = new Float32Array(INTAKE_FRAME_SAMPLES);
  for (let i = 0; i < INTAKE_FRAME_SAMPLES; i++) {
    left[i] = finite(interleaved[2 * i]!);
    right[i] = finite(interleaved[2 * i + 1]!);
  }
  return [left, right];
}

/** A float file may hold anything; one NaN would poison every filter after it. */
function finite(x: number): number {
  return x > -8 && x < 8 ? x : 0;
}

function summarise(
  media: MediaInfo,
  endUs: number,
  code: number,
  stderr: string,
  options: IntakeOptions,
): IntakeResult {
  const warnings: string[] = [];
  const maxUs = ((options.maxSeconds ?? 24 * 3600) + (options.startSeconds ?? 0)) * 1e6;
  const capped = endUs >= maxUs;
  if (capped) warnings.push(`Only the first ${clock(endUs)} were read.`);
  const declaredUs = declaredLengthUs(media);
  const missingUs = declaredUs - endUs;
  const truncated =
    !capped && (missingUs > Math.max(2e6, declaredUs * 0.02) || /truncat|partial file/iu.test(stderr));
  if (truncated) {
    const declared = missingUs > 0 ? ` of ${clock(declaredUs)}` : '';
    warnings.push(`The input ends early: ${clock(endUs)}${declared} could be read.`);
  }
  const damaged = stderr.split('\n').filter((line) => /error|invalid|corrupt/iu.test(line)).length;
  if (damaged > 0) warnings.push(`Parts of the sound are damaged (${damaged} reports from FFmpeg).`);
  if (code !== 0 && warnings.length === 0)
    warnings.push(`FFmpeg ended early: ${lastLine(stderr, media.path)}.`);
  return { endUs, truncated, warnings };
}

/** How long a file says that it is; 0 where FFmpeg only guesses, from the bit rate or from timestamps that may have jumped. */
export function declaredLengthUs({ container, durationUs }: MediaInfo): number {
  return /^(mpegts|mpeg|aac|ac3|eac3|dts|loas)$/u.test(container) ? 0 : durationUs;
}

function clock(us: number): string {
  const seconds = us / 1e6;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = (seconds % 60).toFixed(1);
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}

function aborted(): LivedubError {
  return new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.');
}
