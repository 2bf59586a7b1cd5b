import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync, version } from 'esbuild';
import { repositoryRoot } from '../pipeline/cache-paths.ts';
import { LivedubError } from '../pipeline/errors.ts';

/** Inside node_modules, so that the bundles find the packages they import. */
const HOME = join(repositoryRoot, 'node_modules', '.cache', 'livedub-threads');
const SOURCES = ['gpu', 'models', 'pipeline', 'server/face', 'server/verify'];

let folder: string | undefined;

/**
 * The JavaScript of a thread's module. A thread that compiled its TypeScript itself would take half a second of CPU and
 * 40 MB more, for each of half a dozen threads; so all of them are bundled once for every state of the sources.
 *
 * @param entry a `…-thread.ts` below models/, server/face/ or server/verify/
 * @throws LIVEDUB_E_DEPENDENCY_MISSING when the bundles cannot be written
 */
export function threadBundle(entry: URL): URL {
  folder ??= bundles();
  const name = relative(repositoryRoot, fileURLToPath(entry)).replace(/\.ts$/, '.js');
  return pathToFileURL(join(folder, name));
}

function bundles(): string {
  const files = SOURCES.flatMap((name) => typescriptFiles(join(repositoryRoot, name)));
  const key = createHash('sha256').update(version);
  for (const file of files) {
    const { mtimeMs, size } = statSync(file);
    key.update(`${file} ${mtimeMs} ${size}\n`);
  }
  const target = join(HOME, key.digest('hex').slice(0, 16));
  if (existsSync(target)) return target;
  try {
    mkdirSync(HOME, { recursive: true });
    // Built aside and renamed: another process may be doing the same.
    const made = mkdtempSync(join(HOME, 'new-'));
    buildSync({
      entryPoints: files.filter(
        (file) => file.endsWith('-thread.ts') && basename(file) !== 'engine-thread.ts',
      ),
      outbase: repositoryRoot,
      outdir: made,
      bundle: true,
      packages: 'external',
      splitting: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'silent',
    });
    try {
      renameSync(made, target);
    } catch {
      rmSync(made, { recursive: true, force: true });
    }
    removeOthers(target);
    return target;
  } catch (cause) {
    throw new LivedubError(
      'LIVEDUB_E_DEPENDENCY_MISSING',
      `The engine threads cannot be prepared in ${HOME}.`,
      { cause },
    );
  }
}

/** Keeps the newest few: a process that started before a change may still open threads of its own state. */
function removeOthers(target: string): void {
  const others = readdirSync(dirname(target))
    .map((name) => join(dirname(target), name))
    .filter((path) => path !== target)
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const path of others.slice(3)) rmSync(path, { recursive: true, force: true });
}

function typescriptFiles(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(root, name));
}
