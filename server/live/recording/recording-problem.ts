import type { ErrorCode } from '../../../pipeline/errors.ts';
import { outputError } from '../../../pipeline/media/recording-folder.ts';
import type { Problem } from '../../contract.ts';
import { problemOf } from '../../problem.ts';

/** What helps at the desk, where nobody chooses a folder. */
const REMEDIES: Partial<Record<ErrorCode, string>> = {
  LIVEDUB_E_OUTPUT_DISK_FULL: 'Free some space, then try again.',
  LIVEDUB_E_OUTPUT_NOT_WRITABLE: 'Let the server write to its data folder, then try again.',
  LIVEDUB_E_QUEUE_FULL: 'Try again when others are done.',
};

/** What is told of a recording, or a file of it, that went wrong. @param folder of the recording */
export function recordingProblem(error: unknown, folder: string): Problem {
  const failure = outputError(error, folder);
  return { ...problemOf(failure), remedy: REMEDIES[failure.code] ?? failure.remedy };
}
