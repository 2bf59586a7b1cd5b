import { spawn } from 'node:child_process';
import { LivedubError } from '../../pipeline/errors.ts';

export interface RunToolOptions {
  /** `ffmpeg` or `ffprobe`. */
  command: string;
  args: readonly string[];
  signal: AbortSignal;
  /** Written to its standard input. */
  input?: Uint8Array;
}

const MAX_OUTPUT_CHARS = 4 * 1024 * 1024;

/**
 * Runs a program to its end.
 * @returns what it printed
 * @throws LivedubError LIVEDUB_E_DEPENDENCY_MISSING, LIVEDUB_E_ABORTED, LIVEDUB_E_OUTPUT_DISK_FULL,
 *   LIVEDUB_E_INPUT_UNREADABLE with the program's last line
 */
export function runTool(options: RunToolOptions): Promise<string> {
  const { command, args, signal, input } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.'));
    const child = spawn(command, args, { stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    let out = '';
    let complaint = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (out.length < MAX_OUTPUT_CHARS) out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-4096);
    });
    // A program that ends early closes its input; its exit code says why.
    child.stdin?.on('error', () => {});
    if (input) child.stdin?.end(input);
    child.once('error', (cause: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', kill);
      reject(
        cause.code === 'ENOENT'
          ? new LivedubError('LIVEDUB_E_DEPENDENCY_MISSING', `${command} is not installed.`, { cause })
          : new LivedubError('LIVEDUB_E_INTERNAL', `${command}: ${cause.message}`, { cause }),
      );
    });
    child.once('close', (code) => {
      signal.removeEventListener('abort', kill);
      if (code === 0) return resolve(out);
      if (signal.aborted) return reject(new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.'));
      const last = complaint.trim().split('\n').at(-1) ?? '';
      const full = /no space left/i.test(complaint);
      reject(
        new LivedubError(
          full ? 'LIVEDUB_E_OUTPUT_DISK_FULL' : 'LIVEDUB_E_INPUT_UNREADABLE',
          `${command} failed (${code}): ${last}`,
        ),
      );
    });
  });
}
