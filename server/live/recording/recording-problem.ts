import { type ErrorCode, LivedubError } from '../../../pipeline/errors.ts';
import { outputError } from '../../../pipeline/media/recording-folder.ts';
import type { Problem } from '../../contract.ts';
import { problemOf } from '../../problem.ts';

/** What helps at the desk, where nobody chooses a folder. */
const REMEDIES: Partial<Record<ErrorCode, string>> = {
  LIVEDUB_E_OUTPUT_DISK_FULL: 'Free some space.',
  LIVEDUB_E_OUTPUT_NOT_WRITABLE: 'Let the server write to its data folder.',
  LIVEDUB_E_QUEUE_FULL: 'Try again when others are done.',
};

/** What went wrong with a recording, or a file of it. @param folder of the recording */
export function recordingError(thrown: unknown, folder: string): LivedubError {
  const error = outputError(thrown, folder);
  const remedy = REMEDIES[error.code];
  return remedy === undefined ? error : new LivedubError(error.code, error.message, { remedy, cause: error });
}

/** The same as it is told. */
export function recordingProblem(thrown: unknown, folder: string): Problem {
  return problemOf(recordingError(thrown, folder));
}
