import { existsSync } from 'node:fs';
import type { PictureFormat } from '../face/picture.ts';
import { NutReader } from './nut-reader.ts';
import { runTool, startTool } from './tool-process.ts';

export type PictureCodec = 'vp8' | 'h264';

/** One of FFmpeg's encoders, set up for live pictures: no picture waits for another, and keyframes come when asked for. */
export interface PictureEncoder {
  /** FFmpeg's name. */
  readonly name: string;
  readonly codec: PictureCodec;
  readonly isHardware: boolean;
  /** Before the input. */
  readonly deviceArgs: readonly string[];
  args(options: EncoderSettings): readonly string[];
}

export interface EncoderSettings extends Pick<PictureFormat, 'widthPx' | 'heightPx'> {
  readonly bitrateBps: number;
  /** What to expect; pictures may come at any time. */
  readonly fps: number;
}

/** Keyframes come by time, asked for from outside; an encoder must add none by itself. */
const NEVER = '100000';
const RENDER_NODE = '/dev/dri/renderD128';
const PROBE_TIMEOUT_MS = 10_000;
const PROBE_PICTURES = 8;
const PROBE_KEYFRAME = 4;

const rate = ({ bitrateBps }: EncoderSettings): string[] => [
  ...['-b:v', String(bitrateBps), '-maxrate', String(bitrateBps), '-bufsize', String(bitrateBps)],
  ...['-g', NEVER],
];

/** Several threads help large pictures; each needs a slice or partition of its own. */
const threads = ({ widthPx, heightPx }: EncoderSettings): string[] => [
  '-threads',
  widthPx * heightPx >= 1280 * 720 ? '2' : '1',
];

const LIBVPX: PictureEncoder = {
  name: 'libvpx',
  codec: 'vp8',
  isHardware: false,
  deviceArgs: [],
  args: (settings) => [
    ...[
      '-c:v',
      'libvpx',
      '-deadline',
      'realtime',
      '-cpu-used',
      '8',
      '-lag-in-frames',
      '0',
      '-auto-alt-ref',
      '0',
    ],
    ...[
      '-error-resilient',
      '1',
      '-qmin',
      '4',
      '-qmax',
      '56',
      '-undershoot-pct',
      '100',
      '-overshoot-pct',
      '15',
    ],
    ...['-keyint_min', NEVER, ...rate(settings), ...threads(settings)],
  ],
};

const LIBX264: PictureEncoder = {
  name: 'libx264',
  codec: 'h264',
  isHardware: false,
  deviceArgs: [],
  args: (settings) => [
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-profile:v', 'baseline'],
    ...['-bf', '0', '-sc_threshold', '0', '-forced-idr', '1', ...rate(settings), ...threads(settings)],
    // Without the rate x264 takes the time base for one, and without the other two it keeps a picture.
    ...['-x264-params', `fps=${Math.round(settings.fps)}:sync-lookahead=0:rc-lookahead=0`],
  ],
};

/** In the order of preference; the last of a codec is always there. */
const ENCODERS: readonly (PictureEncoder & { readonly device?: string })[] = [
  {
    name: 'h264_nvenc',
    codec: 'h264',
    isHardware: true,
    device: '/dev/nvidiactl',
    deviceArgs: [],
    args: (settings) => [
      ...[
        '-c:v',
        'h264_nvenc',
        '-preset',
        'p1',
        '-tune',
        'ull',
        '-zerolatency',
        '1',
        '-delay',
        '0',
        '-rc',
        'cbr',
      ],
      ...['-profile:v', 'baseline', '-bf', '0', '-forced-idr', '1', ...rate(settings)],
    ],
  },
  {
    name: 'h264_vaapi',
    codec: 'h264',
    isHardware: true,
    device: RENDER_NODE,
    deviceArgs: ['-vaapi_device', RENDER_NODE],
    args: (settings) => [
      ...['-vf', 'format=nv12,hwupload', '-c:v', 'h264_vaapi', '-profile:v', 'constrained_baseline'],
      ...['-bf', '0', '-async_depth', '1', '-rc_mode', 'CBR', ...rate(settings)],
    ],
  },
  {
    name: 'h264_videotoolbox',
    codec: 'h264',
    isHardware: true,
    deviceArgs: [],
    args: (settings) => [
      ...['-c:v', 'h264_videotoolbox', '-realtime', '1', '-profile:v', 'baseline', '-bf', '0'],
      ...['-allow_sw', '0', ...rate(settings)],
    ],
  },
  {
    name: 'vp8_vaapi',
    codec: 'vp8',
    isHardware: true,
    device: RENDER_NODE,
    deviceArgs: ['-vaapi_device', RENDER_NODE],
    args: (settings) => [
      ...['-vf', 'format=nv12,hwupload', '-c:v', 'vp8_vaapi', '-async_depth', '1', '-rc_mode', 'CBR'],
      ...rate(settings),
    ],
  },
  LIBVPX,
  LIBX264,
];

