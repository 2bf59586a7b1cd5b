import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LivedubError } from '../pipeline/errors.ts';

const NEW_LINE = 0x0a;
const READ_BYTES = 256 * 1024;

/**
 * A text file that several processes append lines to and follow. Every line is one write to the file's end and on disk before
 * `append` resolves. The file is opened anew each time, so that one which is replaced or removed meanwhile is noticed.
 */
export class SharedLinesFile {
  readonly path: string;
  /** Which file was read so far, and up to where; always a line's beginning. */
  #inode = -1;
  #readBytes = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** @throws LivedubError LIVEDUB_E_OUTPUT_DISK_FULL, LIVEDUB_E_OUTPUT_NOT_WRITABLE */
  async append(line: string): Promise<void> {
    try {
      await mkdir(dirname(this.path), { recursive: true });
      const file = await open(this.path, 'a+', 0o600);
      try {
        const { size } = await file.stat();
        const last = Buffer.alloc(1);
        if (size > 0) await file.read(last, 0, 1, size - 1);
        // A line that a crash or a full disk tore must not swallow this one. At worst this leaves an empty line.
        const isTorn = size > 0 && last[0] !== NEW_LINE;
        const bytes = Buffer.from(`${isTorn ? '\n' : ''}${line}\n`);
        const { bytesWritten } = await file.write(bytes);
        if (bytesWritten < bytes.length) {
          throw new LivedubError('LIVEDUB_E_OUTPUT_DISK_FULL', `There is no room for ${this.path}.`);
        }
        await file.datasync();
        if (size === 0) await syncFolder(dirname(this.path));
      } finally {
        await file.close();
      }
    } catch (cause) {
      throw writeError(this.path, cause);
    }
  }

  /**
   * Gives every whole line that was not given before, without its break; an empty one is left out.
   * @param restart called first when the file is another than before: what it said no longer counts
   */
  async readNew(onLine: (line: string) => void, restart: () => void): Promise<void> {
    const file = await open(this.path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    try {
      const info = await file?.stat();
      if (info?.ino !== this.#inode || info.size < this.#readBytes) {
        if (this.#inode !== -1) restart();
        this.#inode = info?.ino ?? -1;
        this.#readBytes = 0;
      }
      if (file === undefined) return;
      let begun = Buffer.alloc(0);
      const chunk = Buffer.alloc(READ_BYTES);
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, READ_BYTES, this.#readBytes + begun.length);
        if (bytesRead === 0) return;
        begun = Buffer.concat([begun, chunk.subarray(0, bytesRead)]);
        const wholeBytes = begun.lastIndexOf(NEW_LINE) + 1;
        for (const line of begun.toString('utf8', 0, wholeBytes).split('\n')) if (line !== '') onLine(line);
        begun = begun.subarray(wholeBytes);
        this.#readBytes += wholeBytes;
      }
    } finally {
      await file?.close();
    }
  }
}

/** A new file is there after a power cut only when its folder says so. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function writeError(path: string, cause: unknown): LivedubError {
  if (cause instanceof LivedubError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new LivedubError('LIVEDUB_E_OUTPUT_DISK_FULL', `There is no room for ${path}.`, { cause })
    : new LivedubError('LIVEDUB_E_OUTPUT_NOT_WRITABLE', `${path} cannot be written.`, {
        cause,
        remedy: 'Make the data folder (LIVEDUB_DATA) writable for this user.',
      });
}
