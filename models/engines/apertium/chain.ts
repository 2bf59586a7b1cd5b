import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LivedubError } from '../../../pipeline/errors.ts';
import type { ApertiumMode } from './modes.ts';

export interface ApertiumChainOptions {
  readonly mode: ApertiumMode;
  /** Longest wait for one reply, ms. */
  readonly timeoutMs: number;
  /** Called once when a stage ends by itself or does not answer; the chain is of no more use. */
  readonly onDown?: (reason: string) => void;
}

interface Waiter {
  resolve(reply: string): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** A pipe of the kernel between two programs; its bytes never pass through this process. */
function openPipe(path: string): { readFd: number; writeFd: number } {
  // The first, non-blocking reader is only there so that the writer's open returns; the one handed on blocks as
  // programs expect.
  const opener = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeFd = openSync(path, constants.O_WRONLY);
  const readFd = openSync(path, constants.O_RDONLY);
  closeSync(opener);
  return { readFd, writeFd };
}

/** What ends every request, and comes back with its reply. */
const REQUEST_END = '[\n]';

/**
 * The programs of one translation direction, kept alive and joined by pipes, without a shell. Requests and replies end
 * in NUL and come back in order. No text ever reaches a command line.
 */
export class ApertiumChain {
  readonly #timeoutMs: number;
  readonly #onDown: ((reason: string) => void) | undefined;
  readonly #name: string;
  readonly #waiting: Waiter[] = [];
  readonly #children: ChildProcess[];
  #received: Buffer[] = [];
  #down = false;

  private constructor(options: ApertiumChainOptions, children: ChildProcess[]) {
    this.#name = options.mode.name;
    this.#timeoutMs = options.timeoutMs;
    this.#onDown = options.onDown;
    this.#children = children;
    for (const child of children) {
      child.on('error', (error) => this.#fail(`${child.spawnfile}: ${error.message}`));
      child.on('exit', (code, signal) => this.#fail(`${child.spawnfile} ended (${signal ?? code})`));
    }
    children[0]?.stdin?.on('error', (error) => this.#fail(error.message));
    children.at(-1)?.stdout?.on('data', (chunk: Buffer) => this.#onData(chunk));
  }

  /** Starts every program. @throws LIVEDUB_E_DEPENDENCY_MISSING when one cannot be started */
  static async start(options: ApertiumChainOptions): Promise<ApertiumChain> {
    const { stages } = options.mode;
    const folder = await mkdtemp(join(tmpdir(), 'livedub-apertium-'));
    const children: ChildProcess[] = [];
    try {
      const paths = stages.slice(1).map((_, at) => join(folder, `${at}`));
      if (paths.length > 0) await promisify(execFile)('mkfifo', paths);
      let input: number | 'pipe' = 'pipe';
      for (const [at, stage] of stages.entries()) {
        const path = paths[at];
        const pipe = path === undefined ? undefined : openPipe(path);
        const output = pipe?.writeFd ?? 'pipe';
        children.push(spawn(stage.command, [...stage.args], { stdio: [input, output, 'ignore'] }));
        if (typeof input === 'number') closeSync(input);
        if (pipe !== undefined) closeSync(pipe.writeFd);
        input = pipe?.readFd ?? 'pipe';
      }
      const chain = new ApertiumChain(options, children);
      const absent = children.find((child) => child.pid === undefined);
      if (absent !== undefined) {
        chain.close();
        throw new Error(`${absent.spawnfile} cannot be started`);
      }
      return chain;
    } catch (error) {
      for (const child of children) child.kill('SIGKILL');
      throw new LivedubError(
        'LIVEDUB_E_DEPENDENCY_MISSING',
        `Apertium ${options.mode.name} does not start.`,
        {
          cause: error,
          remedy: 'Install the Debian package apertium and its language pairs: see `livedub models list`.',
        },
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  get down(): boolean {
    return this.#down;
  }

  /** @param request one NUL-terminated request @throws Error when a program ends or does not answer in time */
  send(request: string): Promise<string> {
    if (this.#down) return Promise.reject(new Error(`${this.#name} is down`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(`no answer within ${this.#timeoutMs} ms`), this.#timeoutMs);
      this.#waiting.push({ resolve, reject, timer });
      this.#children[0]?.stdin?.write(request);
    });
  }

  /** Ends every program at once; requests under way fail. */
  close(): void {
    this.#fail('closed');
  }

  #onData(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      const reply = Buffer.concat([...this.#received, rest.subarray(0, end)]).toString('utf8');
      this.#received = [];
      rest = rest.subarray(end + 1);
      // Programs behind one that was killed flush what they have: no reply without the end of its request.
      if (!reply.includes(REQUEST_END)) {
        this.#fail('a reply was cut off');
        return;
      }
      const waiter = this.#waiting.shift();
      clearTimeout(waiter?.timer);
      waiter?.resolve(reply);
    }
    if (rest.length > 0) this.#received.push(rest);
  }

  #fail(reason: string): void {
    if (this.#down) return;
    this.#down = true;
    for (const child of this.#children) {
      child.stdin?.destroy();
      child.stdout?.destroy();
      child.kill('SIGKILL');
    }
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(new Error(`Apertium ${this.#name}: ${reason}`));
    }
    this.#onDown?.(reason);
  }
}
