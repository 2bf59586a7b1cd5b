import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { LivedubError } from '../../../pipeline/errors.ts';
import { appendDisclosure } from '../../../pipeline/media/disclosure.ts';
import { iso6392 } from '../../../pipeline/media/iso639.ts';
import { dubTitle, type TrackLabel, trackLabels } from '../../../pipeline/media/recorder-mux.ts';
import { outputError } from '../../../pipeline/media/recording-folder.ts';
import { runTool } from '../../../pipeline/media/tool-process.ts';
import { languageName } from '../../language-name.ts';
import { problemOf } from '../../problem.ts';
import { RESULT_FILE, type RecordingPart, type RecordingState, writeState } from './recording-state.ts';
import { readCaptions, writeCaptionFiles } from './recording-text.ts';

export interface FinishOptions {
  readonly folder: string;
  readonly state: RecordingState;
  readonly signal: AbortSignal;
}

/** A part that holds something. */
interface UsablePart extends RecordingPart {
  readonly widthPx: number;
  readonly heightPx: number;
}

/**
 * Makes of a recording's parts one MP4 and the caption files, and removes the parts. The picture is copied where it is
 * H.264 of one kind throughout, else encoded; every sound becomes AAC with its holes as silence; times are media time
 * since the start of the recording, for all tracks. Can be repeated after a crash; a failure is written to the folder,
 * and the parts stay.
 *
 * @throws LivedubError LIVEDUB_E_INPUT_UNREADABLE (there is nothing in it), LIVEDUB_E_OUTPUT_DISK_FULL, …_NOT_WRITABLE,
 * LIVEDUB_E_ABORTED
 */
export async function finishRecording(options: FinishOptions): Promise<RecordingState> {
  const { folder, signal } = options;
  let state: RecordingState = { ...options.state, state: 'finishing' };
  try {
    await writeState(folder, state);
    const parts: UsablePart[] = [];
    for (const part of state.parts) {
      const usable = await lookAtPart(folder, part, signal);
      if (usable !== undefined) parts.push(usable);
    }
    if (parts.length === 0) {
      throw new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', 'Nothing was recorded.', {
        remedy: 'Record while somebody publishes.',
      });
    }
    const captions = await writeCaptionFiles(folder, await readCaptions(folder, state), state.from);
    const made = path.join(folder, `${RESULT_FILE}.part`);
    const args = [...muxArgs({ folder, state, parts, captions }), `file:${made}`];
    // Other channels are live: this can wait.
    const run = await runTool({ tool: 'ffmpeg', args, signal, memoryBytes: 12 * 2 ** 30, niceness: 15 });
    if (run.code !== 0) throw outputError(run.stderr.trim() || 'FFmpeg stopped.', made);
    await appendDisclosure(made, { dubs: dubsOf(parts).map((part) => labelOf(part).title) });
    const durationMs = (await durationOf(made, signal)) ?? state.durationMs;
    await rename(made, path.join(folder, RESULT_FILE));
    const files = state.parts.map((part) => path.join(folder, part.file));
    state = { ...state, state: 'done', durationMs, captions, parts: [] };
    await writeState(folder, state);
    for (const file of files) await rm(file, { force: true });
    return state;
  } catch (error) {
    if (signal.aborted) {
      throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: error });
    }
    const failure = outputError(error, folder);
    await writeState(folder, { ...state, state: 'failed', error: problemOf(failure) }).catch(() => {});
    throw failure;
  }
}

interface Plan {
  readonly folder: string;
  readonly state: RecordingState;
  readonly parts: readonly UsablePart[];
  readonly captions: readonly string[];
}

