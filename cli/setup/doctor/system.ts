import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { cacheDir, dataDir } from '../../../pipeline/cache-paths.ts';
import { findCommand, run } from '../exec.mjs';
import { nodeProblem } from '../node-version.mjs';
import { installLine, REQUIRED_PACKAGES, TEST_PACKAGES } from '../packages.mjs';
import { npmStep } from '../steps/npm.mjs';
import { type DoctorRow, rowsOf } from './row.ts';

const AREA = 'System';
const GIB = 1024 ** 3;
/** Enough for the packaged engines with one dub; the recommended models take 400 MB more. */
const ROOM_NEEDED_BYTES = 0.2 * GIB;
const ROOM_WANTED_BYTES = 2 * GIB;
const MEMORY_WANTED_BYTES = 2 * GIB;
/** What the recorder writes (aac), what WebRTC carries (libopus, libvpx), and what replaces a codec MP4 does not allow. */
const ENCODERS = ['aac', 'libopus', 'libvpx', 'libx264'];
const PROGRAM_MS = 15_000;

const row = rowsOf(AREA);

export function nodeRow(): DoctorRow {
  const problem = nodeProblem(process.version);
  if (problem) return row('Node', 'missing', problem, true, 'install Node 20.19 or newer');
  return row('Node', 'ok', `${process.version} (${process.platform} ${process.arch})`, true);
}

export async function dependenciesRow(): Promise<DoctorRow> {
  const { ok } = await npmStep.check();
  if (ok) return row('npm packages', 'ok', 'as in package-lock.json', true);
  return row('npm packages', 'warning', 'not as in package-lock.json', true, 'npm start');
}

export async function ffmpegRow(): Promise<DoctorRow> {
  const remedy = installLine(REQUIRED_PACKAGES);
  if (!findCommand('ffmpeg') || !findCommand('ffprobe'))
    return row('FFmpeg', 'missing', 'not installed', true, remedy);
  const version = await run('ffmpeg', ['-version'], { timeoutMs: PROGRAM_MS });
  if (version.code !== 0)
    return row('FFmpeg', 'missing', `does not start: ${version.lines.at(-1) ?? ''}`, true, remedy);
  const name = version.lines[0]?.match(/^ffmpeg version (\S+)/)?.[1] ?? 'unknown version';
  const have = new Set<string>();
  // The list is longer than what run() keeps, so look at each line as it comes.
  const onLine = (line: string): void => void have.add(line.trim().split(/\s+/)[1] ?? '');
  await run('ffmpeg', ['-hide_banner', '-encoders'], { timeoutMs: PROGRAM_MS, onLine });
  const lacking = ENCODERS.filter((encoder) => !have.has(encoder));
  if (lacking.length === 0) return row('FFmpeg', 'ok', `${name} with ${ENCODERS.join(', ')}`, true);
  const status = lacking.includes('aac') ? 'missing' : 'warning';
  return row(
    'FFmpeg',
    status,
    `${name} without ${lacking.join(', ')}`,
    true,
    `${remedy} (a build with these encoders)`,
  );
}

export async function chromiumRow(): Promise<DoctorRow> {
  const missing = (detail: string) =>
    row('Chromium', 'missing', `${detail}; only tests need it`, false, installLine(TEST_PACKAGES));
  if (!findCommand('chromium')) return missing('not installed');
  const version = await run('chromium', ['--version'], { timeoutMs: PROGRAM_MS });
  return version.code === 0
    ? row('Chromium', 'ok', version.lines.at(-1)?.trim() ?? '', false)
    : missing('does not start');
}

/** Free room where downloads and results go; a folder that does not exist yet is judged by its parent. */
export function diskRow(name: string, folder: string): DoctorRow {
  let place = folder;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const { bavail, bsize } = statfsSync(place);
  const freeBytes = bavail * bsize;
  const detail = `${(freeBytes / GIB).toFixed(1)} GiB free in ${folder}`;
  const remedy = `free some room, or choose another folder with ${name === 'Cache' ? 'LIVEDUB_CACHE' : 'LIVEDUB_DATA'}`;
  if (freeBytes < ROOM_NEEDED_BYTES) return row(name, 'missing', detail, true, remedy);
  if (freeBytes < ROOM_WANTED_BYTES) return row(name, 'warning', detail, true, remedy);
  return row(name, 'ok', detail, true);
}

export function memoryRow(): DoctorRow {
  // A container's limit counts where it is below what the machine has (0 or huge: no limit).
  const limit = process.constrainedMemory();
  const bytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  const detail = `${(bytes / GIB).toFixed(1)} GiB`;
  if (bytes >= MEMORY_WANTED_BYTES) return row('Memory', 'ok', detail, false);
  return row('Memory', 'warning', detail, false, 'the packaged engines want 2 GiB');
}

export function coresRow(): DoctorRow {
  const cores = availableParallelism();
  if (cores > 1) return row('Cores', 'ok', `${cores}`, false);
  return row('Cores', 'warning', '1', false, 'a live dub wants two or more');
}

export async function systemRows(): Promise<readonly DoctorRow[]> {
  return [
    nodeRow(),
    await dependenciesRow(),
    await ffmpegRow(),
    coresRow(),
    memoryRow(),
    diskRow('Cache', cacheDir()),
    diskRow('Data', dataDir()),
    await chromiumRow(),
  ];
}
