import path from 'node:path';
import { LivedubError } from '../../../pipeline/errors.ts';
import { makeFaceFile } from './face-files.ts';
import { makeMp4 } from './make-mp4.ts';
import { usableParts } from './probe-part.ts';
import { dubTitles, facePartsOf, isMoved, recordingArgs } from './recording-mux.ts';
import { recordingProblem } from './recording-problem.ts';
import {
  RESULT_FILE,
  type RecordedFace,
  type RecordingState,
  removeStray,
  withFace,
  writeState,
} from './recording-state.ts';
import { readCaptions, writeCaptionFiles } from './recording-text.ts';

export interface FinishOptions {
  readonly folder: string;
  readonly state: RecordingState;
  readonly signal: AbortSignal;
  /** Calls back when a file may be made: once a file. Default: at once. */
  readonly inTurn?: <T>(work: () => Promise<T>) => Promise<T>;
  /** A file is there, or was not made: the recording's own comes first. Default: nothing. */
  readonly onState?: (state: RecordingState) => void;
}

/**
 * Makes of a recording's parts one MP4 and the caption files, then a file for each language whose picture was moved, and removes
 * the parts. The picture is copied where it is H.264 of one kind throughout, else encoded; every sound becomes AAC with its holes
 * as silence; times are media time since the start of the recording, for all tracks. Can be repeated after a crash, and goes on
 * where that was. What cannot be made is `failed` in the state that is given and, if that can be written, in the folder; what it was
 * to be made of stays. A file of a moved picture fails for itself alone.
 *
 * @returns the state with everything done or failed
 * @throws LivedubError LIVEDUB_E_ABORTED
 */
export async function finishRecording(options: FinishOptions): Promise<RecordingState> {
  let { state } = options;
  if (state.state !== 'done') {
    state = await finishWhole(options, state);
    options.onState?.(state);
  }
  if (state.state === 'failed') return state;
  for (const { language, state: made } of state.faces) {
    if (made !== 'pending') continue;
    state = await finishFace(options, state, language);
    options.onState?.(state);
  }
  return state;
}

async function finishWhole(options: FinishOptions, recorded: RecordingState): Promise<RecordingState> {
  const { folder, signal, inTurn = atOnce } = options;
  // What a crash has left does not know how long it is.
  const knownMs = recorded.state === 'recording' ? 0 : recorded.durationMs;
  const state: RecordingState = { ...recorded, state: 'finishing', durationMs: knownMs };
  try {
    await writeState(folder, state);
    const done = await inTurn(() => makeWhole(folder, state, signal));
    // It is there. What cannot be noted is made again after the next start.
    return await release(folder, done).catch(() => done);
  } catch (error) {
    if (signal.aborted) throw aborted(error);
    const failed: RecordingState = { ...state, state: 'failed', error: recordingProblem(error, folder) };
    // What cannot be noted is made after the next start.
    await writeState(folder, failed).catch(() => {});
    return failed;
  }
}

async function makeWhole(
  folder: string,
  state: RecordingState,
  signal: AbortSignal,
): Promise<RecordingState> {
  const parts = await usableParts(folder, state.parts, signal);
  if (parts.every(({ track }) => isMoved(track))) {
    throw new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', 'Nothing was recorded.', {
      remedy: 'Record while somebody publishes.',
    });
  }
  const captions = await writeCaptionFiles(folder, await readCaptions(folder, state), state.from);
  const durationMs = await makeMp4({
    file: path.join(folder, RESULT_FILE),
    args: recordingArgs({ folder, state, parts, captions }),
    disclosure: { dubs: dubTitles(parts) },
    signal,
  });
  return { ...state, state: 'done', durationMs: durationMs || state.durationMs, captions };
}

async function finishFace(
  { folder, signal, inTurn = atOnce }: FinishOptions,
  state: RecordingState,
  language: string,
): Promise<RecordingState> {
  let face: RecordedFace;
  try {
    const movedMs = await inTurn(async () => {
      const parts = await usableParts(folder, facePartsOf(state.parts, language), signal);
      return makeFaceFile({ folder, state, parts, captions: state.captions }, language, signal);
    });
    face = { language, state: 'done', movedMs };
  } catch (error) {
    if (signal.aborted) throw aborted(error);
    face = { language, state: 'failed', error: recordingProblem(error, folder) };
  }
  const settled = withFace(state, face);
  return await release(folder, settled).catch(() => settled);
}

/** Notes the state, and removes the parts of which nothing is to be made any more. */
export async function release(folder: string, state: RecordingState): Promise<RecordingState> {
  const open = state.faces.filter((face) => face.state !== 'done');
  const parts = state.parts.filter((part) =>
    open.some(({ language }) => facePartsOf([part], language).length > 0),
  );
  const released = { ...state, parts };
  await writeState(folder, released);
  await removeStray(folder, released);
  return released;
}

function atOnce<T>(work: () => Promise<T>): Promise<T> {
  return work();
}

function aborted(cause: unknown): LivedubError {
  return new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause });
}
