import { stat } from 'node:fs/promises';
import path from 'node:path';
import { LivedubError } from '../errors.ts';
import { iso6391 } from './iso639.ts';
import { runTool } from './tool-process.ts';

export interface VideoStreamInfo {
  /** Index in the file, as FFmpeg counts. */
  readonly index: number;
  readonly codec: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Mean frame rate; 0 when unknown. */
  readonly framesPerSecond: number;
  readonly variableRate: boolean;
  /** Sideways as it is stored: shown upright, width and height change places. */
  readonly isTurned: boolean;
  /** What its numbers mean as light, in FFmpeg's names, where the file says so. */
  readonly colour: { readonly primaries?: string; readonly transfer?: string; readonly matrix?: string };
  /** An MP4 can carry this picture as it is. */
  readonly copyToMp4: boolean;
}

export interface AudioStreamInfo {
  readonly index: number;
  readonly codec: string;
  readonly channels: number;
  readonly sampleRateHz: number;
  /** ISO 639-1, where the file says so. */
  readonly language: string | undefined;
  readonly title: string | undefined;
  readonly isDefault: boolean;
  /** An MP4 can carry this sound as it is (AAC, MP3). */
  readonly copyToMp4: boolean;
}

export interface MediaInfo {
  /** Absolute path, or the URL as given. */
  readonly path: string;
  readonly isUrl: boolean;
  readonly sizeBytes: number;
  /** FFmpeg's name of the container, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly container: string;
  /** As the file declares it; 0 when it does not. */
  readonly durationUs: number;
  /** Timestamp at which the file begins; media time 0 lies there. */
  readonly startUs: number;
  /** First moving picture, cover art left out. */
  readonly video: VideoStreamInfo | undefined;
  /** At least one, unless the caller takes files without. */
  readonly audio: readonly AudioStreamInfo[];
}

export interface ProbeOptions {
  readonly signal: AbortSignal;
  /** Default 30 000. */
  readonly timeoutMs?: number;
  /** A file without sound will do if it has a picture. Default false. */
  readonly soundOptional?: boolean;
}

/**
 * Containers that carry their media themselves. Playlists and scripts (HLS, DASH, concat, SDP, …) are left out: they
 * could make FFmpeg open other files and addresses of this machine.
 */
const CONTAINERS = (
  '3dostr aa aac aax ac3 act adp aea aiff alp amr amrnb amrwb ape apm asf asf_o ast au av1 avi avr avs bfi bink binka bmv c93 caf cavsvideo ' +
  'cdxl cine daud dhav dirac dnxhd dsf dsicin dss dts dtshd dv dvbsub dxa ea eac3 film_cpk flac flic flv g722 gif gsm gxf h261 h263 h264 ' +
  'hevc ico ircam iss iv8 ivf ivr jpeg_pipe live_flv lmlm4 loas m4v matroska webm mjpeg mlp mmf mov mp4 m4a 3gp 3g2 mj2 mp3 mpc mpc8 mpeg ' +
  'mpegts mpegvideo msf mtv mv mvi mxf mxg nsv nut nuv obu ogg oma png_pipe pva qcp rl2 rm roq rpl rso sap sbc shn smjpeg smk sol sox ' +
  'spdif svag tak thp truehd tta vc1 viv vivo voc vpk vqf w64 wav webp_pipe wsaud wsvqa wtv wv xa xmv xwma yop'
).replaceAll(' ', ',');

/** Codecs that players, browsers among them, play from MP4; MPEG-1/2, MPEG-4 part 2 and Motion JPEG rarely do. */
const MP4_VIDEO = new Set(['h264', 'hevc', 'av1', 'vp9']);
const MP4_AUDIO = new Set(['aac', 'mp3']);
const STILL_CODECS = new Set(['png', 'mjpeg', 'gif', 'bmp', 'webp', 'tiff']);

/** Below this score FFmpeg is guessing: random bytes often look like one MP3 frame. */
const LEAST_PROBE_SCORE = 5;

