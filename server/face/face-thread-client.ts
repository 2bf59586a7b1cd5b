import { Worker } from 'node:worker_threads';
import { endThread } from '../../models/end-thread.ts';
import { threadBundle } from '../../models/thread-bundle.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { SpeechUpdate } from '../../pipeline/face/dubbed-speech.ts';
import type { Picture, PictureFormat } from '../../pipeline/face/picture.ts';
import { errorFromProblem } from '../problem.ts';
import type {
  FacePicture,
  FaceRendition,
  FaceTimings,
  FromFaceThread,
  ToFaceThread,
} from './face-messages.ts';

export interface FaceThreadOptions {
  /** Aborting ends the thread as `close` does. */
  readonly signal: AbortSignal;
  /**
   * Told when faces are made elsewhere, or again, for a GPU that was lost or has too little memory.
   * @param on `cpu`, or the GPU's name
   * Default: nobody is told.
   */
  readonly onMoved?: (on: string, why: LivedubError) => void;
}

export interface FaceChannelOptions {
  /** Of every picture. */
  readonly format: PictureFormat;
  /** Whether the people in the picture allow it; see `setConsent`. */
  readonly consent: boolean;
  /** Gives `FacePicture.explained`, too. Default false. */
  readonly explain?: boolean;
  /** See ReanimationOptions. Default 0. */
  readonly aheadUs?: number;
  /**
   * Takes a picture of every rendition, in order. Bytes are for the caller to own. Pictures come as filmed, but marked, wherever
   * faces cannot follow; their verdict says why.
   */
  readonly onPictures: (mediaTimeUs: number, pictures: readonly FacePicture[], timings: FaceTimings) => void;
  /** Last call: this channel makes no more pictures. */
  readonly onFailed: (error: LivedubError) => void;
}

/** Pictures that were pushed and not taken in yet. One more is refused. */
export const MAX_WAITING_PICTURES = 4;

/**
 * A thread in which faces are tracked, moved and marked, for any number of channels: none of it holds up who asks. A picture goes there
 * and comes back without being copied.
 */
export class FaceThread {
  /** Id of the engine that moves mouths. */
  readonly engine: string;
  /** Engines that are installed and were not taken, and why. */
  readonly passedOver: readonly string[];
  /** Aborts with a LivedubError when the thread has ended, whoever ended it. Channels are told, too. */
  readonly died: AbortSignal;
  readonly #worker: Worker;
  readonly #end: AbortController;
  readonly #signal: AbortSignal;
  readonly #onMoved: NonNullable<FaceThreadOptions['onMoved']>;
  readonly #channels = new Map<number, FaceChannel>();
  #lastChannel = 0;
  #canvas = 'cpu';
  #closing: Promise<void> | undefined;
  readonly #onAbort = () => void this.close();

