import { mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import { type DubRecord, DubRecordSchema } from './dub-record.ts';

export interface DubStoreOptions {
  /** Folder with one folder per dub; made when it is not there. */
  folder: string;
}

/** Keeps dubs in folders named by their random ids. */
export class DubStore {
  readonly #folder: string;
  readonly #saving = new Map<string, Promise<void>>();

  constructor(options: DubStoreOptions) {
    this.#folder = resolve(options.folder);
  }

  /** Absolute folder of a dub. */
  dirOf(id: string): string {
    return join(this.#folder, id);
  }

  /** Every readable record, newest first. A folder without one (killed half way) is left out. */
  async load(): Promise<DubRecord[]> {
    await mkdir(this.#folder, { recursive: true });
    const records: DubRecord[] = [];
    for (const name of await readdir(this.#folder)) {
      const record = await this.#read(name);
      if (record?.id === name) records.push(record);
    }
    return records.sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  }

  /** Writes the record so that a reader sees the old or the new one, never half of it. */
  save(record: DubRecord): Promise<void> {
    // One after the other, so that the last record given is the one that stays.
    const before = this.#saving.get(record.id) ?? Promise.resolve();
    const saved = before.catch(() => {}).then(() => this.#write(record));
    this.#saving.set(record.id, saved);
    const forget = () => {
      if (this.#saving.get(record.id) === saved) this.#saving.delete(record.id);
    };
    saved.then(forget, forget);
    return saved;
  }

  async #write(record: DubRecord): Promise<void> {
    const dir = this.dirOf(record.id);
    await mkdir(dir, { recursive: true });
    const temporary = join(dir, 'job.json.new');
    await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`);
    await rename(temporary, join(dir, 'job.json'));
  }

  async remove(id: string): Promise<void> {
    await rm(this.dirOf(id), { recursive: true, force: true });
  }

  /**
   * Absolute path of a file that a dub's record names, links resolved.
   * @throws LivedubError LIVEDUB_E_NOT_FOUND when it is not there, or lies outside the dub's folder
   */
  async fileOf(id: string, relativePath: string): Promise<string> {
    const missing = (cause?: unknown) =>
      new LivedubError('LIVEDUB_E_NOT_FOUND', 'This file is not there any more.', { cause });
    let dir: string;
    let file: string;
    try {
      dir = await realpath(this.dirOf(id));
      file = await realpath(resolve(dir, relativePath));
    } catch (cause) {
      throw missing(cause);
    }
    if (!file.startsWith(dir + sep)) throw missing();
    return file;
  }

  async #read(name: string): Promise<DubRecord | undefined> {
    try {
      const parsed = DubRecordSchema.safeParse(
        JSON.parse(await readFile(join(this.#folder, name, 'job.json'), 'utf8')),
      );
      return parsed.success ? parsed.data : undefined;
    } catch {
      return undefined;
    }
  }
}