/** Options for FFmpeg and ffprobe that name an input and nothing else: no other protocol, no playlist. */
export function inputArgs(input: Pick<MediaInfo, 'path' | 'isUrl'>): string[] {
  const whitelist = input.isUrl ? 'http,https,tcp,tls,crypto' : 'file';
  const common = ['-protocol_whitelist', whitelist, '-format_whitelist', CONTAINERS];
  return input.isUrl
    ? [...common, '-rw_timeout', '20000000', '-i', input.path]
    : [...common, '-i', `file:${input.path}`];
}

/**
 * Options for FFmpeg, after an output of one stream: it counts a transport stream's times from the first stream that it reads, and
 * media time is that of the whole file, so it is to read the others, too, for nothing.
 */
export function sameClockArgs({ container, video, audio }: MediaInfo, maxSeconds: number): string[] {
  if (!/^mpeg(?:ts)?$/u.test(container)) return [];
  const streams = [...(video ? [video] : []), ...audio];
  const maps = streams.flatMap(({ index }) => ['-map', `0:${index}`]);
  return [...maps, '-c', 'copy', '-t', String(maxSeconds), '-f', 'null', '-'];
}

/**
 * Looks at an untrusted media file in a separate, limited process.
 *
 * @param input path of a file, or an http(s) URL
 * @throws LIVEDUB_E_INPUT_NOT_FOUND, _IS_DIRECTORY, _EMPTY, _UNREADABLE, _NO_AUDIO; LIVEDUB_E_DEPENDENCY_MISSING
 */
export async function probeMedia(input: string, options: ProbeOptions): Promise<MediaInfo> {
  const isUrl = /^https?:\/\//iu.test(input);
  const location = isUrl ? input : path.resolve(input);
  const sizeBytes = isUrl ? 0 : await fileSize(location, input);
  const run = await runTool({
    tool: 'ffprobe',
    args: [
      '-v',
      'error',
      '-show_format',
      '-show_streams',
      '-of',
      'json',
      ...inputArgs({ path: location, isUrl }),
    ],
    signal: options.signal,
    timeoutMs: options.timeoutMs ?? 30_000,
    memoryBytes: 2 * 2 ** 30,
  });
  if (run.timedOut) throw unreadable(input, 'looking at it took too long');
  const parsed = parseJson(run.stdout);
  if (
    isUrl &&
    run.code !== 0 &&
    /refused|resolve|HTTP error|not found|timed out|unreachable/iu.test(run.stderr)
  ) {
    const why = lastLine(run.stderr, location);
    throw new LivedubError('LIVEDUB_E_INPUT_NOT_FOUND', `${input} does not answer: ${why}.`);
  }
  if (run.code !== 0 || parsed?.format === undefined) throw unreadable(input, lastLine(run.stderr, location));
  const { format, streams = [] } = parsed;
  if ((format.probe_score ?? 100) < LEAST_PROBE_SCORE) throw unreadable(input, 'it does not look like media');
  const audio = streams.filter((s) => s.codec_type === 'audio').map(audioInfo);
  const usable = audio.filter((s) => s.codec !== 'unknown' && s.channels > 0 && s.sampleRateHz > 0);
  const picture = streams.find((s) => s.codec_type === 'video' && !isStill(s));
  if (usable.length === 0 && !(options.soundOptional && picture !== undefined)) {
    throw audio.length === 0
      ? new LivedubError('LIVEDUB_E_INPUT_NO_AUDIO', `${input} has no audio track.`)
      : unreadable(input, 'no codec is known for its sound');
  }
  const durations = [format.duration, ...streams.map((s) => s.duration)].map(secondsToUs);
  return {
    path: location,
    isUrl,
    sizeBytes,
    container: format.format_name ?? 'unknown',
    durationUs: durations[0] || Math.max(...durations),
    startUs: secondsToUs(format.start_time),
    video: picture === undefined ? undefined : videoInfo(picture),
    audio: usable,
  };
}

interface RawStream {
  readonly index: number;
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly width?: number;
  readonly height?: number;
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly color_primaries?: string;
  readonly color_transfer?: string;
  readonly color_space?: string;
  readonly side_data_list?: readonly { readonly rotation?: number }[];
  readonly duration?: string;
  readonly channels?: number;
  readonly sample_rate?: string;
  readonly tags?: Record<string, string>;
  readonly disposition?: Record<string, number>;
}

