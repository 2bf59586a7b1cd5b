// Builds the page into client/dist when its sources changed. Plain JavaScript, so that set-up can call it too.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));

/** Absolute folder of the built page. */
export const clientDist = join(root, 'dist');

const stampFile = join(clientDist, '.stamp');

const pages = ['index', 'desk', 'watch', 'publish', 'verify'];

/** True when client/dist was built from the sources as they are now. */
export function clientIsFresh() {
  return (
    [...pages.map((page) => `${page}.html`), 'player.js'].every((name) =>
      existsSync(join(clientDist, name)),
    ) &&
    existsSync(stampFile) &&
    readFileSync(stampFile, 'utf8') === sourcesStamp()
  );
}

/**
 * Builds the pages, and the player that other sites embed, unless they are fresh.
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<boolean>} whether it was built
 */
export async function buildClient(options = {}) {
  if (clientIsFresh()) return false;
  options.log?.('building the pages (client/dist)');
  const { build } = await import('vite');
  // Vite goes by this variable: with `test` in it, the page would get the development build of its libraries.
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  try {
    const common = { root, configFile: false, logLevel: 'warn' };
    await build({
      ...common,
      publicDir: join(root, 'public'),
      build: {
        outDir: clientDist,
        emptyOutDir: true,
        target: 'es2022',
        // Inline modules and data URLs would need a looser content security policy.
        modulePreload: { polyfill: false },
        assetsInlineLimit: 0,
        rollupOptions: { input: pages.map((page) => join(root, `${page}.html`)) },
      },
    });
    // One classic script, so that one tag is all that a page of somebody else needs.
    await build({
      ...common,
      publicDir: false,
      build: {
        outDir: clientDist,
        emptyOutDir: false,
        target: 'es2022',
        lib: {
          entry: join(root, 'src/player/livedub-player.ts'),
          name: 'livedub',
          formats: ['iife'],
          fileName: () => 'player.js',
        },
      },
    });
  } finally {
    if (before === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = before;
  }
  writeFileSync(stampFile, sourcesStamp());
  return true;
}

function sourcesStamp() {
  const hash = createHash('sha256');
  const names = ['src', 'public'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
  );
  const entries = [...pages.map((page) => `${page}.html`), 'build.mjs'].map((name) => join(root, name));
  for (const name of [...entries, ...names].sort()) {
    hash.update(`${name.slice(root.length)}\0`).update(readFileSync(name));
  }
  return hash.digest('hex');
}
