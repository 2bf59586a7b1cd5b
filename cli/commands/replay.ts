import type { Command } from 'commander';
import { z } from 'zod';
import { LivedubError } from '../../pipeline/errors.ts';
import { inputArgs, lastLine, type MediaInfo, probeMedia } from '../../pipeline/media/probe.ts';
import { startTool } from '../../pipeline/media/tool-process.ts';
import { ProblemSchema } from '../../server/contract.ts';
import { ChannelIdSchema, OperatorChannelSchema } from '../../server/live/contract.ts';
import { check, errorFromProblem } from '../../server/problem.ts';
import { shutdownSignal } from '../shutdown.ts';

const OptionsSchema = z.object({
  live: z.literal(true, 'has to be given: a replay without it is `livedub dub`'),
  channel: ChannelIdSchema,
  server: z.url({ protocol: /^https?$/, error: 'must look like http://localhost:8080' }),
  token: z.string().min(1).optional(),
  speechTrack: z.coerce.number('must be a number').int().min(0).max(63).optional(),
  loop: z.boolean().default(false),
});
type Options = z.infer<typeof OptionsSchema>;

/** `livedub replay FILE --live`: a file as the programme of a channel, at the pace of its clock. */
export function registerReplay(program: Command): void {
  program
    .command('replay')
    .description('play a media file into a live channel, as an encoder would send it')
    .argument('<file>', 'media file; this command reads it, the server gets a stream')
    .option('--live', 'into a live channel (`livedub dub` makes a file of a file)')
    .requiredOption('--channel <id>', 'id of the channel')
    .option(
      '--server <address>',
      'where livedub runs',
      `http://localhost:${process.env.LIVEDUB_PORT || 8080}`,
    )
    .option(
      '--token <token>',
      'token with scope manage (default: LIVEDUB_TOKEN; not needed beside the server)',
    )
    .option(
      '--speech-track <number>',
      'audio track, counted from 0, that is clean speech: it is dubbed, and the programme sound is the bed',
    )
    .option('--loop', 'begin again at the end, until Ctrl-C')
    .action(async (file: string, raw: Record<string, unknown>) => {
      const token = raw.token ?? process.env.LIVEDUB_TOKEN;
      await replay(file, check(OptionsSchema, { ...raw, token: token || undefined }, 'option'));
    });
}

async function replay(file: string, options: Options): Promise<void> {
  const signal = shutdownSignal();
  const media = await probeMedia(file, { signal });
  const args = fileArgs(media, options);
  const channel = await askChannel(options);
  if (options.speechTrack !== undefined && channel.settings.dubbingSource !== 'speech') {
    throw new LivedubError('LIVEDUB_E_CONFLICT', `Channel ${options.channel} dubs the programme sound.`, {
      remedy: 'Set its dubbing source to clean speech on its desk, or leave out --speech-track.',
    });
  }
  const address = srtAddress(channel.publish.srt, options);
  process.stderr.write(`${media.path} → ${options.channel} at 1×; Ctrl-C ends it.\n`);
  await send(args, address, signal);
}

