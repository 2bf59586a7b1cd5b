import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import { runTool, startTool } from '../../pipeline/media/tool-process.ts';
import { mulberry32 } from '../clips/clip-plan.ts';
import { localRms, underlay } from './music.ts';
import { playUnevenly, unevenTime } from './uneven-playout.ts';

export const SOUND_RATE_HZ = 48_000;
/** Rate at which a detector gets sound. */
export const DETECTOR_RATE_HZ = 16_000;

/** What attacks are made with. */
export interface AttackTools {
  /** A folder for files that are there for a moment. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** 48 kHz, RMS 1, repeated where it is too short. */
  readonly music: Float32Array;
}

/** What happens to sound between leaving livedub and being examined. */
export interface Attack {
  /** Short, for tables and files. */
  readonly id: string;
  readonly title: string;
  /** Place in the original, s, of a place in the result; undefined: the same. */
  readonly originalS?: (resultS: number) => number;
  /** 48 kHz mono to 16 kHz mono. */
  apply(sound: Float32Array, tools: AttackTools): Promise<Float32Array>;
}

const OPUS_32 = codec('ogg', 'libopus', '32k');
const OPUS_64 = codec('ogg', 'libopus', '64k');
const AAC_64 = codec('m4a', 'aac', '64k');
/** 16 bit: what is too loud is clipped. */
const PCM = codec('wav', 'pcm_s16le', '');

const SPEEDS = [1.02, 0.98] as const;

/** Speed that swings by `depth` in `periodS`. */
const WOW = { depth: 0.02, periodS: 20 } as const;

export const ATTACKS: readonly Attack[] = [
  plain('none', 'none'),
  plain('opus-64', 'Opus 64 kb/s', { through: [OPUS_64] }),
  plain('opus-32', 'Opus 32 kb/s', { through: [OPUS_32] }),
  plain('opus-24-voip', 'Opus 24 kb/s, for speech', {
    through: [codec('ogg', 'libopus', '24k', ['-application', 'voip'])],
  }),
  plain('aac-128', 'AAC 128 kb/s', { through: [codec('m4a', 'aac', '128k')] }),
  plain('aac-64', 'AAC 64 kb/s', { through: [AAC_64] }),
  plain('mp3-64', 'MP3 64 kb/s', { through: [codec('mp3', 'libmp3lame', '64k')] }),
  plain('opus-aac', 'Opus 32, then AAC 64 kb/s', { through: [OPUS_32, AAC_64] }),
  plain('16-khz', '16 kHz, 16 bit', { through: [codec('wav', 'pcm_s16le', '', ['-ar', '16000'])] }),
  plain('louder', '+3 dB', { filter: 'volume=3dB', through: [PCM] }),
  plain('softer', '−3 dB', { filter: 'volume=-3dB', through: [PCM] }),
  ...SPEEDS.map(
    (speed): Attack => ({
      ...plain(speed > 1 ? 'faster' : 'slower', `speed ${speed > 1 ? '+' : '−'}2 %`, {
        filter: `asetrate=${SOUND_RATE_HZ * speed},aresample=${SOUND_RATE_HZ}`,
      }),
      originalS: (resultS) => resultS * speed,
    }),
  ),
  {
    ...plain('tempo', 'tempo +2 %, pitch kept', { filter: 'atempo=1.02' }),
    originalS: (resultS) => resultS * 1.02,
  },
  {
    id: 'noise',
    title: 'white noise at 20 dB',
    apply: (sound, tools) => transcode(addNoise(sound, -20), tools, {}),
  },
  {
    id: 'music',
    title: 'over music at −6 dB',
    apply: (sound, tools) => transcode(underlay(sound, tools.music, -6), tools, {}),
  },
  {
    id: 'music-opus-32',
    title: 'over music at −6 dB, Opus 32 kb/s',
    apply: (sound, tools) => transcode(underlay(sound, tools.music, -6), tools, { through: [OPUS_32] }),
  },
  plain('compressor', 'dynamic compression 4:1', {
    filter: 'acompressor=threshold=-30dB:ratio=4:attack=5:release=80:makeup=6dB',
  }),
  plain('denoise', 'denoised (afftdn 12 dB)', { filter: 'afftdn=nr=12:nf=-45' }),
  {
    id: 'wow',
    title: 'speed that drifts by ±2 % in 20 s',
    originalS: wowTime,
    apply: (sound, tools) => transcode(wow(sound), tools, {}),
  },
  plain('telephone', 'telephone: 300–3400 Hz, 8 kHz, µ-law', {
    filter: 'highpass=f=300,lowpass=f=3400',
    through: [codec('wav', 'pcm_mulaw', '', ['-ar', '8000'])],
  }),
  {
    id: 'uneven',
    title: 'played unevenly by up to 10 %, Opus 32 kb/s',
    originalS: unevenTime,
    apply: (sound, tools) => transcode(playUnevenly(sound, SOUND_RATE_HZ), tools, { through: [OPUS_32] }),
  },
];