function muxArgs({ folder, state, parts, captions }: Plan): string[] {
  const inputs: string[] = [];
  const input = (file: string): void => {
    inputs.push('-protocol_whitelist', 'file', '-i', `file:${path.join(folder, file)}`);
  };
  const pictures = parts.filter((part) => part.codec !== 'opus');
  const original = originalOf(parts);
  const dubs = dubsOf(parts);
  const sounds = original === undefined ? dubs : [original, ...dubs];
  for (const part of [...pictures, ...sounds]) input(part.file);
  for (const language of captions) input(`${language}.srt`);
  const maps = sounds.flatMap((_, index) => ['-map', `${pictures.length + index}:a:0`]);
  const firstText = pictures.length + sounds.length;
  maps.push(...captions.flatMap((_, index) => ['-map', `${firstText + index}:s:0`]));
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-y'],
    // Times are those of the recording, in every part: none is shifted to begin at 0.
    ...['-copyts', ...inputs],
    ...pictureArgs(pictures),
    ...maps,
    ...['-c:a', 'aac', '-aac_coder', 'fast', '-b:a', '128k'],
    ...['-af', 'aresample=48000:async=1:min_hard_comp=0.03:first_pts=0'],
    ...(captions.length === 0 ? [] : ['-c:s', 'mov_text']),
    ...captions.flatMap((language, index) => [
      ...[`-metadata:s:s:${index}`, `language=${iso6392(language)}`],
      ...[`-metadata:s:s:${index}`, `handler_name=${languageName(language)}`],
    ]),
    ...trackLabels({
      original:
        original === undefined
          ? undefined
          : { language: state.from, title: `${languageName(state.from)} (original)` },
      dubs: dubs.map(labelOf),
      hasPicture: pictures.length > 0,
    }),
    ...['-metadata', `title=${state.title}`, '-metadata', `creation_time=${state.startedAt}`],
    ...['-max_muxing_queue_size', '8192', '-movflags', '+faststart', '-f', 'mp4'],
  ];
}

function originalOf(parts: readonly UsablePart[]): UsablePart | undefined {
  return parts.find((part) => part.track.endsWith(':audio'));
}

function dubsOf(parts: readonly UsablePart[]): UsablePart[] {
  const original = originalOf(parts);
  return parts.filter((part) => part.codec === 'opus' && part !== original);
}

function labelOf(dub: RecordingPart): TrackLabel {
  const language = dub.track.split(':')[1]!;
  return { language, title: dubTitle(languageName(language)) };
}

function pictureArgs(pictures: readonly UsablePart[]): string[] {
  if (pictures.length === 0) return [];
  if (pictures.length === 1 && pictures[0]!.codec === 'h264') return ['-map', '0:v:0', '-c:v', 'copy'];
  const even = (px: number) => Math.max(2, Math.ceil(px / 2) * 2);
  const width = even(Math.max(...pictures.map((part) => part.widthPx)));
  const height = even(Math.max(...pictures.map((part) => part.heightPx)));
  const fit = `scale=${width}:${height}:force_original_aspect_ratio=decrease,pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2,setsar=1,format=yuv420p`;
  const chains = pictures.map((_, index) => `[${index}:v:0]${fit}[v${index}]`);
  const labels = pictures.map((_, index) => `[v${index}]`).join('');
  const graph =
    pictures.length === 1
      ? [...chains]
      : // Parts follow each other in time; each picture keeps its own.
        [...chains, `${labels}interleave=n=${pictures.length}[v]`];
  return [
    ...['-filter_complex', graph.join(';'), '-map', pictures.length === 1 ? '[v0]' : '[v]'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '21', '-g', '100'],
    ...['-fps_mode', 'passthrough', '-enc_time_base', '1:90000', '-video_track_timescale', '90000'],
  ];
}

const ProbeSchema = z.object({
  streams: z
    .array(z.object({ codec_type: z.string(), width: z.number().optional(), height: z.number().optional() }))
    .default([]),
  format: z.object({ duration: z.coerce.number().optional() }).optional(),
});

/** @returns undefined for a part in which a crash left nothing that can be read */
async function lookAtPart(
  folder: string,
  part: RecordingPart,
  signal: AbortSignal,
): Promise<UsablePart | undefined> {
  const probe = await probeFile(path.join(folder, part.file), signal);
  const wanted = part.codec === 'opus' ? 'audio' : 'video';
  const stream = probe?.streams.find((one) => one.codec_type === wanted);
  if (stream === undefined) return undefined;
  return {
    ...part,
    widthPx: Math.max(part.widthPx ?? 0, stream.width ?? 0),
    heightPx: Math.max(part.heightPx ?? 0, stream.height ?? 0),
  };
}

async function durationOf(file: string, signal: AbortSignal): Promise<number | undefined> {
  const seconds = (await probeFile(file, signal))?.format?.duration;
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}

async function probeFile(
  file: string,
  signal: AbortSignal,
): Promise<z.infer<typeof ProbeSchema> | undefined> {
  const run = await runTool({
    tool: 'ffprobe',
    args: ['-v', 'error', '-of', 'json', '-show_format', '-show_streams', `file:${file}`],
    signal,
    timeoutMs: 60_000,
  });
  const parsed = run.code === 0 ? ProbeSchema.safeParse(JSON.parse(run.stdout)) : undefined;
  return parsed?.data;
}