interface RawProbe {
  readonly format?: {
    readonly format_name?: string;
    readonly duration?: string;
    readonly start_time?: string;
    readonly probe_score?: number;
  };
  readonly streams?: readonly RawStream[];
}

function audioInfo(stream: RawStream): AudioStreamInfo {
  const codec = stream.codec_name ?? 'unknown';
  return {
    index: stream.index,
    codec,
    channels: stream.channels ?? 0,
    sampleRateHz: Number(stream.sample_rate ?? 0) || 0,
    language: iso6391(stream.tags?.language),
    title: stream.tags?.title,
    isDefault: stream.disposition?.default === 1,
    copyToMp4: MP4_AUDIO.has(codec),
  };
}

function videoInfo(stream: RawStream): VideoStreamInfo {
  const codec = stream.codec_name ?? 'unknown';
  const mean = ratio(stream.avg_frame_rate);
  const base = ratio(stream.r_frame_rate);
  return {
    index: stream.index,
    codec,
    widthPx: stream.width ?? 0,
    heightPx: stream.height ?? 0,
    framesPerSecond: mean || base,
    variableRate: mean > 0 && base > 0 && Math.abs(base - mean) / mean > 0.01,
    isTurned: (stream.side_data_list ?? []).some(({ rotation = 0 }) => Math.abs(rotation) % 180 === 90),
    colour: {
      ...known('primaries', stream.color_primaries),
      ...known('transfer', stream.color_transfer),
      ...known('matrix', stream.color_space),
    },
    copyToMp4: MP4_VIDEO.has(codec),
  };
}

function known<Name extends string>(name: Name, value: string | undefined): { [key in Name]?: string } {
  const says = value !== undefined && !/^(?:unknown|unspecified|reserved)$/u.test(value);
  return (says ? { [name]: value } : {}) as { [key in Name]?: string };
}

/** Cover art: FFmpeg marks it, or it is a single image. */
function isStill(stream: RawStream): boolean {
  if (stream.disposition?.attached_pic === 1) return true;
  return STILL_CODECS.has(stream.codec_name ?? '') && ratio(stream.avg_frame_rate) === 0;
}

async function fileSize(location: string, shown: string): Promise<number> {
  let info: Awaited<ReturnType<typeof stat>>;
  try {
    info = await stat(location);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'EACCES' || code === 'EPERM') throw unreadable(shown, 'you may not read it');
    throw new LivedubError('LIVEDUB_E_INPUT_NOT_FOUND', `There is no file ${shown}.`, { cause });
  }
  if (info.isDirectory()) throw new LivedubError('LIVEDUB_E_INPUT_IS_DIRECTORY', `${shown} is a folder.`);
  if (!info.isFile()) throw unreadable(shown, 'it is not a regular file');
  if (info.size === 0) throw new LivedubError('LIVEDUB_E_INPUT_EMPTY', `${shown} is empty.`);
  return info.size;
}

export function unreadable(input: string, why: string): LivedubError {
  return new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', `${input} cannot be read: ${why}.`);
}

/** The last telling thing FFmpeg said, without its prefixes and without the path. */
export function lastLine(stderr: string, location: string): string {
  const lines = stderr
    .replaceAll(`file:${location}`, '')
    .replaceAll(location, '')
    .split('\n')
    .map((line) => line.replace(/^(\[[^\]]*\] ?)+/u, '').replace(/^[:\s]+|[.\s]+$/gu, ''))
    .filter((line) => line !== '');
  if (/not on whitelist/u.test(stderr)) return 'it is a playlist, or not a media file';
  const telling = lines
    .filter((line) => !/^(Invalid data found|Invalid argument|Conversion failed)/u.test(line))
    .pop();
  return telling?.slice(0, 200) ?? 'it is damaged, or is not a media file';
}

function parseJson(text: string): RawProbe | undefined {
  try {
    return JSON.parse(text) as RawProbe;
  } catch {
    return undefined;
  }
}

function secondsToUs(seconds: string | undefined): number {
  const value = Number(seconds ?? 0);
  return Number.isFinite(value) ? Math.round(value * 1e6) : 0;
}

function ratio(text: string | undefined): number {
  const [numerator = 0, denominator = 1] = (text ?? '').split('/').map(Number);
  return denominator > 0 && Number.isFinite(numerator / denominator) ? numerator / denominator : 0;
}
