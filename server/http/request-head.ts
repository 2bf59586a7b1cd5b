import type { HttpRequest, HttpResponse } from 'uWebSockets.js';

/** Headers that something here reads. */
const KEPT_HEADERS = [
  'host',
  'origin',
  'range',
  'if-range',
  'if-none-match',
  'if-match',
  'authorization',
  'content-type',
  'content-length',
  'accept',
  'sec-fetch-site',
  'x-forwarded-for',
  'x-forwarded-proto',
] as const;

export type KeptHeader = (typeof KEPT_HEADERS)[number];

/** What a request says before its body. uWebSockets.js lets it be read only before the first await: copied here. */
export class RequestHead {
  readonly method: string;
  readonly path: string;
  /** The pattern that matched, e.g. `/v1/dubs/:id`. */
  readonly pattern: string;
  /** Address of the other end of the connection; behind a proxy, the proxy's. */
  readonly peerAddress: string;
  readonly #params: ReadonlyMap<string, string>;
  readonly #headers: ReadonlyMap<string, string>;
  readonly #query: URLSearchParams;

  constructor(res: HttpResponse, req: HttpRequest, pattern: string) {
    this.method = req.getMethod().toUpperCase();
    this.path = req.getUrl();
    this.pattern = pattern;
    this.peerAddress = Buffer.from(res.getRemoteAddressAsText()).toString('latin1');
    this.#params = new Map(paramNames(pattern).map((name, index) => [name, req.getParameter(index) ?? '']));
    this.#headers = new Map(KEPT_HEADERS.map((name) => [name, req.getHeader(name)]));
    this.#query = new URLSearchParams(req.getQuery());
  }

  /** Empty when it was not sent. */
  header(name: KeptHeader): string {
    return this.#headers.get(name) ?? '';
  }

  /** What the address has for `:name` of the pattern, as it was sent. */
  param(name: string): string {
    return this.#params.get(name) ?? '';
  }

  /** Decoded; undefined when the address does not have it. */
  query(name: string): string | undefined {
    return this.#query.get(name) ?? undefined;
  }
}

function paramNames(pattern: string): readonly string[] {
  return pattern
    .split('/')
    .filter((part) => part.startsWith(':'))
    .map((part) => part.slice(1));
}
