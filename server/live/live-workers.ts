import type { ChildProcess } from 'node:child_process';
import { LivedubError } from '../../pipeline/errors.ts';
import { WorkerProcess } from '../worker/worker-process.ts';
import {
  type ChannelEngines,
  type FromLiveWorker,
  FromLiveWorkerSchema,
  type ToLiveWorker,
} from './worker-messages.ts';

export interface LiveWorkersOptions {
  /** Starts one live worker as leader of a process group of its own, with an IPC channel. */
  spawn: () => ChildProcess;
  /** Keep a second worker with loaded engines, so that a dub is back within seconds of a crash. Default true. */
  spare?: boolean;
  /** Wait before a died worker is replaced, ms; doubles with every death in a row. Default 250. */
  restartMinMs?: number;
  /** Default 15 000. */
  restartMaxMs?: number;
  /** A worker that lived this long counts as sound. Default 30 000. */
  soundAfterMs?: number;
  /** Default 3 500. */
  stopTimeoutMs?: number;
  onNotice?: (line: string) => void;
}

/** A live worker as the channels on it see it. */
export interface LiveWorker {
  readonly pid: number | undefined;
  /** Aborts when the process is gone. */
  readonly gone: AbortSignal;
  send(message: ToLiveWorker): void;
  /** @returns stops listening */
  onMessage(listener: (message: FromLiveWorker) => void): () => void;
  /** Ends a worker that gives no sign of life. */
  kill(): void;
}

/** Sets of engines that a new worker loads at once; what else is needed it loads when a channel is opened. */
const MAX_PREPARED = 4;

type Process = WorkerProcess<ToLiveWorker, FromLiveWorker>;

/**
 * The worker that dubs live channels, and a spare one that takes over when it dies. Started when the first channel needs
 * it, stopped with the server.
 */
export class LiveWorkers {
  readonly #options: Required<Omit<LiveWorkersOptions, 'onNotice'>> & LiveWorkersOptions;
  #active: Member | undefined;
  #spare: Member | undefined;
  /** What the channels opened last need, oldest first. */
  #engines: ChannelEngines[] = [];
  #deathsInRow = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #waiters = new Set<() => void>();
  #closing: Promise<void> | undefined;

  constructor(options: LiveWorkersOptions) {
    this.#options = {
      spare: true,
      restartMinMs: 250,
      restartMaxMs: 15_000,
      soundAfterMs: 30_000,
      stopTimeoutMs: 3_500,
      ...options,
    };
  }

  /** Process id of the worker that dubs now. */
  get pid(): number | undefined {
    return this.#active?.pid;
  }

  /** Whether a spare worker stands by with its engines loaded. */
  get spareReady(): boolean {
    return this.#spare?.prepared ?? false;
  }

  /** Starts a worker if there is none, and has its engines loaded; the spare one loads them, too. */
  prepare(engines: ChannelEngines): void {
    if (this.#closing) return;
    const same = JSON.stringify(engines);
    this.#engines = [...this.#engines.filter((one) => JSON.stringify(one) !== same), engines].slice(
      -MAX_PREPARED,
    );
    // Not sooner than a worker that died is to be replaced.
    if (!this.#timer) this.#active ??= this.#start();
    for (const member of [this.#active, this.#spare]) member?.prepare(engines);
  }

  /** The worker that channels are placed on; waits until one is ready. */
  async acquire(signal: AbortSignal): Promise<LiveWorker> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#closing) throw new LivedubError('LIVEDUB_E_CLOSED', 'The server is stopping.');
      if (!this.#active && !this.#timer) this.#active = this.#start();
      if (this.#active?.ready) return this.#active;
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake);
          this.#waiters.delete(wake);
          resolve();
        };
        this.#waiters.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#wake();
    const members = [this.#active, this.#spare];
    await Promise.all(members.map((member) => member?.stop(this.#options.stopTimeoutMs)));
  }

  #start(): Member {
    const member: Member = new Member(
      (onExit) =>
        new WorkerProcess({
          spawn: this.#options.spawn,
          schema: FromLiveWorkerSchema,
          onExit,
          onNotice: this.#options.onNotice,
        }),
      {
        ready: () => this.#wake(),
        // The spare starts once the first one has its engines: two at once would make both late.
        prepared: () => this.#fillSpare(),
        exit: (why) => this.#onExit(member, why),
      },
    );
    for (const engines of this.#engines) member.prepare(engines);
    return member;
  }

  #fillSpare(): void {
    if (!this.#options.spare || this.#spare || this.#closing || !this.#active?.prepared) return;
    this.#spare = this.#start();
  }

  #onExit(member: Member, why: string): void {
    const wasActive = member === this.#active;
    if (wasActive) this.#active = undefined;
    else if (member === this.#spare) this.#spare = undefined;
    if (this.#closing) return;
    this.#deathsInRow =
      performance.now() - member.startedMs >= this.#options.soundAfterMs ? 1 : this.#deathsInRow + 1;
    const spare = this.#spare;
    if (wasActive && spare) {
      this.#spare = undefined;
      this.#active = spare;
      this.#options.onNotice?.(`live worker ended (${why}); the spare one takes over`);
      if (spare.ready) this.#wake();
      this.#retry(() => this.#fillSpare());
      return;
    }
    const waitMs = this.#retry(() => {
      if (this.#active) this.#fillSpare();
      else this.#active = this.#start();
    });
    this.#options.onNotice?.(`live worker ended (${why}); the next one starts in ${waitMs} ms`);
  }

  #retry(start: () => void): number {
    const { restartMinMs, restartMaxMs } = this.#options;
    const waitMs = Math.min(restartMinMs * 2 ** (this.#deathsInRow - 1), restartMaxMs);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      start();
    }, waitMs);
    return waitMs;
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}

interface MemberEvents {
  ready(): void;
  prepared(): void;
  exit(why: string): void;
}

/** One worker process with what is known of it. */
class Member implements LiveWorker {
  readonly gone: AbortSignal;
  ready = false;
  prepared = false;
  readonly #process: Process;
  readonly #listeners = new Set<(message: FromLiveWorker) => void>();
  #waiting: ChannelEngines[] = [];

  constructor(start: (onExit: (why: string) => void) => Process, events: MemberEvents) {
    const gone = new AbortController();
    this.gone = gone.signal;
    this.#process = start((why) => {
      gone.abort(new LivedubError('LIVEDUB_E_WORKER_DIED', `The live worker ended (${why}).`));
      events.exit(why);
    });
    this.#process.port.onMessage((message) => {
      if (message.kind === 'ready') {
        this.ready = true;
        for (const engines of this.#waiting.splice(0)) this.prepare(engines);
        events.ready();
      } else if (message.kind === 'prepared') {
        this.prepared = true;
        events.prepared();
      } else for (const listener of [...this.#listeners]) listener(message);
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get startedMs(): number {
    return this.#process.startedMs;
  }

  prepare(engines: ChannelEngines): void {
    if (this.ready) this.send({ kind: 'prepare', engines });
    else this.#waiting = [...this.#waiting, engines].slice(-MAX_PREPARED);
  }

  send(message: ToLiveWorker): void {
    this.#process.port.send(message);
  }

  onMessage(listener: (message: FromLiveWorker) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  kill(): void {
    this.#process.kill();
  }

  stop(timeoutMs: number): Promise<void> {
    return this.#process.stop({ kind: 'stop' }, timeoutMs);
  }
}
