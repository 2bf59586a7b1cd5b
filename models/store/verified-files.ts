import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

const StampsSchema = z.record(
  z.string(),
  z.object({ bytes: z.number(), mtimeMs: z.number(), sha256: z.string() }),
);
type Stamps = z.infer<typeof StampsSchema>;

/** SHA-256 of a file, lower-case hex. */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, {
    highWaterMark: 1 << 20,
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * Remembers which files had which hash when they had which size and modification time, so that a start does not read
 * hundreds of megabytes again.
 */
export class VerifiedFiles {
  readonly #path: string;
  #stamps: Promise<Stamps> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @param path JSON file that keeps the stamps; a broken one is started anew */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * @param options.fresh reads the file even when its stamp is unchanged
   * @returns `true` when the file has this hash, `false` when it has another, undefined when there is no such file
   */
  async check(
    path: string,
    sha256: string,
    options: { readonly fresh?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<boolean | undefined> {
    const info = await stat(path).catch(() => undefined);
    if (info === undefined || !info.isFile()) return undefined;
    const stamps = await this.#load();
    const known = stamps[path];
    const same = known !== undefined && known.bytes === info.size && known.mtimeMs === info.mtimeMs;
    if (same && options.fresh !== true) return known.sha256 === sha256;
    const found = await sha256File(path, options.signal);
    stamps[path] = { bytes: info.size, mtimeMs: info.mtimeMs, sha256: found };
    this.#writing = this.#writing.then(() => this.#save(stamps));
    await this.#writing;
    return found === sha256;
  }

  #load(): Promise<Stamps> {
    this.#stamps ??= readFile(this.#path, 'utf8')
      .then((text) => StampsSchema.parse(JSON.parse(text)))
      .catch(() => ({}));
    return this.#stamps;
  }

  async #save(stamps: Stamps): Promise<void> {
    const temporary = `${this.#path}.${process.pid}`;
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(temporary, JSON.stringify(stamps));
      await rename(temporary, this.#path);
    } catch {
      // A cache that cannot be written only costs time.
    }
  }
}
