import type { HttpResponse } from 'uWebSockets.js';
import { LivedubError } from '../../pipeline/errors.ts';

export interface RequestBodyOptions {
  /** More than this is refused, bytes; 0 ignores what comes. */
  maxBytes: number;
  /** Content-Length, 0 when unknown. */
  announcedBytes: number;
  /** Aborts when the client has gone. */
  signal: AbortSignal;
  /** The whole body has to be there this long after the head, ms. */
  timeoutMs: number;
}

/** Collects a request's body, up to a limit: what is over it is thrown away as it comes. */
export class RequestBody {
  readonly #done: Promise<Uint8Array>;

  constructor(res: HttpResponse, options: RequestBodyOptions) {
    const { maxBytes, announcedBytes, signal, timeoutMs } = options;
    if (maxBytes === 0) {
      this.#done = Promise.resolve(new Uint8Array());
      return;
    }
    this.#done = new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const tooLarge = () =>
        new LivedubError('LIVEDUB_E_BODY_TOO_LARGE', `This address takes at most ${maxBytes} bytes.`);
      const timer = setTimeout(
        () => reject(new LivedubError('LIVEDUB_E_BODY_TIMEOUT', 'The body did not come in time.')),
        timeoutMs,
      );
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(new LivedubError('LIVEDUB_E_ABORTED', 'The client has gone.'));
      });
      if (announcedBytes > maxBytes) reject(tooLarge());
      res.onData((chunk, isLast) => {
        bytes += chunk.byteLength;
        if (bytes > maxBytes) {
          chunks.length = 0;
          clearTimeout(timer);
          reject(tooLarge());
          return;
        }
        // The chunk's memory is taken back when this returns.
        chunks.push(Buffer.from(Buffer.from(chunk)));
        if (!isLast) return;
        clearTimeout(timer);
        resolve(Buffer.concat(chunks));
      });
    });
    // A handler may answer without reading.
    this.#done.catch(() => {});
  }

  /** @throws LivedubError LIVEDUB_E_BODY_TOO_LARGE, LIVEDUB_E_BODY_TIMEOUT, LIVEDUB_E_ABORTED */
  read(): Promise<Uint8Array> {
    return this.#done;
  }
}
