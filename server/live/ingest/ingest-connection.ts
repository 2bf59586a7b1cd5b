import type { Readable } from 'node:stream';

/** A publisher who has the right key. */
export interface IngestConnection {
  readonly protocol: 'srt' | 'rtmp';
  readonly format: 'mpegts' | 'flv';
  /** What the publisher sends; destroying it ends the connection. */
  readonly bytes: Readable;
}

export interface ListenerOptions {
  /** IPv4 address to listen on. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** 10 to 64 of A-Z, a-z, 0-9, - and _: SRT takes no shorter pass phrase. */
  readonly streamKey: string;
  readonly onConnection: (connection: IngestConnection) => void;
  /** Something the operator should know, in words that hold no key. */
  readonly onNotice: (message: string) => void;
}

export interface Listener {
  readonly port: number;
  /** Stops listening and ends whoever is connected. Idempotent. */
  close(): Promise<void>;
}
