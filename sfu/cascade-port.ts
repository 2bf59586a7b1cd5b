import type { ChildProcess } from 'node:child_process';
import type { types } from 'mediasoup';

/** Where one end of a cascade can be reached; holds key material, so it travels on trusted channels only. */
export interface CascadeAddress {
  readonly ip: string;
  readonly port: number;
  readonly srtpParameters?: types.SrtpParameters;
}

/** What two ends of a cascade say to each other; plain data, for any channel that keeps order. */
export type CascadeMessage =
  | { readonly type: 'hello'; readonly address: CascadeAddress; readonly isReply: boolean }
  | {
      readonly type: 'pipe';
      readonly request: number;
      readonly producerId: string;
      readonly kind: types.MediaKind;
      readonly rtpParameters: types.RtpParameters;
      readonly isPaused: boolean;
      readonly appData: types.AppData;
    }
  | { readonly type: 'piped'; readonly request: number; readonly farProducerId: string }
  | { readonly type: 'refused'; readonly request: number; readonly reason: string }
  | { readonly type: 'pause' | 'resume' | 'close'; readonly producerId: string }
  /** The far side ended the copy by itself. */
  | { readonly type: 'ended'; readonly producerId: string }
  | { readonly type: 'count'; readonly request: number; readonly producerId: string }
  | { readonly type: 'counted'; readonly request: number; readonly packets: number }
  | { readonly type: 'bye' };

/** The control channel between two ends: process messages, Redis, or memory. Keeps order, loses nothing. */
export interface CascadePort {
  send(message: CascadeMessage): void;
  /** @returns stops listening */
  onMessage(listener: (message: CascadeMessage) => void): () => void;
}

/** Two ends in one process. Messages arrive in a later turn, as they would from outside. */
export function createCascadePortPair(): readonly [CascadePort, CascadePort] {
  const listeners: [Set<(m: CascadeMessage) => void>, Set<(m: CascadeMessage) => void>] = [
    new Set(),
    new Set(),
  ];
  const port = (own: 0 | 1, other: 0 | 1): CascadePort => ({
    send: (message) => {
      setImmediate(() => {
        for (const listener of listeners[other]) listener(message);
      });
    },
    onMessage: (listener) => {
      listeners[own].add(listener);
      return () => listeners[own].delete(listener);
    },
  });
  return [port(0, 1), port(1, 0)];
}

/** The parent's or the child's side of a forked process. */
export type MessagingProcess = ChildProcess | NodeJS.Process;

/** A cascade's control channel over the messages of a forked process; `name` tells several cascades apart. */
export function createProcessCascadePort(process: MessagingProcess, name: string): CascadePort {
  return {
    send: (message) => {
      // A process that is gone took its router with it; its transport here is closed by whoever watches the process.
      if (process.connected) process.send?.({ cascade: name, message }, undefined, undefined, () => {});
    },
    onMessage: (listener) => {
      const onMessage = (received: unknown) => {
        if (isEnvelope(received) && received.cascade === name) listener(received.message);
      };
      process.on('message', onMessage);
      return () => process.off('message', onMessage);
    },
  };
}

function isEnvelope(value: unknown): value is { cascade: string; message: CascadeMessage } {
  return typeof value === 'object' && value !== null && 'cascade' in value && 'message' in value;
}
