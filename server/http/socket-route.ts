import type { EdgeSocket } from './edge-socket.ts';
import type { RequestHead } from './request-head.ts';
import type { Origins } from './route.ts';

/** What is done with a WebSocket's messages and its end. */
export interface SocketOwner {
  /** One text message, not yet checked. Throwing ends the socket with code 1008 (LIVEDUB_E_BAD_REQUEST) or 1011. */
  onMessage?(text: string): void;
  /** Called once, for whatever reason the socket ended. */
  onClose(): void;
}

/** One address at which WebSockets are opened. */
export interface SocketRoute {
  readonly pattern: string;
  /** Default `own`. */
  readonly origins?: Origins;
  /** Largest message taken, bytes; a larger one ends the socket. Default 1 KiB. */
  readonly maxPayloadBytes?: number;
  /** Says who may open one; by throwing, as in a route, who may not. Default: whom the origin rules let through. */
  readonly authorise?: (request: RequestHead) => Promise<void>;
  /** Called when the socket is open; may send at once. */
  readonly open: (socket: EdgeSocket, request: RequestHead) => SocketOwner;
}
