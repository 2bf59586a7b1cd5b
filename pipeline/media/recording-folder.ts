import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { LivedubError } from '../errors.ts';

const PREFIX = '.livedub-recording-';
const OWNER_FILE = 'owner.json';
/** Leftovers of another machine cannot be checked for life; after this long they are taken for dead. */
const FOREIGN_AGE_MS = 24 * 3600 * 1000;
/** A folder without an owner file is being made right now, or its maker was killed at that moment. */
const NEWBORN_MS = 60_000;

interface Owner {
  readonly host: string;
  readonly pid: number;
  /** Tells two processes with the same number apart. */
  readonly started: string;
}

/**
 * Makes a hidden folder for unfinished files beside `outFile`, on the same disk so that the last step is a rename.
 * Folders left by processes that were killed are removed on the way.
 *
 * @throws LIVEDUB_E_OUTPUT_NOT_WRITABLE, LIVEDUB_E_OUTPUT_DISK_FULL
 */
export async function openRecordingFolder(outFile: string): Promise<string> {
  const parent = path.dirname(path.resolve(outFile));
  try {
    await mkdir(parent, { recursive: true });
    await removeLeftovers(parent);
    const target = await stat(outFile).catch(() => undefined);
    if (target !== undefined && !target.isFile()) {
      throw new LivedubError(
        'LIVEDUB_E_OUTPUT_NOT_WRITABLE',
        `${outFile} is there already and is not a file.`,
      );
    }
    const folder = await mkdtemp(path.join(parent, PREFIX));
    await writeFile(path.join(folder, OWNER_FILE), JSON.stringify(self()));
    return folder;
  } catch (error) {
    throw outputError(error, outFile);
  }
}

/** Removes recording folders in `parent` whose process is gone. Returns how many. */
export async function removeLeftovers(parent: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = path.join(parent, name);
    if (await isAlive(folder)) continue;
    await rm(folder, { recursive: true, force: true });
    removed++;
  }
  return removed;
}

/** What the file system or FFmpeg says of a failed output, as one of our errors. */
export function outputError(error: unknown, outFile: string): LivedubError {
  if (error instanceof LivedubError) return error;
  const text =
    error instanceof Error
      ? `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`
      : String(error);
  if (/ENOSPC|EDQUOT|No space left|quota exceeded/iu.test(text)) {
    return new LivedubError('LIVEDUB_E_OUTPUT_DISK_FULL', `The disk of ${path.dirname(outFile)} is full.`, {
      cause: error,
    });
  }
  if (
    /ENOENT|EACCES|EPERM|EROFS|ENOTDIR|EEXIST|EISDIR|ENAMETOOLONG|ELOOP|Permission denied|Read-only/u.test(
      text,
    )
  ) {
    return new LivedubError('LIVEDUB_E_OUTPUT_NOT_WRITABLE', `${outFile} cannot be written.`, {
      cause: error,
    });
  }
  return new LivedubError('LIVEDUB_E_INTERNAL', `Writing ${outFile} failed.`, { cause: error });
}

async function isAlive(folder: string): Promise<boolean> {
  try {
    const age = Date.now() - (await stat(folder)).mtimeMs;
    const text = await readFile(path.join(folder, OWNER_FILE), 'utf8').catch(() => undefined);
    if (text === undefined) return age < NEWBORN_MS;
    const owner = JSON.parse(text) as Owner;
    if (owner.host !== os.hostname()) return age < FOREIGN_AGE_MS;
    return startOf(owner.pid) === owner.started;
  } catch {
    return false;
  }
}

function self(): Owner {
  return { host: os.hostname(), pid: process.pid, started: startOf(process.pid) ?? '' };
}

/** Start time of a process in clock ticks since boot (Linux), `running` elsewhere, undefined when there is none. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the name, may hold spaces and brackets.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    if (process.platform === 'linux') return undefined;
  }
  try {
    process.kill(pid, 0);
    return 'running';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'running' : undefined;
  }
}
