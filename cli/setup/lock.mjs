import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Takes a lock file, waiting while another living process has it. The file names its owner (pid and the moment the
 * kernel started it, so that a pid that was used again is not taken for the owner); one left by a dead process is
 * taken over. Resolves with a function that gives it back.
 * @param {string} file
 * @param {{ signal?: AbortSignal, pollMs?: number, onWait?: (pid: number) => void }} [options]
 * @returns {Promise<() => void>}
 */
export async function acquireLock(file, options = {}) {
  const { signal, pollMs = 300, onWait } = options;
  mkdirSync(dirname(file), { recursive: true });
  const mine = JSON.stringify({
    pid: process.pid,
    started: processStart(process.pid),
    key: randomBytes(8).toString('hex'),
  });
  let told = false;
  for (;;) {
    signal?.throwIfAborted();
    if (createWhole(file, mine)) return () => release(file, mine);
    const held = read(file);
    if (held === undefined) continue;
    if (!isAlive(held)) {
      removeIfStill(file, held);
      continue;
    }
    if (!told) onWait?.(JSON.parse(held).pid);
    told = true;
    await sleep(pollMs, undefined, { signal });
  }
}

/** Creates the file with its content in one step: nobody sees an empty lock. False when it exists. */
function createWhole(file, content) {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Takes a stale lock away; puts it back when another process had replaced it in between. */
function removeIfStill(file, stale) {
  const aside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  try {
    if (read(aside) !== stale) linkSync(aside, file);
  } catch {
    // A third process was quicker; the owner of `aside` finds out when it releases.
  } finally {
    rmSync(aside, { force: true });
  }
}

function release(file, mine) {
  if (read(file) === mine) rmSync(file, { force: true });
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(content) {
  let owner;
  try {
    owner = JSON.parse(content);
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if (error.code !== 'EPERM') return false;
  }
  const started = processStart(owner.pid);
  return started === undefined || owner.started === undefined || started === owner.started;
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat), undefined where /proc is absent. */
function processStart(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
