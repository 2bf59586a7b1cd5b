import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { mediasoupVersion, mediasoupWorkerBin, repositoryRoot } from '../../../pipeline/cache-paths.ts';
import { workerStarts } from '../steps/worker.mjs';
import { type DoctorRow, rowsOf } from './row.ts';

const AREA = 'Media';
const require = createRequire(import.meta.url);

const row = rowsOf(AREA);

/** Version of an installed package, read from its folder because `exports` may hide package.json. */
function packageVersion(name: string): string {
  try {
    const text = readFileSync(join(repositoryRoot, 'node_modules', name, 'package.json'), 'utf8');
    return (JSON.parse(text) as { version: string }).version;
  } catch {
    return 'not installed';
  }
}

export function workerRow(): DoctorRow {
  const file = mediasoupWorkerBin();
  const version = mediasoupVersion() ?? 'not installed';
  if (workerStarts(file)) return row('mediasoup worker', 'ok', `${version}, ${file}`, true);
  return row(
    'mediasoup worker',
    'missing',
    `${version}: no worker that starts on this machine`,
    true,
    'npm start',
  );
}

/** Loads a package and uses it once; a native module that does not fit this Node shows here. */
function nativeRow(name: string, required: boolean, use: (loaded: unknown) => string | undefined): DoctorRow {
  try {
    const note = use(require(name));
    return row(name, 'ok', [packageVersion(name), note].filter(Boolean).join(', '), required);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    return row(name, 'missing', `${packageVersion(name)}: ${reason}`, required, `npm rebuild ${name}`);
  }
}

export function webServerRow(): DoctorRow {
  const loaded = nativeRow('uWebSockets.js', true, () => undefined);
  if (loaded.status !== 'ok') return loaded;
  if (nativeModuleLoaded(/\/uws_[^/]*\.node$/m)) return { ...loaded, detail: `${loaded.detail}, native` };
  const detail = `${loaded.detail}, slow JavaScript fallback: it has no native module for this Node`;
  return { ...loaded, status: 'warning', detail, remedy: 'use Node 20' };
}

/** True when a file whose path matches is mapped into this process; unknown (true) where there is no /proc. */
function nativeModuleLoaded(path: RegExp): boolean {
  try {
    return path.test(readFileSync('/proc/self/maps', 'utf8'));
  } catch {
    return true;
  }
}

export function opusRow(): DoctorRow {
  return nativeRow('@discordjs/opus', true, (loaded) => {
    const { OpusEncoder } = loaded as {
      OpusEncoder: new (rateHz: number, channels: number) => { encode(pcm: Buffer): Buffer };
    };
    // 20 ms of silence at 48 kHz, 16 bit.
    new OpusEncoder(48_000, 1).encode(Buffer.alloc(960 * 2));
    return 'encodes';
  });
}

export function onnxRow(): DoctorRow {
  return nativeRow('onnxruntime-node', true, (loaded) => {
    const { listSupportedBackends } = loaded as { listSupportedBackends?: () => readonly { name: string }[] };
    return listSupportedBackends?.()
      .map((backend) => backend.name)
      .join(' ');
  });
}

export async function mediaRows(): Promise<readonly DoctorRow[]> {
  return [workerRow(), webServerRow(), opusRow(), onnxRow()];
}
