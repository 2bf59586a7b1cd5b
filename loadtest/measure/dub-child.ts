import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { DubResult } from '../../server/dub/dub-file.ts';

export interface DubChildOptions {
  readonly input: string;
  readonly outDir: string;
  readonly from: LanguageCode;
  readonly to: readonly LanguageCode[];
  readonly signal: AbortSignal;
}

export interface MeasuredDub {
  readonly result: DubResult;
  /** From starting the command to its end, with everything it loads. */
  readonly commandSeconds: number;
}

/** Time given to a stopped command to end its own children, ms. */
const STOP_MS = 10_000;
const MAX_OUTPUT_CHARS = 256 * 2 ** 20;

/**
 * Runs `livedub dub` as a process of its own, so that memory and CPU are those of this dub alone.
 *
 * The command leads its own process group: on abort it is asked to stop, and what is left of the group after 10 s is ended.
 *
 * @throws LivedubError LIVEDUB_E_ABORTED; LIVEDUB_E_ENGINE_FAILED with what the command said
 */
export async function dubInChild(options: DubChildOptions): Promise<MeasuredDub> {
  const { input, outDir, from, to, signal } = options;
  signal.throwIfAborted();
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const args = ['dub', input, '--from', from, '--to', to.join(','), '--out', outDir, '--json'];
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['--import', loader, join(repositoryRoot, 'cli/main.ts'), ...args], {
    env: { ...process.env, TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json') },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const killGroup = (name: 'SIGINT' | 'SIGKILL') => {
    try {
      if (child.pid !== undefined) process.kill(name === 'SIGKILL' ? -child.pid : child.pid, name);
    } catch {
      // It has ended already.
    }
  };
  let killTimer: NodeJS.Timeout | undefined;
  const stop = () => {
    killGroup('SIGINT');
    killTimer = setTimeout(() => killGroup('SIGKILL'), STOP_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const { code, out, complaint } = await outcome(child);
    signal.throwIfAborted();
    if (code !== 0) throw failure(complaint, code);
    const result = JSON.parse(out) as DubResult;
    return { result, commandSeconds: (performance.now() - startedMs) / 1000 };
  } finally {
    signal.removeEventListener('abort', stop);
    clearTimeout(killTimer);
  }
}

function outcome(
  child: ReturnType<typeof spawn>,
): Promise<{ code: number | null; out: string; complaint: string }> {
  return new Promise((resolve, reject) => {
    let out = '';
    let complaint = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (out.length < MAX_OUTPUT_CHARS) out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-4096);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, complaint }));
  });
}

/** The command's own error, where it printed one. */
function failure(complaint: string, code: number | null): LivedubError {
  const lines = complaint.trim().split('\n');
  const said = lines.findLast((line) => line.startsWith('error ')) ?? lines.at(-1) ?? '';
  const remedy = lines.findLast((line) => line.trimStart().startsWith('→'))?.replace(/^\s*→\s*/, '');
  return new LivedubError('LIVEDUB_E_ENGINE_FAILED', `livedub dub ended with code ${code}: ${said}`, {
    ...(remedy === undefined ? {} : { remedy }),
  });
}
