import { spawn } from 'node:child_process';
import { accessSync, constants, createWriteStream, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Full path of a program in PATH, else undefined. */
export function findCommand(name, path = process.env.PATH ?? '') {
  for (const folder of path.split(delimiter)) {
    if (!folder) continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * Runs a program to its end. Resolves with its exit code (127 when it cannot be started, 143 when it was stopped) and
 * its last lines; never rejects. The program gets a process group of its own, so that stopping it stops its children.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, signal?: AbortSignal, timeoutMs?: number,
 *   onLine?: (line: string) => void, logFile?: string }} [options]
 * @returns {Promise<{ code: number, lines: string[], timedOut: boolean }>}
 */
export function run(command, args, options = {}) {
  const { cwd, env, signal, timeoutMs, onLine, logFile } = options;
  const lines = [];
  if (logFile) mkdirSync(dirname(logFile), { recursive: true });
  const log = logFile ? createWriteStream(logFile, { flags: 'a' }) : undefined;
  log?.on('error', () => {});
  log?.write(`\n$ ${[command, ...args].join(' ')}\n`);
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve({ code: 143, lines, timedOut: false });
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let timedOut = false;
    const kill = (name) => {
      try {
        process.kill(-child.pid, name);
      } catch {
        // A program that sudo started belongs to root: sudo itself passes the signal on.
        child.kill(name);
      }
    };
    let killTimer;
    const stop = () => {
      kill('SIGTERM');
      killTimer = setTimeout(() => kill('SIGKILL'), 5000);
    };
    const timer = timeoutMs
      ? setTimeout(() => {
          timedOut = true;
          stop();
        }, timeoutMs)
      : undefined;
    signal?.addEventListener('abort', stop, { once: true });
    const finish = (code) => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      signal?.removeEventListener('abort', stop);
      log?.end();
      resolve({ code, lines, timedOut });
    };
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        log?.write(text);
        const parts = (rest + text).split(/[\r\n]+/);
        rest = parts.pop() ?? '';
        for (const part of parts) {
          if (!part.trim()) continue;
          lines.push(part);
          if (lines.length > 200) lines.shift();
          onLine?.(part);
        }
      });
      stream.on('end', () => rest.trim() && lines.push(rest));
    }
    child.on('error', (error) => {
      lines.push(error.message);
      finish(127);
    });
    child.on('close', (code) => finish(code ?? 143));
    // A service that the program left behind may keep its pipes open for ever.
    child.on('exit', (code) => setTimeout(() => finish(code ?? 143), 2000).unref());
  });
}
