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
}

/** ICE and DTLS of one transport as one state. A transport that failed or whose peer said goodbye is closed. */
export class WebRtcConnection {
  readonly #transport: types.WebRtcTransport;
  readonly #onState: ((state: ConnectionState) => void) | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #state: ConnectionState = 'new';

  constructor(options: WebRtcConnectionOptions) {
    const { transport, connectTimeoutMs } = options;
    this.#transport = transport;
    this.#onState = options.onState;
    transport.observer.on('icestatechange', () => this.#update());
    transport.observer.on('dtlsstatechange', () => this.#update());
    transport.observer.once('close', () => this.#become('closed'));
    if (connectTimeoutMs !== undefined) {
      this.#timer = setTimeout(() => {
        if (this.#state === 'new') this.#end('failed');
      }, connectTimeoutMs);
      this.#timer.unref();
    }
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
    this.#state = state;
    if (state !== 'disconnected') clearTimeout(this.#timer);
    this.#onState?.(state);
  }
}
