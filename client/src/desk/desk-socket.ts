import type { DeskEvent } from '../../../server/live/contract.ts';
import { BackOff, pause } from '../sdk/back-off.ts';
import type { RestClient } from '../sdk/rest-client.ts';

export interface DeskSocketOptions {
  readonly rest: RestClient;
  readonly channelId: string;
  readonly onEvent: (event: DeskEvent) => void;
  readonly onConnection: (connected: boolean) => void;
}

/** What happens on a channel, for its desk; comes back by itself when the connection is lost. */
export class DeskSocket {
  readonly #options: DeskSocketOptions;
  readonly #controller = new AbortController();
  readonly #backOff = new BackOff();
  #socket: WebSocket | undefined;

  constructor(options: DeskSocketOptions) {
    this.#options = options;
    this.#connect();
  }

  close(): void {
    this.#controller.abort();
    this.#socket?.close();
  }

  #connect(): void {
    const { rest, channelId, onEvent, onConnection } = this.#options;
    const { signal } = this.#controller;
    const socket = new WebSocket(rest.socketAddress(`/v1/channels/${channelId}/desk`));
    this.#socket = socket;
    socket.onmessage = (message) => {
      if (signal.aborted) return;
      this.#backOff.reset();
      onConnection(true);
      // Same origin, same version: the server checked what it sends.
      onEvent(JSON.parse(String(message.data)) as DeskEvent);
    };
    socket.onclose = async () => {
      if (signal.aborted) return;
      onConnection(false);
      await pause(this.#backOff.nextMs(), signal);
      if (!signal.aborted) this.#connect();
    };
  }
}
