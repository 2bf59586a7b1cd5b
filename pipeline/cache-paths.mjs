// Where downloaded and built things lie. Plain JavaScript, because the set-up reads it before any package is there;
// TypeScript imports it through cache-paths.ts.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json; the threads' bundles lie somewhere below it, not where this file does. */
export const repositoryRoot = folderOfPackage(dirname(fileURLToPath(import.meta.url)));

function folderOfPackage(from) {
  const above = dirname(from);
  return above === from || existsSync(join(from, 'package.json')) ? from : folderOfPackage(above);
}

/** `LIVEDUB_CACHE`, else `$XDG_CACHE_HOME/livedub`, else `~/.cache/livedub`. */
export function cacheDir() {
  const own = process.env.LIVEDUB_CACHE;
  if (own) return resolve(own);
  const xdg = process.env.XDG_CACHE_HOME;
  // The XDG base directory specification says to ignore a relative path.
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'livedub');
}

/** `LIVEDUB_DATA`, else `data/` in the repository. */
export function dataDir() {
  const own = process.env.LIVEDUB_DATA;
  return own ? resolve(own) : join(repositoryRoot, 'data');
}

/** Where model files are kept, one folder a model. */
export function modelsDir() {
  return join(cacheDir(), 'models');
}

/** Holds `en-GB_ta.bin` and its siblings once set-up has unpacked Debian's libttspico-data. */
export function picoLingwareDir() {
  return join(cacheDir(), 'pico', 'lang');
}

/** The Vulkan loader's file about the software driver that set-up unpacks where Debian's own is too old; it may not exist. */
export function softwareVulkanDriver() {
  return join(cacheDir(), 'vulkan', 'lvp_icd.json');
}

/** The sources of our worker build: shims, patches and script. Their hash is part of the binary's address. */
export const workerRecipeDir = join(repositoryRoot, 'sfu', 'worker-build');

/** Version of the installed mediasoup package, undefined before `npm ci`. */
export function mediasoupVersion() {
  try {
    return JSON.parse(readFileSync(join(repositoryRoot, 'node_modules/mediasoup/package.json'), 'utf8'))
      .version;
  } catch {
    return undefined;
  }
}

/** Absolute path of the worker binary that this version uses (it may not exist yet), undefined before `npm ci`. */
export function mediasoupWorkerBin() {
  const own = process.env.MEDIASOUP_WORKER_BIN;
  if (own && existsSync(own)) return resolve(own);
  const version = mediasoupVersion();
  if (version === undefined) return undefined;
  const key = `${version}-${process.platform}-${process.arch}-${hashFolder(workerRecipeDir)}`;
  return join(cacheDir(), 'mediasoup-worker', key, 'mediasoup-worker');
}

/** First 12 hex digits of SHA-256 over the names and bytes of every file below `folder`. */
export function hashFolder(folder) {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  for (const name of names) {
    const bytes = readFileSync(name);
    hash.update(`${name.slice(folder.length)}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex').slice(0, 12);
}
