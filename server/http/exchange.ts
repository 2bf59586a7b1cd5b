import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';
import { LivedubError } from '../../pipeline/errors.ts';
import { check, problemOf } from '../problem.ts';
import { BodyStream } from './body-stream.ts';
import { headersOf, statusOf } from './problem-status.ts';
import { RequestBody } from './request-body.ts';
import { RequestHead } from './request-head.ts';
import { ANY_ORIGIN_HEADERS, OWN_ORIGIN_HEADERS, SECURITY_HEADERS } from './response-headers.ts';
import type { Origins } from './route.ts';

type Header = readonly [string, string];

export interface ExchangeOptions {
  /** The pattern that matched. Default `/*`. */
  pattern?: string;
  /** Default `own`. */
  origins?: Origins;
  /** Largest body that is read, bytes. Default 0: the request has none. */
  maxBodyBytes?: number;
  /** How long after the head the body may take, ms. Default 10 000. */
  bodyTimeoutMs?: number | undefined;
  /** The body is read as it comes, by `bodyStream`. Default false: it is collected. */
  streamBody?: boolean | undefined;
}

/** One request and its answer. */
export class Exchange extends RequestHead {
  readonly #res: HttpResponse;
  readonly #body: RequestBody | BodyStream;
  readonly #controller = new AbortController();
  #fixedHeaders: readonly Header[];
  #answered = false;

  constructor(res: HttpResponse, req: HttpRequest, options: ExchangeOptions = {}) {
    super(res, req, options.pattern ?? '/*');
    this.#res = res;
    this.#fixedHeaders = options.origins === 'any' ? ANY_ORIGIN_HEADERS : OWN_ORIGIN_HEADERS;
    res.onAborted(() => {
      this.#answered = true;
      this.#controller.abort();
    });
    this.#body = new (options.streamBody ? BodyStream : RequestBody)(res, {
      maxBytes: options.maxBodyBytes ?? 0,
      timeoutMs: options.bodyTimeoutMs ?? 10_000,
      announcedBytes: Number(this.header('content-length')) || 0,
      signal: this.signal,
    });
  }

  /** Aborts when the client has gone. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The answer may be used by any site's page. Call before answering. */
  allowAnyOrigin(): void {
    this.#fixedHeaders = ANY_ORIGIN_HEADERS;
  }

  /**
   * The body as text, once it is there.
   * @param mediaType what it has to be, e.g. `application/sdp`
   * @throws LivedubError LIVEDUB_E_MEDIA_TYPE, LIVEDUB_E_BODY_TOO_LARGE, LIVEDUB_E_BODY_TIMEOUT, LIVEDUB_E_BAD_REQUEST (not UTF-8)
   */
  async textBody(mediaType: string): Promise<string> {
    const sent = this.header('content-type').split(';')[0]!.trim().toLowerCase();
    if (sent !== mediaType) {
      throw new LivedubError('LIVEDUB_E_MEDIA_TYPE', `This address takes ${mediaType}.`);
    }
    if (this.#body instanceof BodyStream) {
      throw new LivedubError('LIVEDUB_E_INTERNAL', 'The body of this address is a stream.');
    }
    const bytes = await this.#body.read();
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (error) {
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'The body is not UTF-8.', { cause: error });
    }
  }

  /**
   * The body, read as JSON and checked.
   * @throws LivedubError as textBody, and LIVEDUB_E_BAD_REQUEST naming the field
   */
  async jsonBody<T>(schema: z.ZodType<T>): Promise<T> {
    const text = await this.textBody('application/json');
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'The body is not JSON.', { cause: error });
    }
    return check(schema, value, 'body');
  }

  /** The body as it comes; of a route with `streamBody`. @throws in the iteration: as BodyStream */
  bodyStream(): AsyncIterable<Uint8Array> {
    if (this.#body instanceof BodyStream) return this.#body;
    throw new LivedubError('LIVEDUB_E_INTERNAL', 'The body of this address is collected.');
  }

  json(value: unknown, status = 200, headers: readonly Header[] = []): void {
    this.text(
      JSON.stringify(value),
      'application/json; charset=utf-8',
      [['cache-control', 'no-store'], ...headers],
      status,
    );
  }

  /** Answers with an error's code, message and remedy. */
  fail(thrown: unknown, headers: readonly Header[] = []): void {
    const problem = problemOf(thrown);
    const status = statusOf(problem.code);
    this.json(problem, status, [...headersOf(thrown, status), ...headers]);
  }

  text(body: string, type: string, headers: readonly Header[] = [], status = 200): void {
    this.#begin(status, [['content-type', type], ...headers], (res) => {
      if (this.method === 'HEAD') res.endWithoutBody(Buffer.byteLength(body));
      // The rest of a body that came too slowly is not waited for.
      else res.end(body, status === 408);
    });
  }

  /** Answers without a body. @param reportedBytes Content-Length of the body that is left out */
  empty(status: number, headers: readonly Header[], reportedBytes?: number): void {
    this.#begin(status, headers, (res) => {
      // An undefined length would be sent as a number, and the answer never end.
      if (reportedBytes === undefined) res.endWithoutBody();
      else res.endWithoutBody(reportedBytes);
    });
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
    res.cork(() => this.#writeHead(status, headers));
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
    if (this.#body instanceof BodyStream) this.#body.discard();
    this.#res.cork(() => {
      this.#writeHead(status, headers);
      finish(this.#res);
    });
  }

  #writeHead(status: number, headers: readonly Header[]): void {
    const res = this.#res;
    res.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`);
    for (const [name, value] of SECURITY_HEADERS) res.writeHeader(name, value);
    for (const [name, value] of this.#fixedHeaders) res.writeHeader(name, value);
    for (const [name, value] of headers) res.writeHeader(name, value);
  }
}
