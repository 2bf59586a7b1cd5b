import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { LivedubError } from '../errors.ts';

export interface ToolOptions {
  readonly tool: 'ffmpeg' | 'ffprobe';
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Gives a pipe to write to; without it the tool's input is closed. Default false. */
  readonly input?: boolean;
  /** Gives a pipe to read from; without it the output is thrown away. Default false. */
  readonly output?: boolean;
  /** The process is ended after so much wall time. Default: none. */
  readonly timeoutMs?: number;
  /** Address space the process may use (Linux). Default 4 GiB. */
  readonly memoryBytes?: number;
  /** Gets what the tool says on stderr, as it comes. It may hold what the arguments hold, keys included. Default: nothing. */
  readonly onStderr?: (text: string) => void;
  /** Unix niceness. Default 5: the server's own threads go first. */
  readonly niceness?: number;
}

export interface ToolExit {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly timedOut: boolean;
  /** The end of what it wrote to stderr, at most 16 KiB. */
  readonly stderr: string;
}

export interface Tool {
  readonly pid: number | undefined;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  /** Never rejects, unless the tool cannot be started (LIVEDUB_E_DEPENDENCY_MISSING). */
  readonly exit: Promise<ToolExit>;
  kill(): void;
}

const SETPRIV = '/usr/bin/setpriv';
const STDERR_LIMIT_BYTES = 16 * 1024;

/**
 * Starts FFmpeg or ffprobe as a process of its own with a closed environment. On Linux the process has limits on memory
 * and core dumps, gains no privileges, and dies with this one, whatever ends it (setpriv and prlimit of util-linux).
 */
export function startTool(options: ToolOptions): Tool {
  const { tool, args, signal, timeoutMs, memoryBytes = 4 * 2 ** 30, niceness = 5 } = options;
  signal.throwIfAborted();
  const binary = findTool(tool);
  const [command, ...rest] = [...limits(memoryBytes), binary, ...args];
  const child: ChildProcess = spawn(command!, rest, {
    stdio: [options.input ? 'pipe' : 'ignore', options.output ? 'pipe' : 'ignore', 'pipe'],
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', HOME: os.tmpdir() },
    windowsHide: true,
    // Ctrl-C in a terminal reaches its whole process group: an encoder must live to end its file. It dies with us all the same.
    detached: command === SETPRIV,
  });
  let stderr = '';
  let timedOut = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_LIMIT_BYTES);
    options.onStderr?.(text);
  });
  // A tool that ends early breaks the pipe; its exit code says why, so the write error itself is of no use.
  child.stdin?.on('error', () => {});
  child.stdout?.on('error', () => {});
  const kill = () => {
    child.kill('SIGKILL');
  };
  const expire = () => {
    timedOut = true;
    kill();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
  signal.addEventListener('abort', kill, { once: true });
  if (child.pid !== undefined && niceness > 0) {
    try {
      os.setPriority(child.pid, niceness);
    } catch {
      // It may already have ended.
    }
  }
  const exit = new Promise<ToolExit>((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', kill);
    };
    child.once('error', (cause) => {
      settle();
      if (child.pid !== undefined) return;
      reject(new LivedubError('LIVEDUB_E_DEPENDENCY_MISSING', `${tool} does not start.`, { cause }));
    });
    child.once('close', (code) => {
      settle();
      resolve({ code: code ?? undefined, timedOut, stderr });
    });
  });
  exit.catch(() => {});
  return { pid: child.pid, stdin: child.stdin ?? undefined, stdout: child.stdout ?? undefined, exit, kill };
}

/** Runs a tool to its end and gives what it printed, at most `maxOutputBytes` (default 4 MiB). */
export async function runTool(
  options: Omit<ToolOptions, 'input' | 'output'> & { readonly maxOutputBytes?: number },
): Promise<ToolExit & { readonly stdout: string }> {
  const limit = options.maxOutputBytes ?? 4 * 2 ** 20;
  const tool = startTool({ ...options, output: true });
  const parts: Buffer[] = [];
  let size = 0;
  tool.stdout?.on('data', (part: Buffer) => {
    size += part.length;
    if (size > limit) tool.kill();
    else parts.push(part);
  });
  const exit = await tool.exit;
  options.signal.throwIfAborted();
  return { ...exit, stdout: Buffer.concat(parts).toString('utf8') };
}

/** FFmpeg that gives nothing for so long, though the reader waits, is stuck: some broken files do that. */
const STALL_MS = 90_000;

/** A tool's output; ends the tool when it stalls. Time in which the reader is busy elsewhere does not count. */
export async function* unlessStalled(tool: Tool, stallMs = STALL_MS): AsyncGenerator<Buffer> {
  const output = (tool.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(tool.kill, stallMs);
      const next = await output.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await output.return?.(undefined);
  }
}

const found = new Map<string, string>();

/** Full path of a program in PATH. @throws LIVEDUB_E_DEPENDENCY_MISSING */
export function findTool(name: string): string {
  const known = found.get(name);
  if (known !== undefined) return known;
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, process.platform === 'win32' ? `${name}.exe` : name);
    try {
      accessSync(candidate, constants.X_OK);
      found.set(name, candidate);
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  throw new LivedubError('LIVEDUB_E_DEPENDENCY_MISSING', `${name} was not found.`, {
    remedy: 'Install FFmpeg (Debian: apt-get install ffmpeg), then run `livedub doctor`.',
  });
}

function limits(memoryBytes: number): string[] {
  if (process.platform !== 'linux') return [];
  const out: string[] = [];
  if (existsSync(SETPRIV)) out.push(SETPRIV, '--no-new-privs', '--pdeathsig', 'KILL', '--');
  if (existsSync('/usr/bin/prlimit')) out.push('/usr/bin/prlimit', `--as=${memoryBytes}`, '--core=0', '--');
  return out;
}
