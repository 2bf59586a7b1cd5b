import { rm } from 'node:fs/promises';
import type { Disclosure } from '../../../pipeline/media/disclosure.ts';
import { muxFailure, publishMp4 } from '../../../pipeline/media/mp4-file.ts';
import { outputError } from '../../../pipeline/media/recording-folder.ts';
import { runTool } from '../../../pipeline/media/tool-process.ts';
import { durationMsOf } from './probe-part.ts';
import { throwIfEnded } from './throw-if-ended.ts';

export interface MakeMp4Options {
  /** The file; it is there whole or not at all. */
  readonly file: string;
  /** FFmpeg's, without the file to write. */
  readonly args: readonly string[];
  readonly disclosure: Disclosure;
  readonly signal: AbortSignal;
}

/**
 * Makes one MP4 of a recording. Leaves nothing of it when that fails.
 * @returns how long it is, ms
 * @throws LivedubError LIVEDUB_E_OUTPUT_DISK_FULL, …_NOT_WRITABLE, LIVEDUB_E_WORKER_DIED (something ended FFmpeg); the signal's reason
 */
export async function makeMp4({ file, args, disclosure, signal }: MakeMp4Options): Promise<number> {
  const made = `${file}.part`;
  try {
    const run = await runTool({
      ...{ tool: 'ffmpeg', args: [...args, `file:${made}`], signal },
      // Other channels are live: this can wait.
      ...{ memoryBytes: 12 * 2 ** 30, niceness: 15 },
    });
    throwIfEnded(run);
    const durationMs = await durationMsOf(made, signal);
    const failure = muxFailure(run) ?? (durationMs === undefined ? 'The file cannot be read.' : undefined);
    if (failure !== undefined) throw outputError(failure, made);
    await publishMp4(made, disclosure, file);
    return durationMs!;
  } catch (error) {
    await rm(made, { force: true }).catch(() => {});
    throw error;
  }
}
