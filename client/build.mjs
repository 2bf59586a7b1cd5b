// Builds the page into client/dist when its sources changed. Plain JavaScript, so that set-up can call it too.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));

/** Absolute folder of the built page. */
export const clientDist = join(root, 'dist');

const stampFile = join(clientDist, '.stamp');

/** True when client/dist was built from the sources as they are now. */
export function clientIsFresh() {
  return (
    existsSync(join(clientDist, 'index.html')) &&
    existsSync(stampFile) &&
    readFileSync(stampFile, 'utf8') === sourcesStamp()
  );
}

/**
 * Builds the page unless it is fresh.
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<boolean>} whether it was built
 */
export async function buildClient(options = {}) {
  if (clientIsFresh()) return false;
  options.log?.('building the page (client/dist)');
  const { build } = await import('vite');
  // Vite goes by this variable: with `test` in it, the page would get the development build of its libraries.
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  try {
    await build({
      root,
      configFile: false,
      logLevel: 'warn',
      publicDir: join(root, 'public'),
      build: {
        outDir: clientDist,
        emptyOutDir: true,
        target: 'es2022',
        // Inline modules and data URLs would need a looser content security policy.
        modulePreload: { polyfill: false },
        assetsInlineLimit: 0,
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
  for (const name of [join(root, 'index.html'), join(root, 'build.mjs'), ...names].sort()) {
    hash.update(`${name.slice(root.length)}\0`).update(readFileSync(name));
  }
  return hash.digest('hex');
}
