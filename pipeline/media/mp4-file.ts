import { open, rename } from 'node:fs/promises';
import { appendDisclosure, type Disclosure } from './disclosure.ts';
import type { ToolExit } from './tool-process.ts';

/**
 * What FFmpeg complained of when it did not write its file, else undefined. Its exit code alone does not say: a disk that is full
 * while the index is put in front leaves a file that nobody can read, and code 0.
 */
export function muxFailure({ code, stderr }: ToolExit): string | undefined {
  return code === 0 && !isOutputFailure(stderr) ? undefined : stderr.trim() || 'FFmpeg stopped.';
}

/** Whether it was the place to write to that failed, not what was read. */
export function isOutputFailure(text: string): boolean {
  return /No space left|quota exceeded|Permission denied|Read-only file system|Input\/output error/iu.test(
    text,
  );
}

/** Says in a finished MP4 what it is, and gives it its name once all of it is on disk. */
export async function publishMp4(made: string, disclosure: Disclosure, outFile: string): Promise<void> {
  await appendDisclosure(made, disclosure);
  const handle = await open(made, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(made, outFile);
}
