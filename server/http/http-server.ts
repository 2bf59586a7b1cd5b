import uWS, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
} from 'uWebSockets.js';
import { createServer } from 'node:net';
import { LivedubError } from '../../pipeline/errors.ts';
import { Exchange } from './exchange.ts';
import { OriginGuard } from './origin-guard.ts';
import { optionsHeaders } from './response-headers.ts';
import type { Method, Route } from './route.ts';
import { SocketEdge } from './socket-edge.ts';
import type { SocketRoute } from './socket-route.ts';

export interface HttpServerOptions {
  routes: readonly Route[];
  /** Default none. */
  sockets?: readonly SocketRoute[];
  /** Default 127.0.0.1. */
  host?: string;
  /** 0 takes a free one. Default 8080. */
  port?: number;
}

const DEFAULT_MAX_BODY_BYTES = 64 * 1024;

/** uWebSockets.js's name of each HTTP method. */
const APP_METHODS = {
  GET: 'get',
  HEAD: 'head',
  POST: 'post',
  PUT: 'put',
  PATCH: 'patch',
  DELETE: 'del',
  OPTIONS: 'options',
} as const;

/** True when uWebSockets.js found its native part for this Node; without it, it runs a much slower stand-in. */
export function isNativeHttp(): boolean {
  return Function.prototype.toString.call(uWS.App).includes('[native code]');
}

/** The listening edge: REST, WebSockets and the pages' files on one port. */
export class HttpServer {
  readonly port: number;
  readonly #socket: us_listen_socket;
  readonly #sockets: SocketEdge;
  #closed = false;

  private constructor(socket: us_listen_socket, sockets: SocketEdge) {
    this.#socket = socket;
    this.#sockets = sockets;
    this.port = uWS.us_socket_local_port(socket);
  }

  /** @throws LivedubError LIVEDUB_E_PORT_IN_USE, LIVEDUB_E_BAD_REQUEST for an address this machine has not */
  static async listen(options: HttpServerOptions): Promise<HttpServer> {
    const { routes, sockets = [], host = '127.0.0.1', port = 8080 } = options;
    await checkPort(host, port);
    const guard = new OriginGuard({ listenHost: host });
    const app = uWS.App();
    for (const [pattern, methods] of byPattern(routes)) serve(app, pattern, methods, guard);
    app.any('/*', (res, req) => {
      const exchange = new Exchange(res, req);
      exchange.fail(
        new LivedubError('LIVEDUB_E_NOT_FOUND', `There is no ${exchange.method} at this address.`),
      );
    });
    const edge = new SocketEdge({ app, routes: sockets, guard });
    return await new Promise<HttpServer>((resolve, reject) => {
      listenAlone(app, host, port, (socket) => {
        if (socket) resolve(new HttpServer(socket, edge));
        else reject(new LivedubError('LIVEDUB_E_PORT_IN_USE', `Port ${port} on ${host} is taken.`));
      });
    });
  }

  /** Takes no more connections and ends the WebSockets; idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    uWS.us_listen_socket_close(this.#socket);
    this.#sockets.close();
  }
}

function byPattern(routes: readonly Route[]): Map<string, Map<Method, Route>> {
  const patterns = new Map<string, Map<Method, Route>>();
  for (const route of routes) {
    const methods = patterns.get(route.pattern) ?? new Map<Method, Route>();
    methods.set(route.method, route);
    patterns.set(route.pattern, methods);
  }
  return patterns;
}

/** Answers every method of an address: those that have a route, OPTIONS, and the others with 405. */
function serve(
  app: TemplatedApp,
  pattern: string,
  routes: ReadonlyMap<Method, Route>,
  guard: OriginGuard,
): void {
  const allowed = ['OPTIONS', ...methodNames(routes.values())];
  const shared = [...routes.values()].filter((route) => route.origins === 'any');
  const acceptPost = routes.get('post')?.acceptPost;
  for (const [name, appMethod] of Object.entries(APP_METHODS)) {
    const route = routes.get((name === 'HEAD' ? 'get' : name.toLowerCase()) as Method);
    // Below a wildcard there may be nothing at all: not found, as for any other address.
    if (!route && pattern.endsWith('*')) continue;
    const origins = route ? (route.origins ?? 'own') : shared.length > 0 ? 'any' : 'own';
    const isSafe = name === 'GET' || name === 'HEAD' || name === 'OPTIONS';
    const maxBodyBytes = route && !isSafe ? (route.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES) : 0;
    app[appMethod](pattern, (res: HttpResponse, req: HttpRequest) => {
      const exchange = new Exchange(res, req, {
        pattern,
        origins,
        maxBodyBytes,
        bodyTimeoutMs: route?.bodyTimeoutMs,
        streamBody: isSafe ? false : route?.streamBody,
      });
      void answer(exchange, async () => {
        if (isSafe || origins === 'any') guard.checkHost(exchange.header('host'));
        else guard.checkOrigin(exchange.header('origin'), exchange.header('host'));
        if (route) return await route.handle(exchange);
        if (name === 'OPTIONS') {
          return exchange.empty(200, optionsHeaders({ allowed, shared: methodNames(shared), acceptPost }), 0);
        }
        const error = new LivedubError('LIVEDUB_E_METHOD_NOT_ALLOWED', `This address has no ${name}.`);
        exchange.fail(error, [['allow', allowed.join(', ')]]);
      });
    });
  }
}

function methodNames(routes: Iterable<Route>): string[] {
  return [...routes].flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
}

async function answer(exchange: Exchange, handle: () => Promise<void>): Promise<void> {
  try {
    await handle();
  } catch (error) {
    exchange.fail(error);
  }
}

/** Without the option, two servers could share a port. The package's types know neither it nor this overload. */
function listenAlone(
  app: TemplatedApp,
  host: string,
  port: number,
  callback: (socket: us_listen_socket | false) => void,
): void {
  const { LIBUS_LISTEN_EXCLUSIVE_PORT = 1 } = uWS as { LIBUS_LISTEN_EXCLUSIVE_PORT?: number };
  (app.listen as (...args: unknown[]) => void).call(app, host, port, LIBUS_LISTEN_EXCLUSIVE_PORT, callback);
}

/** uWebSockets.js says only that it could not listen; Node says why. */
async function checkPort(host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        reject(
          new LivedubError('LIVEDUB_E_PORT_IN_USE', `Port ${port} on ${host} is taken.`, { cause: error }),
        );
      } else if (error.code === 'EACCES') {
        reject(
          new LivedubError('LIVEDUB_E_PORT_IN_USE', `This user may not listen on port ${port}.`, {
            cause: error,
          }),
        );
      } else {
        reject(
          new LivedubError('LIVEDUB_E_BAD_REQUEST', `Cannot listen on ${host}: ${error.message}`, {
            cause: error,
            remedy: 'Set LIVEDUB_HOST to an address of this machine, e.g. 127.0.0.1.',
          }),
        );
      }
    });
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}