interface Encoding {
  readonly extension: string;
  readonly args: readonly string[];
}

function codec(extension: string, encoder: string, bitrate: string, more: readonly string[] = []): Encoding {
  return { extension, args: ['-c:a', encoder, ...(bitrate ? ['-b:a', bitrate] : []), ...more] };
}

interface Way {
  readonly filter?: string;
  /** Encoded and decoded in turn. */
  readonly through?: readonly Encoding[];
}

function plain(id: string, title: string, way: Way = {}): Attack {
  return { id, title, apply: (sound, tools) => transcode(sound, tools, way) };
}

/**
 * Sends sound through FFmpeg: a filter, then encoders with their decoders.
 * @param sound 48 kHz, one plane a channel or mono. @returns 16 kHz, mixed down to mono
 */
export async function transcode(
  sound: Float32Array | readonly Float32Array[],
  { folder, signal }: Pick<AttackTools, 'folder' | 'signal'>,
  { filter, through = [] }: Way,
): Promise<Float32Array> {
  const name = `attack-${crypto.randomUUID()}`;
  const files: string[] = [join(folder, `${name}.f32`)];
  const planes = sound instanceof Float32Array ? [sound] : sound;
  try {
    await writeFile(files[0]!, bytesOf(interleave(planes)));
    let input = ['-f', 'f32le', '-ar', String(SOUND_RATE_HZ), '-ac', String(planes.length), '-i', files[0]!];
    let filters = filter;
    for (const [step, { extension, args }] of through.entries()) {
      const next = join(folder, `${name}-${step}.${extension}`);
      files.push(next);
      const { code, stderr } = await runTool({
        tool: 'ffmpeg',
        args: ['-v', 'error', '-y', ...input, ...(filters ? ['-af', filters] : []), ...args, next],
        signal,
      });
      if (code !== 0) throw failed(stderr);
      filters = undefined;
      input = ['-i', next];
    }
    return await decode([...input, ...(filters ? ['-af', filters] : [])], signal);
  } finally {
    for (const file of files) await rm(file, { force: true });
  }
}

async function decode(input: readonly string[], signal: AbortSignal): Promise<Float32Array> {
  const tool = startTool({
    tool: 'ffmpeg',
    args: ['-v', 'error', ...input, '-ac', '1', '-ar', String(DETECTOR_RATE_HZ), '-f', 'f32le', 'pipe:1'],
    signal,
    output: true,
  });
  const parts: Buffer[] = [];
  for await (const part of tool.stdout!) parts.push(part as Buffer);
  const { code, stderr } = await tool.exit;
  signal.throwIfAborted();
  if (code !== 0) throw failed(stderr);
  const bytes = Buffer.concat(parts);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~3)));
}

function failed(stderr: string): LivedubError {
  return new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', `FFmpeg failed on an attack: ${stderr.trim()}`);
}

function interleave(planes: readonly Float32Array[]): Float32Array {
  if (planes.length === 1) return planes[0]!;
  const out = new Float32Array(planes.length * planes[0]!.length);
  planes.forEach((plane, channel) => {
    for (let i = 0; i < plane.length; i += 1) out[i * planes.length + channel] = plane[i]!;
  });
  return out;
}

function bytesOf(pcm: Float32Array): Uint8Array {
  return new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
}

/** Noise so many dB above the level of the surrounding 5 s. */
function addNoise(sound: Float32Array, noiseDb: number): Float32Array {
  const random = mulberry32(5);
  const level = localRms(sound, 5);
  const gain = 10 ** (noiseDb / 20);
  return sound.map((sample, i) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return sample + gain * level[i]! * normal;
  });
}

/** Place in the original of a place in what `wow` makes, s. */
function wowTime(resultS: number): number {
  const { depth, periodS } = WOW;
  const turn = (2 * Math.PI) / periodS;
  return resultS + (depth / turn) * (1 - Math.cos(turn * resultS));
}

/** Plays sound at a speed that swings around 1, as a worn tape does. */
function wow(sound: Float32Array): Float32Array {
  const out = new Float32Array(sound.length);
  for (let i = 0; i < out.length; i += 1) {
    const at = wowTime(i / SOUND_RATE_HZ) * SOUND_RATE_HZ;
    const whole = Math.floor(at);
    if (whole + 2 >= sound.length) return out.subarray(0, i);
    out[i] = cubic(sound, whole, at - whole);
  }
  return out;
}

/** Between two samples: Catmull and Rom's cubic through four. */
function cubic(sound: Float32Array, at: number, part: number): number {
  const [a, b, c, d] = [sound[at - 1] ?? 0, sound[at]!, sound[at + 1]!, sound[at + 2]!];
  return b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)));
}
