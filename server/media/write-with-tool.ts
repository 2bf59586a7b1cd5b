import { LivedubError } from '../../pipeline/errors.ts';
import { muxFailure } from '../../pipeline/media/mp4-file.ts';
import { outputError } from '../../pipeline/media/recording-folder.ts';
import { runTool } from '../../pipeline/media/tool-process.ts';

export interface WriteWithToolOptions {
  tool: 'ffmpeg' | 'ffprobe';
  args: readonly string[];
  signal: AbortSignal;
  /** File or folder that is written, for messages. */
  output: string;
}

/**
 * Runs FFmpeg or ffprobe on files of our own to its end.
 * @returns what it printed
 * @throws LivedubError LIVEDUB_E_DEPENDENCY_MISSING, LIVEDUB_E_ABORTED, LIVEDUB_E_OUTPUT_DISK_FULL, …_NOT_WRITABLE
 */
export async function writeWithTool({ tool, args, signal, output }: WriteWithToolOptions): Promise<string> {
  if (signal.aborted) throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.');
  // Scaling and muxing of a long recording map more address space than they use.
  const exit = await runTool({ tool, args, signal, memoryBytes: 12 * 2 ** 30 });
  const failure = muxFailure(exit);
  if (failure === undefined) return exit.stdout;
  throw outputError(new Error(failure.split('\n').at(-1)), output);
}
