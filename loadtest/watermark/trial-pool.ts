import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { TrialReply, TrialRequest, TrialResult, TrialSetup } from './trial-messages.ts';

export interface TrialPoolOptions {
  /** Processes that look at clips side by side. Default 2. */
  readonly processes?: number;
  readonly signal: AbortSignal;
}

/** Clips a process is given before it answers, so that it never waits. */
const AHEAD = 2;

/** Processes that look for marks in many clips. */
export class TrialPool {
  readonly #children: readonly ChildProcess[];
  readonly #signal: AbortSignal;
  readonly #setups = new Set<string>();
  #nextId = 0;

  private constructor(children: readonly ChildProcess[], signal: AbortSignal) {
    this.#children = children;
    this.#signal = signal;
  }

  static async start({ processes = 2, signal }: TrialPoolOptions): Promise<TrialPool> {
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const children = Array.from({ length: processes }, () =>
      fork(fileURLToPath(new URL('trial-child.ts', import.meta.url)), {
        execArgv: ['--import', loader],
        env: { ...process.env, TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json') },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        serialization: 'advanced',
      }),
    );
    const pool = new TrialPool(children, signal);
    try {
      await Promise.all(children.map((child) => readiness(child, signal)));
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** Makes detectors ready under a name. */
  prepare(setup: TrialSetup): void {
    if (this.#setups.has(setup.name)) return;
    this.#setups.add(setup.name);
    for (const child of this.#children) child.send({ kind: 'setup', setup } satisfies TrialRequest);
  }

  /** Looks at clips, in whatever order; gives results in the order of the clips. */
  async run(
    clips: readonly Float32Array[],
    options: { setup: string; withScores?: boolean },
  ): Promise<TrialResult[]> {
    const results: TrialResult[] = [];
    let next = 0;
    const take = async (child: ChildProcess) => {
      while (next < clips.length) {
        const place = next;
        next += 1;
        results[place] = await this.#ask(child, clips[place]!, options);
      }
    };
    await Promise.all(this.#children.flatMap((child) => Array.from({ length: AHEAD }, () => take(child))));
    return results;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }

  async #ask(
    child: ChildProcess,
    clip: Float32Array,
    { setup, withScores = false }: { setup: string; withScores?: boolean },
  ): Promise<TrialResult> {
    this.#signal.throwIfAborted();
    const id = this.#nextId;
    this.#nextId += 1;
    const settled = new AbortController();
    const stop = AbortSignal.any([this.#signal, settled.signal]);
    try {
      return await new Promise<TrialResult>((resolve, reject) => {
        const ended = () => reject(failure('A process that looks for marks has ended.'));
        const take = (reply: TrialReply) => {
          if (reply.kind === 'result' && reply.id === id) resolve(reply.result);
          if (reply.kind === 'failed' && reply.id === id) reject(failure(reply.message));
        };
        child.on('message', take);
        child.once('exit', ended);
        stop.addEventListener('abort', () => {
          child.off('message', take);
          child.off('exit', ended);
          reject(this.#signal.reason);
        });
        child.send({ kind: 'detect', id, setup, clip, withScores } satisfies TrialRequest);
      });
    } finally {
      settled.abort();
    }
  }
}

async function readiness(child: ChildProcess, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const either = { signal: AbortSignal.any([signal, settled.signal]) };
  const early = once(child, 'exit', either).then(() => {
    throw failure('A process that looks for marks did not start.');
  });
  early.catch(() => undefined);
  try {
    await Promise.race([once(child, 'message', either), early]);
  } finally {
    settled.abort();
  }
}

function failure(message: string): LivedubError {
  return new LivedubError('LIVEDUB_E_INTERNAL', message);
}
