import type { WebSocket } from 'uWebSockets.js';
import type { DubView, ServerEvent } from '../contract.ts';

/** What is needed of a socket. */
export type EventsSocket = Pick<WebSocket<unknown>, 'send' | 'getBufferedAmount'>;

export interface EventsHubOptions {
  /** Everything there is, for who has just come. */
  snapshot: () => DubView[];
  /** Bytes that may wait in a client's socket before it gets no more. Default 64 KiB. */
  maxBufferedBytes?: number;
}

/**
 * Tells the page what happens. A slow client keeps, per dub, the latest state only (latest-wins), so that nobody's
 * slowness takes memory.
 */
export class EventsHub {
  readonly #snapshot: () => DubView[];
  readonly #maxBufferedBytes: number;
  readonly #clients = new Map<EventsSocket, Map<string, DubView>>();

  constructor(options: EventsHubOptions) {
    this.#snapshot = options.snapshot;
    this.#maxBufferedBytes = options.maxBufferedBytes ?? 64 * 1024;
  }

  get size(): number {
    return this.#clients.size;
  }

  add(socket: EventsSocket): void {
    this.#clients.set(socket, new Map());
    socket.send(JSON.stringify({ kind: 'dubs', dubs: this.#snapshot() } satisfies ServerEvent));
  }

  remove(socket: EventsSocket): void {
    this.#clients.delete(socket);
  }

  publish(dub: DubView): void {
    for (const [socket, waiting] of this.#clients) {
      // Deleted first, so that the order of the map is the order of the latest change.
      waiting.delete(dub.id);
      waiting.set(dub.id, dub);
      this.#flush(socket, waiting);
    }
  }

  /** The socket has room again. */
  drained(socket: EventsSocket): void {
    const waiting = this.#clients.get(socket);
    if (waiting) this.#flush(socket, waiting);
  }

  #flush(socket: EventsSocket, waiting: Map<string, DubView>): void {
    for (const [id, dub] of waiting) {
      if (socket.getBufferedAmount() > this.#maxBufferedBytes) return;
      waiting.delete(id);
      socket.send(JSON.stringify({ kind: 'dub', dub } satisfies ServerEvent));
    }
  }
}
