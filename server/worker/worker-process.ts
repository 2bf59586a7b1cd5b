import type { ChildProcess } from 'node:child_process';
import type { z } from 'zod';
import { type ControlPort, openProcessPort } from './control-port.ts';

export interface WorkerProcessOptions<In> {
  /** Starts one worker as leader of a process group of its own, with an IPC channel. */
  spawn: () => ChildProcess;
  /** What the worker may say. */
  schema: z.ZodType<In>;
  /** Called once when it is gone, with the reason for people. */
  onExit: (why: string) => void;
  /** One line for the operator. */
  onNotice?: ((line: string) => void) | undefined;
}

/** One worker process from its start to its end. */
export class WorkerProcess<Out, In> {
  readonly port: ControlPort<Out, In>;
  readonly startedMs = performance.now();
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #gone = false;

  constructor(options: WorkerProcessOptions<In>) {
    this.#child = options.spawn();
    this.port = openProcessPort<Out, In>({
      endpoint: this.#child,
      schema: options.schema,
      onInvalid: (problem) => options.onNotice?.(`worker said what nobody understands: ${problem}`),
    });
    this.#exited = new Promise((resolve) => {
      const gone = (why: string) => {
        if (this.#gone) return;
        this.#gone = true;
        killGroup(this.#child);
        options.onExit(why);
        resolve();
      };
      // Exit, not disconnect: only then are its memory and files free. 'error' is a worker that never started.
      this.#child.once('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
      this.#child.once('error', (error) => gone(error.message));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Tells it to stop, and kills it when it has not after `timeoutMs`. Resolves when it is gone. */
  async stop(message: Out, timeoutMs: number): Promise<void> {
    this.port.send(message);
    const timer = setTimeout(() => this.kill(), timeoutMs);
    await this.#exited;
    clearTimeout(timer);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Ends what a dead worker may have left: it was the leader of its process group, whose id is the worker's pid. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || process.platform === 'win32') return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // ESRCH: nothing was left.
  }
}
