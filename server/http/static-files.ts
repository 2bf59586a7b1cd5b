import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './route.ts';
import { sendFile } from './send-file.ts';

export interface StaticFilesOptions {
  /** Folder of the built pages. */
  folder: string;
}

/** Addresses of pages, and the file of each. */
const PAGES: readonly (readonly [string, string])[] = [
  ['/', '/index.html'],
  ['/desk', '/desk.html'],
  ['/desk/:id', '/desk.html'],
  ['/watch/:id', '/watch.html'],
  ['/publish/:id', '/publish.html'],
  ['/verify', '/verify.html'],
];

/** The built pages. Only files that were there when it was opened are served, so a path can never lead elsewhere. */
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

  /** Every address of the pages: `/desk/my-show` is the desk's page, which reads the rest itself. */
  routes(): readonly Route[] {
    return [
      ...PAGES.map(
        ([pattern, file]): Route => ({
          method: 'get',
          pattern,
          handle: (exchange) => this.#send(exchange, file),
        }),
      ),
      { method: 'get', pattern: '/*', handle: (exchange) => this.#send(exchange, exchange.path) },
    ];
  }

  /** @throws LivedubError LIVEDUB_E_NOT_FOUND */
  async #send(exchange: Exchange, path: string): Promise<void> {
    const file = this.#files.get(path);
    if (file === undefined) {
      if (path === '/favicon.ico') return exchange.empty(204, []);
      throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is nothing at this address.');
    }
    const isPage = path.endsWith('.html');
    // Other sites embed the player: scripts and what they load are for everybody, pages are not.
    if (!isPage) exchange.allowAnyOrigin();
    // The build names files in assets/ by their content.
    const cacheControl = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    await sendFile(exchange, { file, cacheControl });
  }
}
