import { LiveProblem, problemOfResponse } from './problem.ts';

export interface RestClientOptions {
  /** Address of the server. Default: where the page came from. */
  readonly baseUrl?: string;
  /** Bearer token. Default none. */
  readonly token?: string | undefined;
}

/** JSON over HTTP to a livedub server. */
export class RestClient {
  readonly baseUrl: string;
  token: string | undefined;

  constructor(options: RestClientOptions = {}) {
    this.baseUrl = options.baseUrl ?? location.origin;
    this.token = options.token;
  }

  /** Absolute address of a path or address of the server. */
  address(path: string): URL {
    return new URL(path, this.baseUrl);
  }

  /** Absolute address of a WebSocket, with the token, as a browser can send no header with it. */
  socketAddress(path: string): URL {
    const address = this.address(path);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    if (this.token) address.searchParams.set('token', this.token);
    return address;
  }

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.send<T>('GET', path, undefined, signal);
  }

  /**
   * @returns the JSON of the answer, undefined when it has no body
   * @throws LiveProblem what the server says, or `LIVEDUB_E_UNREACHABLE`
   */
  async send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const headers = new Headers({ accept: 'application/json' });
    if (this.token) headers.set('authorization', `Bearer ${this.token}`);
    if (body !== undefined) headers.set('content-type', 'application/json');
    const init: RequestInit = { method, headers, cache: 'no-store', credentials: 'omit' };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (signal) init.signal = signal;
    const response = await fetch(this.address(path), init).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      throw new LiveProblem({
        code: 'LIVEDUB_E_UNREACHABLE',
        message: 'The server does not answer.',
        remedy: 'Check the connection; this page tries again.',
      });
    });
    if (!response.ok) throw await problemOfResponse(response);
    const text = await response.text();
    return (text ? JSON.parse(text) : undefined) as T;
  }
}
