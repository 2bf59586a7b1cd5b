import type { types } from 'mediasoup';

/**
 * `disconnected`: the peer has stopped answering and may come back; `failed`: it never came, or cannot be trusted;
 * `closed`: it said goodbye, or was ended here.
 */
export type ConnectionState = 'new' | 'connected' | 'disconnected' | 'failed' | 'closed';

export interface WebRtcConnectionOptions {
  readonly transport: types.WebRtcTransport;
  /** Default: nothing. */
  readonly onState?: ((state: ConnectionState) => void) | undefined;
  /** A peer that is not connected by then has failed, ms. Default: none. */
  readonly connectTimeoutMs?: number | undefined;
  /** A peer that is `disconnected` for so long has failed, ms. Default: none. */
  readonly returnTimeoutMs?: number | undefined;
}

/** ICE and DTLS of one transport as one state. A transport that failed or whose peer said goodbye is closed. */
export class WebRtcConnection {
  readonly #transport: types.WebRtcTransport;
  readonly #onState: ((state: ConnectionState) => void) | undefined;
  readonly #returnTimeoutMs: number | undefined;
  /** Until the peer must have come, or come back. */
  #timer: NodeJS.Timeout | undefined;
  #state: ConnectionState = 'new';

  constructor(options: WebRtcConnectionOptions) {
    const { transport, connectTimeoutMs } = options;
    this.#transport = transport;
    this.#onState = options.onState;
    this.#returnTimeoutMs = options.returnTimeoutMs;
    transport.observer.on('icestatechange', () => this.#update());
    transport.observer.on('dtlsstatechange', () => this.#update());
    transport.observer.once('close', () => this.#become('closed'));
    this.#failAfter(connectTimeoutMs);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Idempotent. */
  close(): void {
    this.#end('closed');
  }

  #update(): void {
    const { iceState, dtlsState } = this.#transport;
    if (dtlsState === 'failed') this.#end('failed');
    else if (dtlsState === 'closed') this.#end('closed');
    else if (iceState === 'disconnected') this.#become('disconnected');
    else if (dtlsState === 'connected' && (iceState === 'connected' || iceState === 'completed'))
      this.#become('connected');
  }

  #end(state: 'failed' | 'closed'): void {
    this.#become(state);
    this.#transport.close();
  }

  #become(state: ConnectionState): void {
    if (this.#state === state || this.#state === 'failed' || this.#state === 'closed') return;
    const hasBeenThere = this.#state !== 'new';
    this.#state = state;
    if (state !== 'disconnected') clearTimeout(this.#timer);
    else if (hasBeenThere) this.#failAfter(this.#returnTimeoutMs);
    this.#onState?.(state);
  }

  #failAfter(timeoutMs: number | undefined): void {
    if (timeoutMs === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end('failed'), timeoutMs);
    this.#timer.unref();
  }
}