/** The file as a transport stream at real-time pace: copied where such a stream carries it, else encoded. */
function fileArgs(media: MediaInfo, options: Options): string[] {
  const first = Math.max(
    0,
    media.audio.findIndex((track) => track.isDefault),
  );
  const speech = options.speechTrack === undefined ? undefined : media.audio[options.speechTrack];
  if (options.speechTrack !== undefined && (speech === undefined || media.audio.length < 2)) {
    throw new LivedubError(
      'LIVEDUB_E_BAD_REQUEST',
      `There is no audio track ${options.speechTrack} beside the programme's: the file has ${media.audio.length}, counted from 0.`,
    );
  }
  const programme =
    media.audio[first] === speech ? media.audio.find((track) => track !== speech)! : media.audio[first]!;
  // The server takes the first sound for the programme's and the second for clean speech.
  const sounds = speech === undefined ? [programme] : [programme, speech];
  const { video } = media;
  const copiesPicture = video !== undefined && ['h264', 'hevc', 'mpeg2video'].includes(video.codec);
  const picture = copiesPicture
    ? ['-c:v', 'copy']
    : ['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-crf', '20', '-pix_fmt', 'yuv420p'];
  return [
    ...['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'error', '-re'],
    ...(options.loop ? ['-stream_loop', '-1'] : []),
    ...['-fflags', '+genpts', ...inputArgs(media)],
    ...(video === undefined ? [] : ['-map', `0:${video.index}`, ...picture]),
    ...(video === undefined || copiesPicture ? [] : ['-force_key_frames', 'expr:gte(t,n_forced*2)']),
    ...sounds.flatMap((track, index) => [
      ...['-map', `0:${track.index}`],
      ...(['aac', 'mp3', 'ac3', 'opus'].includes(track.codec)
        ? [`-c:a:${index}`, 'copy']
        : [`-c:a:${index}`, 'aac', `-b:a:${index}`, '192k']),
    ]),
    ...['-sn', '-dn', '-flush_packets', '1', '-muxdelay', '0', '-f', 'mpegts', 'pipe:1'],
  ];
}

async function askChannel(options: Options): Promise<z.infer<typeof OperatorChannelSchema>> {
  const { server, channel, token } = options;
  let response: Response;
  try {
    response = await fetch(new URL(`/v1/channels/${channel}`, server), {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([shutdownSignal(), AbortSignal.timeout(10_000)]),
    });
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_NOT_FOUND', `No livedub server answers at ${server}.`, {
      cause,
      remedy: 'Start it with `livedub serve`, or name its address with --server.',
    });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    const problem = ProblemSchema.safeParse(body);
    if (problem.success && problem.data.code === 'LIVEDUB_E_NOT_FOUND') {
      throw new LivedubError('LIVEDUB_E_NOT_FOUND', `There is no channel ${channel} at ${server}.`, {
        remedy: 'Create it on the desk first.',
      });
    }
    if (problem.success) throw errorFromProblem(problem.data);
    throw new LivedubError(
      'LIVEDUB_E_NOT_FOUND',
      `${server} is no livedub server (HTTP ${response.status}).`,
    );
  }
  const parsed = OperatorChannelSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new LivedubError(
    'LIVEDUB_E_UNAUTHORISED',
    `Channel ${channel} may be watched, not fed, without a token.`,
    {
      remedy: 'Give --token, or LIVEDUB_TOKEN, with scope manage: `livedub token` makes one.',
    },
  );
}

/** @throws LivedubError LIVEDUB_E_CONFLICT when the channel does not listen */
function srtAddress(srt: string | undefined, { channel, server }: Options): string {
  if (srt === undefined) {
    throw new LivedubError('LIVEDUB_E_CONFLICT', `Channel ${channel} does not listen for encoders.`, {
      remedy: 'Turn on SRT and RTMP in its settings on the desk.',
    });
  }
  // A server that listens everywhere does not know by which name it is reached.
  const host = new URL(server).hostname;
  const reachable = host === 'localhost' ? '127.0.0.1' : host;
  return srt.replace(/^srt:\/\/(0\.0\.0\.0|127\.0\.0\.1)/, `srt://${reachable}`);
}

/** What SRT holds back for retransmission would be lost with the connection, so it stays open a little longer, ms. */
const LINGER_MS = 1000;

async function send(args: readonly string[], address: string, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const sender = startTool({
    tool: 'ffmpeg',
    args: [
      ...['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'error', '-f', 'data', '-i', 'pipe:0'],
      ...['-map', '0', '-c', 'copy', '-flush_packets', '1', '-f', 'data', address],
    ],
    signal: either,
    input: true,
    niceness: 0,
  });
  const reader = startTool({ tool: 'ffmpeg', args, signal: either, output: true, niceness: 0 });
  try {
    reader.stdout!.pipe(sender.stdin!, { end: false });
    const first = await Promise.race([
      reader.exit.then((exit) => ({ who: 'reader' as const, exit })),
      sender.exit.then((exit) => ({ who: 'sender' as const, exit })),
    ]);
    if (signal.aborted) throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.');
    if (first.who === 'sender') {
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'The channel did not take the stream, or ended it.', {
        remedy: 'Somebody else may be publishing to it: look at its desk.',
      });
    }
    if (first.exit.code !== 0) {
      throw new LivedubError(
        'LIVEDUB_E_INPUT_UNREADABLE',
        `The file cannot be read: ${lastLine(first.exit.stderr, 'pipe:1')}.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    sender.stdin!.end();
    await sender.exit;
  } finally {
    stop.abort();
    await Promise.all([reader.exit, sender.exit]);
  }
}