  private constructor(options: {
    worker: Worker;
    end: AbortController;
    signal: AbortSignal;
    ready: Ready;
    onMoved: FaceThreadOptions['onMoved'];
  }) {
    this.#worker = options.worker;
    this.#end = options.end;
    this.#signal = options.signal;
    this.#onMoved = options.onMoved ?? (() => undefined);
    this.engine = options.ready.engine;
    this.passedOver = options.ready.passedOver;
    this.died = options.end.signal;
    this.died.addEventListener('abort', () => this.#bury(this.died.reason as LivedubError), { once: true });
    this.#worker.on('message', (message: FromFaceThread) => this.#hear(message));
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Starts the thread, and resolves when its engines are there.
   * @throws LIVEDUB_E_ABORTED, LIVEDUB_E_ENGINE_FAILED, LIVEDUB_E_DEPENDENCY_MISSING, LIVEDUB_E_MODEL_*
   */
  static async open({ signal, onMoved }: FaceThreadOptions): Promise<FaceThread> {
    throwIfAborted(signal);
    const worker = new Worker(threadBundle(new URL('./face-thread.ts', import.meta.url)), {
      execArgv: [],
      name: 'faces',
    });
    const end = new AbortController();
    worker.on('error', (cause) =>
      end.abort(
        new LivedubError('LIVEDUB_E_ENGINE_FAILED', `The face thread stopped: ${cause.message}`, { cause }),
      ),
    );
    worker.on('exit', () => end.abort(closedThreadError()));
    try {
      const told = await ready(worker, AbortSignal.any([signal, end.signal]));
      return new FaceThread({ worker, end, signal, ready: told, onMoved });
    } catch (error) {
      await endThread(worker);
      throwIfAborted(signal);
      throw error;
    }
  }

  /** Where the pixels of the channel that began last are made: `cpu`, or the GPU's name. */
  get canvas(): string {
    return this.#canvas;
  }

  /** Begins a stream of pictures. On a thread that has died it fails at once. */
  channel(options: FaceChannelOptions): FaceChannel {
    this.#lastChannel += 1;
    const number = this.#lastChannel;
    const channel = new FaceChannel({
      ...options,
      post: (message, transfer = []) =>
        this.#worker.postMessage({ ...message, channel: number }, [...transfer]),
      onClose: () => this.#channels.delete(number),
    });
    this.#channels.set(number, channel);
    if (this.died.aborted) channel.fail(this.died.reason as LivedubError);
    return channel;
  }

  /** Ends the thread as soon as it has computed what it is at; its channels fail with LIVEDUB_E_CLOSED at once. Idempotent. */
  close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#end.abort(closedThreadError());
    this.#closing ??= endThread(this.#worker);
    return this.#closing;
  }

  #hear(message: FromFaceThread): void {
    if (message.kind === 'ready' || message.kind === 'unfit') return;
    if (message.kind === 'canvas') {
      const { on, problem } = message;
      this.#canvas = on;
      if (problem) this.#onMoved(on, errorFromProblem(problem));
    } else this.#channels.get(message.channel)?.hear(message);
  }

  #bury(error: LivedubError): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    for (const channel of [...this.#channels.values()]) channel.fail(error);
  }
}

/** What a channel says; the thread it belongs to adds which one it is. */
type WithoutChannel<Message> = Message extends unknown ? Omit<Message, 'channel'> : never;
type Outgoing = WithoutChannel<ToFaceThread>;

interface FaceChannelParts extends FaceChannelOptions {
  readonly post: (message: Outgoing, transfer?: readonly ArrayBuffer[]) => void;
  readonly onClose: () => void;
}

/** One stream of pictures in, one of each rendition out. Made by `FaceThread.channel`. */
export class FaceChannel {
  readonly #o: FaceChannelParts;
  /** Pictures pushed and not taken in. */
  #waiting = 0;
  #failure: LivedubError | undefined;
  #closed = false;
  #room: { resolve(): void; reject(error: LivedubError): void }[] = [];
  #flushes: { resolve(): void; reject(error: LivedubError): void }[] = [];

  constructor(parts: FaceChannelParts) {
    this.#o = parts;
    const { format, consent, explain = false, aheadUs = 0 } = parts;
    this.#post({ kind: 'open', format, consent, explain, aheadUs });
  }

  /** Pictures that were pushed and not taken in yet, up to MAX_WAITING_PICTURES. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Acts on the next picture that comes out. What was learnt of faces is forgotten without. */
  setConsent(consent: boolean): void {
    this.#post({ kind: 'consent', consent });
  }

  /** From the next pushed picture on there is one of this rendition, too. */
  add(rendition: FaceRendition): void {
    this.#post({ kind: 'add', rendition });
  }

  remove(id: string): void {
    this.#post({ kind: 'remove', id });
  }

  /** What is said in a rendition: to be told before the pictures it is said in are pushed. */
  speech(id: string, update: SpeechUpdate): void {
    this.#post({ kind: 'speech', id, update });
  }

