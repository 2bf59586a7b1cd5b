import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { LivedubError } from '../../../pipeline/errors.ts';
import { appendDisclosure } from '../../../pipeline/media/disclosure.ts';
import { outputError } from '../../../pipeline/media/recording-folder.ts';
import { runTool } from '../../../pipeline/media/tool-process.ts';
import { problemOf } from '../../problem.ts';
import { makeFaceFile } from './face-files.ts';
import { dubTitles, facePartsOf, isMoved, recordingArgs, type UsablePart } from './recording-mux.ts';
import {
  RESULT_FILE,
  type RecordedFace,
  type RecordingPart,
  type RecordingState,
  withFace,
  writeState,
} from './recording-state.ts';
import { readCaptions, writeCaptionFiles } from './recording-text.ts';

export interface FinishOptions {
  readonly folder: string;
  readonly state: RecordingState;
  readonly signal: AbortSignal;
  /** A file is there, or will not be: the recording's own comes first. Default: nothing. */
  readonly onState?: (state: RecordingState) => void;
}

/**
 * Makes of a recording's parts one MP4 and the caption files, then a file for each language whose picture was moved, and removes
 * the parts. The picture is copied where it is H.264 of one kind throughout, else encoded; every sound becomes AAC with its holes
 * as silence; times are media time since the start of the recording, for all tracks. Can be repeated after a crash, and goes on
 * where that was; a failure is written to the folder, and what the file was to be made of stays. One of a moved picture is its own
 * and no failure of the recording.
 *
 * @throws LivedubError LIVEDUB_E_INPUT_UNREADABLE (there is nothing in it), LIVEDUB_E_OUTPUT_DISK_FULL, …_NOT_WRITABLE,
 * LIVEDUB_E_ABORTED
 */
export async function finishRecording(options: FinishOptions): Promise<RecordingState> {
  let { state } = options;
  if (state.state !== 'done') {
    state = await finishWhole(options);
    options.onState?.(state);
  }
  for (const face of state.faces) {
    if (face.state !== 'pending') continue;
    state = await finishFace(options, state, face.language);
    options.onState?.(state);
  }
  return state;
}

async function finishWhole({ folder, signal, ...options }: FinishOptions): Promise<RecordingState> {
  // What a crash has left does not know how long it is.
  const knownMs = options.state.state === 'recording' ? 0 : options.state.durationMs;
  let state: RecordingState = { ...options.state, state: 'finishing', durationMs: knownMs };
  try {
    await writeState(folder, state);
    const parts = await usableOf(folder, state.parts, signal);
    if (parts.every(({ track }) => isMoved(track))) {
      throw new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', 'Nothing was recorded.', {
        remedy: 'Record while somebody publishes.',
      });
    }
    const captions = await writeCaptionFiles(folder, await readCaptions(folder, state), state.from);
    const made = path.join(folder, `${RESULT_FILE}.part`);
    const args = [...recordingArgs({ folder, state, parts, captions }), `file:${made}`];
    // Other channels are live: this can wait.
    const run = await runTool({ tool: 'ffmpeg', args, signal, memoryBytes: 12 * 2 ** 30, niceness: 15 });
    if (run.code !== 0) throw outputError(run.stderr.trim() || 'FFmpeg stopped.', made);
    await appendDisclosure(made, { dubs: dubTitles(parts) });
    const durationMs = (await durationOf(made, signal)) ?? state.durationMs;
    await rename(made, path.join(folder, RESULT_FILE));
    state = { ...state, state: 'done', durationMs, captions };
    return await release(folder, state);
  } catch (error) {
    if (signal.aborted) throw aborted(error);
    const failure = outputError(error, folder);
    await writeState(folder, { ...state, state: 'failed', error: problemOf(failure) }).catch(() => {});
    throw failure;
  }
}

async function finishFace(
  { folder, signal }: FinishOptions,
  state: RecordingState,
  language: string,
): Promise<RecordingState> {
  let face: RecordedFace = { language, state: 'done' };
  try {
    const parts = await usableOf(folder, facePartsOf(state.parts, language), signal);
    await makeFaceFile({ folder, state, parts, captions: state.captions }, language, signal);
  } catch (error) {
    if (signal.aborted) throw aborted(error);
    face = { language, state: 'failed', error: problemOf(outputError(error, folder)) };
  }
  const settled = withFace(state, face);
  // What cannot be noted is made again after the next start.
  return await release(folder, settled).catch(() => settled);
}

/** Notes the state, and removes the parts of which nothing is to be made any more. */
async function release(folder: string, state: RecordingState): Promise<RecordingState> {
  const open = state.faces.filter((face) => face.state !== 'done');
  const parts = state.parts.filter((part) =>
    open.some(({ language }) => facePartsOf([part], language).length > 0),
  );
  const released = { ...state, parts };
  await writeState(folder, released);
  for (const part of state.parts)
    if (!parts.includes(part)) await rm(path.join(folder, part.file), { force: true });
  return released;
}

function aborted(cause: unknown): LivedubError {
  return new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause });
}

const ProbeSchema = z.object({
  streams: z
    .array(z.object({ codec_type: z.string(), width: z.number().optional(), height: z.number().optional() }))
    .default([]),
  format: z.object({ duration: z.coerce.number().optional() }).optional(),
});

/** Those that a crash has left anything of that can be read. */
async function usableOf(
  folder: string,
  parts: readonly RecordingPart[],
  signal: AbortSignal,
): Promise<UsablePart[]> {
  const usable: UsablePart[] = [];
  for (const part of parts) {
    const probe = await probeFile(path.join(folder, part.file), signal);
    const wanted = part.codec === 'opus' ? 'audio' : 'video';
    const stream = probe?.streams.find((one) => one.codec_type === wanted);
    if (stream === undefined) continue;
    usable.push({
      ...part,
      widthPx: Math.max(part.widthPx ?? 0, stream.width ?? 0),
      heightPx: Math.max(part.heightPx ?? 0, stream.height ?? 0),
    });
  }
  return usable;
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
