import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { toLivedubError } from '../../../pipeline/errors.ts';
import { problemOf } from '../../problem.ts';
import { finishRecording } from './finish-recording.ts';
import { type RecordingState, readState, writeState } from './recording-state.ts';

/** The recordings whose folders are in `parent`, oldest first; what is no recording is passed over. */
export async function readRecordings(
  parent: string,
): Promise<{ readonly folder: string; readonly state: RecordingState }[]> {
  const names = await readdir(parent).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const folder = path.join(parent, name);
      const state = await readState(folder).catch(() => undefined);
      return state === undefined ? [] : [{ folder, state }];
    }),
  );
  return found.flat().sort((a, b) => a.state.startedAt.localeCompare(b.state.startedAt));
}

/**
 * Finishes, one after the other, the recordings in `parent` that a crash or an early end left unfinished. Call it before
 * new ones are started there.
 *
 * @param onFinished gets each one's new state; `failed` with its error where it could not be finished
 * @throws LivedubError LIVEDUB_E_ABORTED
 */
export async function recoverRecordings(
  parent: string,
  signal: AbortSignal,
  onFinished: (folder: string, state: RecordingState) => void = () => {},
): Promise<void> {
  for (const { folder, state } of await readRecordings(parent)) {
    if (state.state !== 'recording' && state.state !== 'finishing') continue;
    try {
      onFinished(folder, await finishRecording({ folder, state, signal }));
    } catch (error) {
      const failure = toLivedubError(error);
      if (failure.code === 'LIVEDUB_E_ABORTED') throw failure;
      const failed: RecordingState = { ...state, state: 'failed', error: problemOf(failure) };
      await writeState(folder, failed).catch(() => {});
      onFinished(folder, failed);
    }
  }
}