  /** @param pcm the original, 16 kHz mono: tells which of several faces speaks */
  sourceSound(pcm: Float32Array, mediaTimeUs: number): void {
    this.#post({ kind: 'source-sound', pcm, mediaTimeUs });
  }

  /**
   * Hands a picture over: its bytes are gone afterwards. In the order in which they are shown.
   * @returns once there is room for another
   * @throws LIVEDUB_E_CHANNEL_OVERFLOW without waiting for room; what `onFailed` was told; LIVEDUB_E_CLOSED
   */
  async push(picture: Picture): Promise<void> {
    this.#throwIfOver();
    if (this.#waiting >= MAX_WAITING_PICTURES)
      throw new LivedubError('LIVEDUB_E_CHANNEL_OVERFLOW', 'Too many pictures wait for their faces.');
    const bytes = transferable(picture.bytes);
    this.#waiting += 1;
    this.#post({ kind: 'picture', picture: { ...picture, bytes } }, [bytes.buffer as ArrayBuffer]);
    if (this.#waiting >= MAX_WAITING_PICTURES)
      await new Promise<void>((resolve, reject) => this.#room.push({ resolve, reject }));
  }

  /**
   * Brings out the pictures that are held for what follows them; more may be pushed afterwards.
   * @param untilUs only those that wait for pictures up to this media time, of which none comes. Default: all
   * @throws as `push`
   */
  async flush(untilUs?: number): Promise<void> {
    this.#throwIfOver();
    await new Promise<void>((resolve, reject) => {
      this.#flushes.push({ resolve, reject });
      this.#post({ kind: 'flush', ...(untilUs === undefined ? {} : { untilUs }) });
    });
  }

  /** Nothing comes out any more. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#post({ kind: 'close' });
    this.#closed = true;
    this.#o.onClose();
    this.#rejectAll(closedError());
  }

  /** From the thread. */
  hear(message: Extract<FromFaceThread, { readonly channel: number }>): void {
    if (this.#closed) return;
    switch (message.kind) {
      case 'taken':
        this.#waiting -= 1;
        this.#room.shift()?.resolve();
        return;
      case 'pictures':
        this.#o.onPictures(message.mediaTimeUs, message.pictures, message.timings);
        return;
      case 'flushed':
        this.#flushes.shift()?.resolve();
        return;
      case 'failed':
        this.fail(errorFromProblem(message.problem));
    }
  }

  /** From the thread's end. */
  fail(error: LivedubError): void {
    if (this.#closed || this.#failure) return;
    this.#failure = error;
    this.#rejectAll(error);
    this.#o.onFailed(error);
  }

  #post(message: Outgoing, transfer?: readonly ArrayBuffer[]): void {
    if (!this.#closed && !this.#failure) this.#o.post(message, transfer);
  }

  #throwIfOver(): void {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw closedError();
  }

  #rejectAll(error: LivedubError): void {
    for (const { reject } of [...this.#room.splice(0), ...this.#flushes.splice(0)]) reject(error);
  }
}

type Ready = Extract<FromFaceThread, { readonly kind: 'ready' }>;

function ready(worker: Worker, signal: AbortSignal): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const onAbort = () => done(() => reject(signal.reason));
    const onMessage = (message: FromFaceThread) => {
      if (message.kind === 'ready') done(() => resolve(message));
      if (message.kind === 'unfit') done(() => reject(errorFromProblem(message.problem)));
    };
    const done = (settle: () => void) => {
      worker.off('message', onMessage);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    worker.on('message', onMessage);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/** Bytes that are a buffer of their own; a part of a larger one is copied. */
function transferable(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted)
    throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: signal.reason });
}

function closedError(): LivedubError {
  return new LivedubError('LIVEDUB_E_CLOSED', 'The channel of pictures is closed.');
}

function closedThreadError(): LivedubError {
  return new LivedubError('LIVEDUB_E_CLOSED', 'The face thread is closed.');
}
