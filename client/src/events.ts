import type { DubView, ServerEvent } from '../../server/contract.ts';

export interface LiveDubsOptions {
  onDubs: (dubs: readonly DubView[]) => void;
  onConnection: (connected: boolean) => void;
}

/** Follows the dubs of the server; reconnects with growing waits. */
export class LiveDubs {
  readonly #options: LiveDubsOptions;
  readonly #dubs = new Map<string, DubView>();
  #socket: WebSocket | undefined;
  #timer = 0;
  #waitMs = 500;
  #closed = false;

  constructor(options: LiveDubsOptions) {
    this.#options = options;
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #connect(): void {
    const address = new URL('/v1/events', location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => {
      this.#waitMs = 500;
      this.#options.onConnection(true);
    };
    socket.onmessage = (message) => {
      // Same origin, same version: the server checked what it sends.
      const event = JSON.parse(String(message.data)) as ServerEvent;
      if (event.kind === 'dubs') {
        this.#dubs.clear();
        for (const dub of event.dubs) this.#dubs.set(dub.id, dub);
      } else this.#dubs.set(event.dub.id, event.dub);
      this.#options.onDubs([...this.#dubs.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt)));
    };
    socket.onclose = () => {
      if (this.#closed) return;
      this.#options.onConnection(false);
      this.#timer = setTimeout(() => this.#connect(), this.#waitMs);
      this.#waitMs = Math.min(this.#waitMs * 2, 10_000);
    };
  }
}
