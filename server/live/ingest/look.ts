import type { Readable } from 'node:stream';
import { z } from 'zod';
import { LivedubError } from '../../../pipeline/errors.ts';
import { inputArgs, lastLine } from '../../../pipeline/media/probe.ts';
import { startTool, type Tool } from '../../../pipeline/media/tool-process.ts';
import type { IngestFound, IngestInput, PictureFound } from './ingest-input.ts';

export interface LookOptions {
  readonly input: IngestInput;
  readonly signal: AbortSignal;
  /** Most media to look at, ms. Default 700. */
  readonly lookMs?: number;
  /** Give up when nothing could be made out for so long, ms. Default 10 000. */
  readonly timeoutMs?: number;
}

export interface Look {
  readonly found: IngestFound;
  /** What was read of a stream meanwhile; it comes before what `bytes` gives next. */
  readonly head: readonly Buffer[];
}

/** More than a second of the fattest stream that makes sense here. */
const MAX_HEAD_BYTES = 4 * 2 ** 20;
/** B-frames show in the order of so many packets. */
const PACKETS = 50;

/** What FFmpeg is told about a stream on its standard input: no other protocol, little analysis. */
export function streamInputArgs(format: 'mpegts' | 'flv', lookMs: number): string[] {
  return [
    ...['-protocol_whitelist', 'pipe', '-format_whitelist', format, '-f', format],
    ...['-probesize', String(MAX_HEAD_BYTES), '-analyzeduration', String(lookMs * 1000), '-i', 'pipe:0'],
  ];
}

/**
 * Looks at the first moments of an input with ffprobe, in a process of its own.
 *
 * @throws LivedubError LIVEDUB_E_INPUT_UNREADABLE (garbage, or nothing came in time), LIVEDUB_E_ABORTED
 */
export async function lookAt(options: LookOptions): Promise<Look> {
  const { input, lookMs = 700 } = options;
  const where =
    input.kind === 'file'
      ? inputArgs({ path: input.path, isUrl: false })
      : streamInputArgs(input.format, lookMs);
  const tool = startTool({
    tool: 'ffprobe',
    args: [
      ...['-v', 'error', '-of', 'json', '-show_streams', '-show_packets'],
      ...['-show_entries', 'packet=stream_index,pts,dts', '-read_intervals', `%+#${PACKETS}`],
      ...where,
    ],
    signal: options.signal,
    input: input.kind === 'stream',
    output: true,
    timeoutMs: options.timeoutMs ?? 10_000,
    memoryBytes: 2 * 2 ** 30,
  });
  const printed: Buffer[] = [];
  tool.stdout?.on('data', (part: Buffer) => printed.push(part));
  const head = input.kind === 'stream' ? feed(tool, input.bytes) : undefined;
  const exit = await tool.exit;
  const bytes = head?.() ?? [];
  if (options.signal.aborted) throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.');
  const found = read(Buffer.concat(printed).toString('utf8'));
  if (found === undefined || (found.picture === undefined && found.sounds.length === 0)) {
    const why = exit.timedOut
      ? 'nothing that can be decoded came in time'
      : lastLine(exit.stderr, input.kind === 'file' ? input.path : 'pipe:0');
    throw new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', `The publisher's stream cannot be read: ${why}.`);
  }
  return { found, head: bytes };
}

/** Gives a copy of what comes to the tool. @returns ends that, and gives what came */
function feed(tool: Tool, bytes: Readable): () => Buffer[] {
  const head: Buffer[] = [];
  let size = 0;
  const onData = (part: Buffer) => {
    head.push(part);
    size += part.length;
    tool.stdin?.write(part);
    if (size >= MAX_HEAD_BYTES) onEnd();
  };
  const onEnd = () => {
    bytes.pause();
    tool.stdin?.end();
  };
  bytes.on('data', onData);
  bytes.once('end', onEnd);
  bytes.once('close', onEnd);
  bytes.resume();
  return () => {
    bytes.off('data', onData).off('end', onEnd).off('close', onEnd);
    bytes.pause();
    return head;
  };
}

const ProbeSchema = z.object({
  packets: z
    .array(
      z.object({
        stream_index: z.number().optional(),
        pts: z.number().optional(),
        dts: z.number().optional(),
      }),
    )
    .default([]),
  streams: z.array(
    z.object({
      index: z.number(),
      codec_type: z.string().optional(),
      codec_name: z.string().optional(),
      profile: z.string().optional(),
      pix_fmt: z.string().optional(),
      field_order: z.string().optional(),
      has_b_frames: z.number().optional(),
      width: z.number().optional(),
      height: z.number().optional(),
      channels: z.number().optional(),
      r_frame_rate: z.string().optional(),
      avg_frame_rate: z.string().optional(),
      disposition: z.object({ attached_pic: z.number().optional() }).optional(),
    }),
  ),
});
type Probe = z.infer<typeof ProbeSchema>;

const PLAYABLE_PROFILES = new Set(['Constrained Baseline', 'Baseline', 'Main', 'High']);

function read(text: string): IngestFound | undefined {
  let probe: Probe;
  try {
    probe = ProbeSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
  const picture = probe.streams.find(
    (stream) =>
      stream.codec_type === 'video' && (stream.width ?? 0) > 0 && stream.disposition?.attached_pic !== 1,
  );
  const sounds = probe.streams.filter(
    (stream) =>
      stream.codec_type === 'audio' && stream.codec_name !== undefined && (stream.channels ?? 0) > 0,
  );
  return {
    picture: picture === undefined ? undefined : describe(picture, probe.packets),
    sounds: sounds.map((stream) => stream.index),
  };
}

function describe(stream: Probe['streams'][number], packets: Probe['packets']): PictureFound {
  const progressive = ['progressive', 'unknown', undefined].includes(stream.field_order);
  const own = packets.filter((packet) => packet.stream_index === stream.index);
  const reordered = own.some((packet, i) => i > 0 && (packet.pts ?? 0) < (own[i - 1]!.pts ?? 0));
  return {
    index: stream.index,
    codec: stream.codec_name ?? 'unknown',
    widthPx: stream.width ?? 0,
    heightPx: stream.height ?? 0,
    framesPerSecond: ratio(stream.avg_frame_rate) || ratio(stream.r_frame_rate),
    interlaced: !progressive,
    playable:
      stream.codec_name === 'h264' &&
      PLAYABLE_PROFILES.has(stream.profile ?? '') &&
      ['yuv420p', 'yuvj420p'].includes(stream.pix_fmt ?? '') &&
      progressive &&
      (stream.has_b_frames ?? 0) === 0 &&
      !reordered,
  };
}

function ratio(text: string | undefined): number {
  const [numerator = 0, denominator = 1] = (text ?? '').split('/').map(Number);
  const value = denominator > 0 ? numerator / denominator : 0;
  // Containers without a rate give the rate of their clock.
  return Number.isFinite(value) && value <= 240 ? value : 0;
}
