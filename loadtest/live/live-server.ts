import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { clientDist } from '../../client/build.mjs';
import { ClauseLogFile } from '../../db/clause-log-file.ts';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import type { ClauseLogEntry } from '../../pipeline/ports/clause-log.ts';
import { ChannelStore } from '../../server/live/channel-store.ts';
import type { ChannelView, NewChannel, OperatorChannel } from '../../server/live/contract.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

/** A livedub server in a process of its own, as `livedub serve` runs it, so that its cost can be told from the bench's. */
export class LiveServer {
  readonly base: string;
  readonly #child: ChildProcess;
  readonly #dataDir: string;

  private constructor(child: ChildProcess, port: number, dataDir: string) {
    this.#child = child;
    this.base = `http://localhost:${port}`;
    this.#dataDir = dataDir;
  }

  /** @throws LivedubError LIVEDUB_E_ENGINE_FAILED when it does not start */
  static async start(dataDir: string): Promise<LiveServer> {
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const child = fork(fileURLToPath(new URL('server-child.ts', import.meta.url)), [dataDir, clientDist], {
      execArgv: ['--import', loader],
      env: { ...process.env, TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json') },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Ctrl-C reaches the bench alone, which ends it in order.
      detached: true,
    });
    const early = once(child, 'exit').then(([code]) => {
      throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `The server ended with code ${code} while starting.`);
    });
    early.catch(() => undefined);
    const ready = once(child, 'message', { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
    try {
      const [{ port }] = (await Promise.race([ready, early])) as [{ port: number }];
      return new LiveServer(child, port, dataDir);
    } catch (error) {
      child.kill('SIGKILL');
      throw toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED');
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async createChannel(channel: NewChannel): Promise<OperatorChannel> {
    return await this.#request('POST', '/v1/channels', channel);
  }

  async view(id: string): Promise<ChannelView> {
    return await this.#request('GET', `/v1/channels/${id}`);
  }

  async removeChannel(id: string): Promise<void> {
    await this.#request('DELETE', `/v1/channels/${id}`);
  }

  /** The clause log of a channel's only programme. */
  async clauseLog(id: string): Promise<readonly ClauseLogEntry[]> {
    const store = new ChannelStore({ folder: join(this.#dataDir, 'channels') });
    const folder = join(store.clauseLogOf(id, 'any'), '..');
    const [name] = (await readdir(folder)).filter((file) => file.endsWith('.clauses.jsonl'));
    if (name === undefined) return [];
    const log = await ClauseLogFile.open(join(folder, name));
    try {
      return await log.read();
    } finally {
      await log.close();
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await once(this.#child, 'exit');
    clearTimeout(timer);
  }

  async #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.base}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok)
      throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}
