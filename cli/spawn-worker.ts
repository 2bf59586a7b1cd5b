import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../pipeline/cache-paths.ts';

/**
 * Starts `livedub worker` as a process of its own, leader of its own process group: Ctrl-C in the terminal reaches the
 * server alone, which then stops it in order, and whatever a killed worker leaves can be ended with it.
 */
export function spawnWorker(): ChildProcess {
  const child = spawnHidden('worker');
  // What is live goes before what can wait.
  try {
    if (child.pid !== undefined) setPriority(child.pid, UPLOAD_NICENESS);
  } catch {
    // It has ended already; whoever watches it learns of that.
  }
  return child;
}

const UPLOAD_NICENESS = 5;

/** Starts `livedub live-worker` in the same way. */
export function spawnLiveWorker(): ChildProcess {
  return spawnHidden('live-worker');
}

function spawnHidden(command: string): ChildProcess {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return fork(join(repositoryRoot, 'cli/main.ts'), [command], {
    execArgv: ['--import', loader],
    env: { ...process.env, TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json') },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
}
