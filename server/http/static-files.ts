import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Exchange } from './exchange.ts';
import { sendFile } from './send-file.ts';

export interface StaticFilesOptions {
  /** Folder of the built page. */
  folder: string;
}

/** The built page. Only files that were there when it was opened are served, so a path can never lead elsewhere. */
export class StaticFiles {
  readonly #files: ReadonlyMap<string, string>;

  private constructor(files: ReadonlyMap<string, string>) {
    this.#files = files;
  }

  static async open(options: StaticFilesOptions): Promise<StaticFiles> {
    const files = new Map<string, string>();
    const entries = await readdir(options.folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile() || entry.name.startsWith('.')) continue;
      const file = join(entry.parentPath ?? entry.path, entry.name);
      files.set(`/${relative(options.folder, file).split(sep).join('/')}`, file);
    }
    return new StaticFiles(files);
  }

  /** @throws LivedubError LIVEDUB_E_NOT_FOUND */
  async send(exchange: Exchange): Promise<void> {
    const path = exchange.path === '/' ? '/index.html' : exchange.path;
    const file = this.#files.get(path);
    if (file === undefined) {
      if (path === '/favicon.ico') return exchange.empty(204, []);
      throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is nothing at this address.');
    }
    // The build names files in assets/ by their content.
    const cacheControl = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    await sendFile(exchange, { file, cacheControl });
  }
}
