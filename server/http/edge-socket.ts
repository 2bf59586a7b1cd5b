import type { WebSocket } from 'uWebSockets.js';

/** What is needed of a connection. */
export type RawSocket = Pick<WebSocket<unknown>, 'send' | 'getBufferedAmount' | 'end' | 'close'>;

/** A WebSocket as the server's parts see it: JSON out, bounded whatever the other side does. */
export interface EdgeSocket<Message = unknown> {
  /** Sends what must not be left out. */
  send(message: Message): void;
  /** Sends what may be left out when the other side is slow: of those that wait, the oldest goes first. */
  sendDroppable(message: Message): void;
  /** Sends what makes an earlier message of the same key pointless: when that one still waits, it is replaced. */
  sendLatest(key: string, message: Message): void;
  /** Ends the connection after what was sent so far; idempotent. */
  close(code?: number, reason?: string): void;
  /** Aborts when the connection has ended. */
  readonly signal: AbortSignal;
}

export interface BoundedSocketOptions {
  raw: RawSocket;
  /** Bytes that may wait in the connection before messages wait here. Default 64 KiB. */
  maxBufferedBytes?: number;
  /** Droppable messages that may wait. Default 64. */
  maxDroppable?: number;
  /** Bytes of other messages that may wait; more ends the connection. Default 1 MiB. */
  maxWaitingBytes?: number;
  /** A connection in which something waits for so long is ended, ms. Default 10 000. */
  maxStallMs?: number;
}

interface Waiting {
  readonly text: string;
  readonly droppable: boolean;
  readonly key?: string;
}

/**
 * Keeps a slow client from taking memory. What must arrive waits, up to a limit; captions and the like are dropped, newest
 * kept; states are replaced by later ones. Order is kept among what is sent.
 */
export class BoundedSocket<Message> implements EdgeSocket<Message> {
  readonly #raw: RawSocket;
  readonly #options: Required<Omit<BoundedSocketOptions, 'raw'>>;
  readonly #controller = new AbortController();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #droppable = 0;
  #dropped = 0;
  #stalled: NodeJS.Timeout | undefined;

  constructor(options: BoundedSocketOptions) {
    const { raw, ...rest } = options;
    this.#raw = raw;
    this.#options = {
      maxBufferedBytes: 64 * 1024,
      maxDroppable: 64,
      maxWaitingBytes: 1024 * 1024,
      maxStallMs: 10_000,
      ...rest,
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Messages that this client did not get because it was slow. */
  get dropped(): number {
    return this.#dropped;
  }

  send(message: Message): void {
    this.#put({ text: JSON.stringify(message), droppable: false });
  }

  sendDroppable(message: Message): void {
    this.#put({ text: JSON.stringify(message), droppable: true });
  }

  sendLatest(key: string, message: Message): void {
    const before = this.#waiting.findIndex((one) => one.key === key);
    if (before >= 0) this.#forget(before);
    this.#put({ text: JSON.stringify(message), droppable: false, key });
  }

  close(code = 1000, reason = ''): void {
    if (this.signal.aborted) return;
    this.#raw.end(code, reason);
  }

  /** The connection has room again. */
  drained(): void {
    this.#flush();
  }

  /** The connection has ended. */
  ended(): void {
    clearTimeout(this.#stalled);
    this.#waiting = [];
    this.#controller.abort();
  }

  #put(item: Waiting): void {
    if (this.signal.aborted) return;
    this.#waiting.push(item);
    if (item.droppable) this.#droppable += 1;
    else this.#waitingBytes += Buffer.byteLength(item.text);
    this.#flush();
    if (this.#droppable > this.#options.maxDroppable) {
      this.#forget(this.#waiting.findIndex((one) => one.droppable));
      this.#dropped += 1;
    }
    // Waiting for a client that does not read even this much is no use.
    if (this.#waitingBytes > this.#options.maxWaitingBytes) this.#raw.close();
  }

  #forget(index: number): void {
    const [item] = this.#waiting.splice(index, 1);
    if (item) this.#discount(item);
  }

  #discount(item: Waiting): void {
    if (item.droppable) this.#droppable -= 1;
    else this.#waitingBytes -= Buffer.byteLength(item.text);
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#raw.getBufferedAmount() <= this.#options.maxBufferedBytes) {
      const item = this.#waiting.shift()!;
      this.#discount(item);
      this.#raw.send(item.text);
      if (this.signal.aborted) return;
    }
    if (this.#waiting.length === 0) {
      clearTimeout(this.#stalled);
      this.#stalled = undefined;
    } else {
      this.#stalled ??= setTimeout(() => this.#raw.close(), this.#options.maxStallMs);
    }
  }
}
