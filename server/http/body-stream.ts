import type { HttpResponse } from 'uWebSockets.js';
import { LivedubError } from '../../pipeline/errors.ts';
import type { RequestBodyOptions } from './request-body.ts';

/** How much waits for the reader before the client is held back. */
const HELD_BYTES = 512 * 1024;

/**
 * A request's body as it comes, for bodies too large to collect. The connection is held back while the reader is busy; what comes
 * after a refusal is thrown away.
 */
export class BodyStream implements AsyncIterable<Uint8Array> {
  readonly #res: HttpResponse;
  readonly #signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #heldBytes = 0;
  #isPaused = false;
  #isComplete = false;
  #isAnswered = false;
  #failure: LivedubError | undefined;
  #wake: () => void = () => {};

  constructor(res: HttpResponse, options: RequestBodyOptions) {
    const { maxBytes, announcedBytes, signal, timeoutMs } = options;
    this.#res = res;
    this.#signal = signal;
    this.#timer = setTimeout(
      () => this.#fail(new LivedubError('LIVEDUB_E_BODY_TIMEOUT', 'The body did not come in time.')),
      timeoutMs,
    );
    const tooLarge = () =>
      this.#fail(
        new LivedubError('LIVEDUB_E_BODY_TOO_LARGE', `This address takes at most ${maxBytes} bytes.`),
      );
    signal.addEventListener('abort', () =>
      this.#fail(new LivedubError('LIVEDUB_E_ABORTED', 'The client has gone.')),
    );
    if (announcedBytes > maxBytes) tooLarge();
    let bytes = 0;
    res.onData((chunk, isLast) => {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) tooLarge();
      if (isLast) clearTimeout(this.#timer);
      if (this.#failure) return;
      this.#isComplete = isLast;
      // The chunk's memory is taken back when this returns.
      this.#chunks.push(Buffer.from(Buffer.from(chunk)));
      this.#heldBytes += chunk.byteLength;
      if (this.#heldBytes > HELD_BYTES && !isLast) this.#hold(true);
      this.#wake();
    });
  }

  /**
   * Once only.
   * @throws LivedubError LIVEDUB_E_BODY_TOO_LARGE, LIVEDUB_E_BODY_TIMEOUT, LIVEDUB_E_ABORTED
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.#heldBytes -= chunk.byteLength;
        yield chunk;
        continue;
      }
      if (this.#isComplete) return;
      this.#hold(false);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Before the answer: nothing more is read, and the connection must not be touched after it. */
  discard(): void {
    this.#fail(new LivedubError('LIVEDUB_E_CLOSED', 'The request is answered.'));
    this.#isAnswered = true;
  }

  #fail(failure: LivedubError): void {
    clearTimeout(this.#timer);
    if (this.#failure || this.#isComplete) return;
    this.#failure = failure;
    this.#chunks.length = 0;
    this.#hold(false);
    this.#wake();
  }

  #hold(isPaused: boolean): void {
    // A connection that is gone must not be touched.
    if (this.#isPaused === isPaused || this.#signal.aborted || this.#isAnswered) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#res.pause();
    else this.#res.resume();
  }
}
