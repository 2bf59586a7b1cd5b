import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LivedubError } from '../pipeline/errors.ts';
import type { ClauseLog, ClauseLogEntry } from '../pipeline/ports/clause-log.ts';

/** Clause log in a file of its own: one JSON object a line, appended and synced to disk before `append` resolves. */
export class ClauseLogFile implements ClauseLog {
  readonly path: string;
  readonly #file: FileHandle;
  #last: Promise<void> = Promise.resolve();
  #waiting: string[] = [];
  #closed: Promise<void> | undefined;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** Opens the log of a channel, making it if there is none. A line that a crash tore is cut off: the next begins anew. */
  static async open(path: string): Promise<ClauseLogFile> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a+');
    try {
      const bytes = await file.readFile();
      const wholeBytes = bytes.lastIndexOf('\n') + 1;
      if (wholeBytes < bytes.length) await file.truncate(wholeBytes);
      return new ClauseLogFile(path, file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Opens an empty log, forgetting what an earlier run left. */
  static async start(path: string): Promise<ClauseLogFile> {
    await rm(path, { force: true });
    return ClauseLogFile.open(path);
  }

  append(entry: ClauseLogEntry): Promise<void> {
    if (this.#closed)
      return Promise.reject(new LivedubError('LIVEDUB_E_CLOSED', 'The clause log is closed.'));
    this.#waiting.push(`${JSON.stringify(entry)}\n`);
    // Entries that come while the disk is busy share the next write.
    this.#last = this.#last.then(() => this.#write());
    return this.#last;
  }

  async read(): Promise<readonly ClauseLogEntry[]> {
    const lines = (await readFile(this.path, 'utf8')).split('\n');
    // A last line without its line break was torn by a crash.
    return lines.slice(0, -1).map((line) => JSON.parse(line) as ClauseLogEntry);
  }

  close(): Promise<void> {
    this.#closed ??= this.#last.catch(() => undefined).then(() => this.#file.close());
    return this.#closed;
  }

  /** Closes the log and deletes it: what it guarded is safely elsewhere. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const lines = this.#waiting.splice(0).join('');
    await this.#file.appendFile(lines);
    await this.#file.datasync();
  }
}
