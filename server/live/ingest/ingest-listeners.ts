import { toLivedubError } from '../../../pipeline/errors.ts';
import type { SfuRouter } from '../../../sfu/router.ts';
import type { IngestConnection, Listener, ListenerOptions } from './ingest-connection.ts';
import { RtmpListener } from './rtmp-listener.ts';
import { SrtListener } from './srt-listener.ts';
import { ToolIngest } from './tool-ingest.ts';

export interface IngestListenersOptions {
  /** The router on which a publisher's tracks are made; asked for anew for each publisher. */
  readonly router: () => SfuRouter | Promise<SfuRouter>;
  /** IPv4 address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Host in the addresses that people are shown. Default: `host`. */
  readonly announcedHost?: string;
  /** UDP port. Default 0: any that is free. */
  readonly srtPort?: number;
  /** TCP port. Default 0: any that is free. */
  readonly rtmpPort?: number;
  /** SRT pass phrase and RTMP stream key: 10 to 64 of A-Z, a-z, 0-9, - and _. */
  readonly streamKey: string;
  /** Which sound is clean speech, counted from 0; undefined: none. Asked for anew for each publisher. Default: none. */
  readonly speechTrack?: () => number | undefined;
  /** A publisher's tracks are there: take them and call `start()`, or `close()` to turn the publisher away. */
  readonly onIngest: (ingest: ToolIngest) => void;
  /** Something the operator should know, in words that hold no key. Default: nothing. */
  readonly onNotice?: (message: string) => void;
}

/** The SRT and RTMP listeners of one channel. They stay when a publisher goes, and wait for the next one. */
export class IngestListeners {
  /** Address for encoders, pass phrase included. */
  readonly srtUrl: string;
  /** Address for encoders, stream key included. */
  readonly rtmpUrl: string;
  /** Server address as OBS asks for it, beside the stream key. */
  readonly rtmpServer: string;
  readonly #listeners: readonly Listener[];
  readonly #stop: AbortController;

  private constructor(
    listeners: readonly [Listener, Listener],
    stop: AbortController,
    options: IngestListenersOptions,
  ) {
    const host = options.announcedHost ?? options.host ?? '127.0.0.1';
    this.#listeners = listeners;
    this.#stop = stop;
    this.srtUrl = `srt://${host}:${listeners[0].port}?passphrase=${options.streamKey}`;
    this.rtmpServer = `rtmp://${host}:${listeners[1].port}/live`;
    this.rtmpUrl = `${this.rtmpServer}/${options.streamKey}`;
  }

  /** @throws LivedubError LIVEDUB_E_PORT_IN_USE, LIVEDUB_E_DEPENDENCY_MISSING */
  static async start(options: IngestListenersOptions): Promise<IngestListeners> {
    const stop = new AbortController();
    const onNotice = options.onNotice ?? (() => {});
    const common: Omit<ListenerOptions, 'port'> = {
      host: options.host ?? '127.0.0.1',
      streamKey: options.streamKey,
      onNotice,
      onConnection: (connection) => void take(connection, options, stop.signal, onNotice),
    };
    const srt = await SrtListener.start({ ...common, port: options.srtPort ?? 0 });
    try {
      const rtmp = await RtmpListener.start({ ...common, port: options.rtmpPort ?? 0 });
      return new IngestListeners([srt, rtmp], stop, options);
    } catch (error) {
      await srt.close();
      throw error;
    }
  }

  /** Stops listening and ends who publishes here. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }
}

async function take(
  connection: IngestConnection,
  options: IngestListenersOptions,
  signal: AbortSignal,
  onNotice: (message: string) => void,
): Promise<void> {
  const { protocol, format, bytes } = connection;
  try {
    const speechTrack = options.speechTrack?.();
    const ingest = await ToolIngest.open({
      router: await options.router(),
      input: { kind: 'stream', format, bytes },
      protocol,
      signal,
      onNotice,
      ...(speechTrack === undefined ? {} : { speechTrack }),
    });
    options.onIngest(ingest);
  } catch (error) {
    bytes.destroy();
    if (!signal.aborted) onNotice(`${protocol.toUpperCase()}: ${toLivedubError(error).message}`);
  }
}