/** CUDA reserves far more addresses than it uses. */
export function encoderMemoryBytes(encoder: PictureEncoder): number {
  return encoder.isHardware ? 2 ** 46 : 2 ** 32;
}

const chosen = new Map<PictureCodec, Promise<PictureEncoder>>();

/**
 * The machine's hardware encoder where it has one that encodes a few pictures with a keyframe where it was asked for; else the
 * software's. Tried once per process.
 */
export function choosePictureEncoder(codec: PictureCodec): Promise<PictureEncoder> {
  let choice = chosen.get(codec);
  if (choice === undefined) {
    choice = choose(codec);
    chosen.set(codec, choice);
  }
  return choice;
}

async function choose(codec: PictureCodec): Promise<PictureEncoder> {
  const software = codec === 'vp8' ? LIBVPX : LIBX264;
  const candidates = ENCODERS.filter(
    (encoder) =>
      encoder.codec === codec &&
      encoder.isHardware &&
      (encoder.device ? existsSync(encoder.device) : process.platform === 'darwin'),
  );
  if (candidates.length === 0) return software;
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS * candidates.length);
  try {
    const listed = await runTool({ tool: 'ffmpeg', args: ['-hide_banner', '-encoders'], signal });
    for (const encoder of candidates)
      if (listed.stdout.includes(` ${encoder.name} `) && (await works(encoder, signal))) return encoder;
  } catch {
    // What cannot be tried is not there.
  }
  return software;
}

/** Encodes a few pictures as a live stream is, with a keyframe in the middle. */
async function works(encoder: PictureEncoder, signal: AbortSignal): Promise<boolean> {
  const settings = { widthPx: 320, heightPx: 240, bitrateBps: 500_000, fps: 25 };
  const tool = startTool({
    tool: 'ffmpeg',
    args: [
      ...['-hide_banner', '-loglevel', 'error', ...encoder.deviceArgs, '-f', 'lavfi'],
      ...['-i', `testsrc2=size=320x240:rate=25,trim=end_frame=${PROBE_PICTURES},format=yuv420p`],
      ...encoder.args(settings),
      ...['-force_key_frames', `expr:eq(n,${PROBE_KEYFRAME})`, '-write_index', '0', '-f', 'nut', 'pipe:1'],
    ],
    signal,
    output: true,
    timeoutMs: PROBE_TIMEOUT_MS,
    memoryBytes: encoderMemoryBytes(encoder),
  });
  const keyframes: boolean[] = [];
  try {
    const reader = await NutReader.open(
      tool.stdout as AsyncIterable<Buffer>,
      encoder.codec === 'vp8' ? 'VP80' : 'H264',
    );
    if (reader) for await (const { keyframe } of reader.encoded()) keyframes.push(keyframe);
  } catch {
    tool.kill();
  }
  const { code } = await tool.exit;
  return code === 0 && keyframes.length === PROBE_PICTURES && keyframes[0]! && keyframes[PROBE_KEYFRAME]!;
}
