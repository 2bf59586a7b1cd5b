import { Worker } from 'node:worker_threads';
import { threadBundle } from '../../models/thread-bundle.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { MarkDetection } from '../../pipeline/mark/finding.ts';
import type { ClipFrame } from './clip-media.ts';
import type { DetectReply, DetectRequest, DetectSetup } from './detect-messages.ts';

export interface DetectThreadOptions extends DetectSetup {
  /** Aborting ends the thread at once, whatever it computes. */
  readonly signal: AbortSignal;
  /** Heap the thread may use, MiB. Default 512. */
  readonly memoryMiB?: number;
}

/** A thread that looks for marks in what a clip was decoded to. Tracks are examined one after another. */
export class DetectThread {
  readonly #worker: Worker;
  readonly #signal: AbortSignal;
  #reply: { resolve(reply: DetectReply): void; reject(error: unknown): void } | undefined;
  #dead: LivedubError | undefined;
  #closing: Promise<void> | undefined;
  readonly #onAbort = () => void this.close();

  constructor(options: DetectThreadOptions) {
    const { keys, candidates, signal, memoryMiB = 512 } = options;
    signal.throwIfAborted();
    this.#signal = signal;
    this.#worker = new Worker(threadBundle(new URL('./detect-thread.ts', import.meta.url)), {
      execArgv: [],
      name: 'mark detector',
      workerData: { keys, candidates } satisfies DetectSetup,
      resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
    });
    this.#worker.on('message', (reply: DetectReply) => this.#settle(reply));
    this.#worker.on('error', (cause: NodeJS.ErrnoException) =>
      this.#die(
        cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? new LivedubError('LIVEDUB_E_VERIFY_LIMIT', 'Examining the clip took too much memory.', { cause })
          : new LivedubError('LIVEDUB_E_INTERNAL', `The mark detector stopped: ${cause.message}`, { cause }),
      ),
    );
    this.#worker.on('exit', () =>
      this.#die(new LivedubError('LIVEDUB_E_CLOSED', 'The mark detector is closed.')),
    );
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** @param chunks 16 kHz mono, taken no faster than they are examined */
  sound(chunks: AsyncIterable<Float32Array>): Promise<MarkDetection> {
    return this.#examine('sound', chunks);
  }

  picture(frames: AsyncIterable<ClipFrame>): Promise<MarkDetection> {
    return this.#examine('picture', frames);
  }

  /** Ends the thread at once. Idempotent. */
  close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#closing ??= this.#worker.terminate().then(() => undefined);
    return this.#closing;
  }

  async #examine(
    medium: 'sound' | 'picture',
    units: AsyncIterable<Float32Array | ClipFrame>,
  ): Promise<MarkDetection> {
    const source = units[Symbol.asyncIterator]();
    try {
      let reply = await this.#ask({ kind: 'examine', medium });
      while (reply.kind === 'pull') {
        const { done, value } = await source.next();
        reply = await this.#ask({ kind: 'unit', unit: done ? undefined : value });
      }
      if (reply.kind === 'found') return reply.detection;
      throw new LivedubError(reply.code, reply.message);
    } finally {
      await source.return?.();
    }
  }

  async #ask(request: DetectRequest): Promise<DetectReply> {
    this.#signal.throwIfAborted();
    if (this.#dead) throw this.#dead;
    const unit = request.kind === 'unit' ? request.unit : undefined;
    const bytes = unit instanceof Float32Array ? unit : unit?.plane.data;
    const reply = new Promise<DetectReply>((resolve, reject) => {
      this.#reply = { resolve, reject };
    });
    this.#worker.postMessage(request, bytes === undefined ? [] : [bytes.buffer as ArrayBuffer]);
    return await reply;
  }

  #settle(reply: DetectReply): void {
    const waiting = this.#reply;
    this.#reply = undefined;
    waiting?.resolve(reply);
  }

  #die(error: LivedubError): void {
    this.#dead ??= error;
    this.#reply?.reject(this.#signal.aborted ? this.#signal.reason : this.#dead);
    this.#reply = undefined;
  }
}
