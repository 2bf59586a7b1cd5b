import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { ErrorCode } from '../../pipeline/errors.ts';
import { problemOf } from '../problem.ts';

/**
 * Sent with every answer. The page needs no inline script or style, no frame and no other host; WebSocket to the same
 * host is part of 'self'.
 */
export const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  [
    'content-security-policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; " +
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['permissions-policy', 'camera=(), microphone=(), geolocation=()'],
];

const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  LIVEDUB_E_BAD_REQUEST: 400,
  LIVEDUB_E_LANGUAGE_UNKNOWN: 400,
  LIVEDUB_E_FORBIDDEN: 403,
  LIVEDUB_E_NOT_FOUND: 404,
  LIVEDUB_E_QUEUE_FULL: 503,
  LIVEDUB_E_CLOSED: 503,
  LIVEDUB_E_WORKER_DIED: 503,
};

type Header = readonly [string, string];

/** One request and its answer. uWebSockets.js lets a request be read only before the first await: copied here. */
export class Exchange {
  readonly method: string;
  readonly path: string;
  readonly params: readonly string[];
  readonly #headers: ReadonlyMap<string, string>;
  readonly #res: HttpResponse;
  readonly #controller = new AbortController();
  #answered = false;

  constructor(res: HttpResponse, req: HttpRequest, paramCount = 0) {
    this.#res = res;
    this.method = req.getMethod().toUpperCase();
    this.path = req.getUrl();
    this.params = Array.from({ length: paramCount }, (_, index) => req.getParameter(index) ?? '');
    const headers = new Map<string, string>();
    for (const name of ['host', 'origin', 'range', 'if-range', 'if-none-match'])
      headers.set(name, req.getHeader(name));
    this.#headers = headers;
    res.onAborted(() => {
      this.#answered = true;
      this.#controller.abort();
    });
  }

  /** Aborts when the client has gone. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Empty when it was not sent; only host, origin, range, if-range and if-none-match are kept. */
  header(name: string): string {
    return this.#headers.get(name) ?? '';
  }

  json(value: unknown, status = 200): void {
    this.text(
      JSON.stringify(value),
      'application/json; charset=utf-8',
      [['cache-control', 'no-store']],
      status,
    );
  }

  /** Answers with an error's code, message and remedy. */
  fail(thrown: unknown): void {
    const problem = problemOf(thrown);
    this.json(problem, STATUS_OF[problem.code as ErrorCode] ?? 500);
  }

  text(body: string, type: string, headers: readonly Header[] = [], status = 200): void {
    this.#begin(status, [['content-type', type], ...headers], (res) => {
      if (this.method === 'HEAD') res.endWithoutBody(Buffer.byteLength(body));
      else res.end(body);
    });
  }

  /** Answers without a body. @param reportedBytes Content-Length of the body that is left out */
  empty(status: number, headers: readonly Header[], reportedBytes?: number): void {
    this.#begin(status, headers, (res) => res.endWithoutBody(reportedBytes));
  }

  /**
   * Answers with `totalBytes` that `read` yields. Reads on only as fast as the client takes them.
   * @param read gives the next bytes, at most 256 KiB; an empty array is a file that became shorter
   */
  async stream(
    status: number,
    headers: readonly Header[],
    totalBytes: number,
    read: () => Promise<Uint8Array>,
  ): Promise<void> {
    if (this.#answered) return;
    this.#answered = true;
    const { signal } = this.#controller;
    const res = this.#res;
    res.cork(() => writeHead(res, status, headers));
    let sent = 0;
    while (sent < totalBytes && !signal.aborted) {
      const bytes = await read();
      if (signal.aborted) return;
      if (bytes.length === 0) {
        res.close();
        return;
      }
      let offset = 0;
      while (offset < bytes.length && !signal.aborted) {
        const before = res.getWriteOffset();
        const chunk = bytes.subarray(offset);
        let ok = false;
        let done = false;
        res.cork(() => {
          [ok, done] = res.tryEnd(chunk as Uint8Array<ArrayBuffer>, totalBytes);
        });
        if (done || ok) {
          offset = bytes.length;
          continue;
        }
        const writable = await new Promise<number>((resolve) => {
          signal.addEventListener('abort', () => resolve(-1), { once: true });
          res.onWritable((at) => {
            resolve(at);
            return true;
          });
        });
        if (writable < 0) return;
        offset += writable - before;
      }
      sent += bytes.length;
    }
  }

  #begin(status: number, headers: readonly Header[], finish: (res: HttpResponse) => void): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#res.cork(() => {
      writeHead(this.#res, status, headers);
      finish(this.#res);
    });
  }
}

function writeHead(res: HttpResponse, status: number, headers: readonly Header[]): void {
  res.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`);
  for (const [name, value] of SECURITY_HEADERS) res.writeHeader(name, value);
  for (const [name, value] of headers) res.writeHeader(name, value);
}
