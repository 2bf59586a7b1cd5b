import type { HttpRequest, HttpResponse, TemplatedApp, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import { LivedubError } from '../../pipeline/errors.ts';
import { problemOf } from '../problem.ts';
import { BoundedSocket } from './edge-socket.ts';
import type { OriginGuard } from './origin-guard.ts';
import { headersOf, statusOf } from './problem-status.ts';
import { RequestHead } from './request-head.ts';
import type { SocketOwner, SocketRoute } from './socket-route.ts';

export interface SocketEdgeOptions {
  app: TemplatedApp;
  routes: readonly SocketRoute[];
  guard: OriginGuard;
}

interface Connection {
  readonly request: RequestHead;
  socket?: BoundedSocket<unknown>;
  owner?: SocketOwner;
}

/** Opens, pings and ends WebSockets, and hands them to their routes. */
export class SocketEdge {
  readonly #open = new Set<WebSocket<Connection>>();
  readonly #guard: OriginGuard;
  #closed = false;

  constructor(options: SocketEdgeOptions) {
    this.#guard = options.guard;
    for (const route of options.routes) this.#serve(options.app, route);
  }

  /** Ends all of them; idempotent. */
  close(): void {
    this.#closed = true;
    for (const ws of [...this.#open]) ws.end(1001, 'server stops');
  }

  #serve(app: TemplatedApp, route: SocketRoute): void {
    app.ws<Connection>(route.pattern, {
      maxPayloadLength: route.maxPayloadBytes ?? 1024,
      // A ping goes out in good time; who does not answer it is gone.
      idleTimeout: 32,
      sendPingsAutomatically: true,
      // BoundedSocket holds back at 64 KiB; one message may be larger.
      maxBackpressure: 4 * 1024 * 1024,
      upgrade: (res, req, context) => void this.#upgrade(res, req, context, route),
      open: (ws) => {
        if (this.#closed) return ws.end(1001, 'server stops');
        const connection = ws.getUserData();
        this.#open.add(ws);
        connection.socket = new BoundedSocket({ raw: ws });
        guarded(ws, () => {
          connection.owner = route.open(connection.socket!, connection.request);
        });
      },
      message: (ws, message, isBinary) => {
        const { owner } = ws.getUserData();
        guarded(ws, () => {
          if (isBinary || !owner?.onMessage) {
            throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'This socket takes no such messages.');
          }
          owner.onMessage(Buffer.from(message).toString('utf8'));
        });
      },
      drain: (ws) => ws.getUserData().socket?.drained(),
      close: (ws) => {
        const { socket, owner } = ws.getUserData();
        this.#open.delete(ws);
        socket?.ended();
        owner?.onClose();
      },
    });
  }

  async #upgrade(
    res: HttpResponse,
    req: HttpRequest,
    context: us_socket_context_t,
    route: SocketRoute,
  ): Promise<void> {
    const request = new RequestHead(res, req, route.pattern);
    const key = req.getHeader('sec-websocket-key');
    const protocol = req.getHeader('sec-websocket-protocol');
    const extensions = req.getHeader('sec-websocket-extensions');
    let gone = false;
    res.onAborted(() => {
      gone = true;
    });
    try {
      if (route.origins === 'any') this.#guard.checkHost(request.header('host'));
      else this.#guard.checkOrigin(request.header('origin'), request.header('host'));
      await route.authorise?.(request);
    } catch (error) {
      if (!gone) res.cork(() => refuse(res, error));
      return;
    }
    if (gone) return;
    res.cork(() => res.upgrade<Connection>({ request }, key, protocol, extensions, context));
  }
}

function refuse(res: HttpResponse, error: unknown): void {
  const problem = problemOf(error);
  const status = statusOf(problem.code);
  res.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`);
  res.writeHeader('content-type', 'application/json; charset=utf-8');
  for (const [name, value] of headersOf(error, status)) res.writeHeader(name, value);
  res.end(JSON.stringify(problem));
}

/** A client's mistake ends its socket, nothing else. */
function guarded(ws: WebSocket<Connection>, act: () => void): void {
  try {
    act();
  } catch (error) {
    const { code, message } = problemOf(error);
    const isTheirs = statusOf(code) < 500;
    // A close frame carries 123 bytes of reason at most.
    ws.end(isTheirs ? 1008 : 1011, (isTheirs ? `${code}: ${message}` : code).slice(0, 100));
  }
}
