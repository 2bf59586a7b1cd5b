import uWS, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
  type WebSocket,
} from 'uWebSockets.js';
import { createServer } from 'node:net';
import { LivedubError } from '../../pipeline/errors.ts';
import { problemOf } from '../problem.ts';
import { EventsHub } from './events-socket.ts';
import { Exchange } from './exchange.ts';
import { OriginGuard } from './origin-guard.ts';
import { type Api, type Method, routesOf } from './routes.ts';

export interface HttpServerOptions {
  api: Api;
  /** Default 127.0.0.1. */
  host?: string;
  /** 0 takes a free one. Default 8080. */
  port?: number;
}

/** True when uWebSockets.js found its native part for this Node; without it, it runs a much slower stand-in. */
export function isNativeHttp(): boolean {
  return Function.prototype.toString.call(uWS.App).includes('[native code]');
}

/** The listening edge: REST, WebSocket and the page's files on one port. */
export class HttpServer {
  readonly port: number;
  readonly #socket: us_listen_socket;
  readonly #sockets = new Set<WebSocket<unknown>>();
  readonly #stopListening: () => void;
  #closed = false;

  private constructor(socket: us_listen_socket, stopListening: () => void, sockets: Set<WebSocket<unknown>>) {
    this.#socket = socket;
    this.#stopListening = stopListening;
    this.#sockets = sockets;
    this.port = uWS.us_socket_local_port(socket);
  }

  /** @throws LivedubError LIVEDUB_E_PORT_IN_USE, LIVEDUB_E_BAD_REQUEST for an address this machine has not */
  static async listen(options: HttpServerOptions): Promise<HttpServer> {
    const { api, host = '127.0.0.1', port = 8080 } = options;
    await checkPort(host, port);
    const guard = new OriginGuard({ listenHost: host });
    const app = uWS.App();

    for (const route of routesOf(api)) {
      const handle = (res: HttpResponse, req: HttpRequest) => {
        const exchange = new Exchange(res, req, route.params);
        void answer(exchange, async () => {
          if (route.method === 'get') guard.checkHost(exchange.header('host'));
          else guard.checkOrigin(exchange.header('origin'), exchange.header('host'));
          await route.handle(exchange);
        });
      };
      for (const method of methodsOf(route.method)) app[method](route.pattern, handle);
    }
    app.any('/*', (res, req) => {
      const exchange = new Exchange(res, req);
      exchange.fail(
        new LivedubError('LIVEDUB_E_NOT_FOUND', `There is no ${exchange.method} at this address.`),
      );
    });

    const hub = new EventsHub({ snapshot: () => api.dubs.list() });
    const sockets = new Set<WebSocket<unknown>>();
    app.ws('/v1/events', {
      maxPayloadLength: 1024,
      idleTimeout: 60,
      sendPingsAutomatically: true,
      // The hub holds back at 64 KiB; a first snapshot may be larger.
      maxBackpressure: 4 * 1024 * 1024,
      upgrade: (res, req, context) => {
        try {
          guard.checkOrigin(req.getHeader('origin'), req.getHeader('host'));
        } catch (error) {
          res.writeStatus('403 Forbidden').end(JSON.stringify(problemOf(error)));
          return;
        }
        res.upgrade(
          {},
          req.getHeader('sec-websocket-key'),
          req.getHeader('sec-websocket-protocol'),
          req.getHeader('sec-websocket-extensions'),
          context,
        );
      },
      open: (ws) => {
        sockets.add(ws);
        hub.add(ws);
      },
      drain: (ws) => hub.drained(ws),
      close: (ws) => {
        sockets.delete(ws);
        hub.remove(ws);
      },
    });
    const stopListening = api.dubs.onChange((dub) => hub.publish(dub));

    return await new Promise<HttpServer>((resolve, reject) => {
      listenAlone(app, host, port, (socket) => {
        if (socket) return resolve(new HttpServer(socket, stopListening, sockets));
        stopListening();
        reject(new LivedubError('LIVEDUB_E_PORT_IN_USE', `Port ${port} on ${host} is taken.`));
      });
    });
  }

  /** Takes no more connections and ends the WebSockets; idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    uWS.us_listen_socket_close(this.#socket);
    for (const ws of [...this.#sockets]) ws.end(1001, 'server stops');
  }
}

function methodsOf(method: Method): readonly ('get' | 'head' | 'del')[] {
  return method === 'get' ? ['get', 'head'] : ['del'];
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
