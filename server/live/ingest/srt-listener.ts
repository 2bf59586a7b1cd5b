import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { LivedubError, toLivedubError } from '../../../pipeline/errors.ts';
import { startTool } from '../../../pipeline/media/tool-process.ts';
import type { Listener, ListenerOptions } from './ingest-connection.ts';

/** What SRT may take to get lost packets again, µs. */
const LATENCY_US = 200_000;
/** The peer is gone when nothing came for so long, µs. */
const TIMEOUT_US = 6_000_000;
const RESTART_MS = 100;
const MAX_RESTART_MS = 5000;
const START_TIMEOUT_MS = 5000;

/**
 * Listens for one SRT publisher after the other. FFmpeg speaks SRT with AES and hands over the bytes as they are;
 * whoever does not know the pass phrase is turned away by the handshake itself. FFmpeg takes one connection and ends with
 * it, so it is started again each time; a second publisher is not answered while one is there.
 */
export class SrtListener implements Listener {
  readonly port: number;
  readonly #options: ListenerOptions;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  private constructor(port: number, options: ListenerOptions) {
    this.port = port;
    this.#options = options;
    this.#done = this.#run();
  }

  /** @throws LivedubError LIVEDUB_E_PORT_IN_USE, LIVEDUB_E_DEPENDENCY_MISSING */
  static async start(options: ListenerOptions): Promise<SrtListener> {
    const port = await bindOnce(options.host, options.port);
    if (port === undefined) {
      throw new LivedubError('LIVEDUB_E_PORT_IN_USE', `UDP port ${options.port} is taken.`);
    }
    const listener = new SrtListener(port, options);
    const giveUp = AbortSignal.any([listener.#stop.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
    // FFmpeg does not say when it listens; its port does.
    while (!giveUp.aborted && (await bindOnce(options.host, port)) !== undefined) await sleep(20);
    if (!giveUp.aborted) return listener;
    await listener.close();
    throw new LivedubError('LIVEDUB_E_DEPENDENCY_MISSING', 'FFmpeg does not listen for SRT.', {
      remedy: 'Install an FFmpeg with libsrt: `ffmpeg -protocols` must name srt.',
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let delayMs = RESTART_MS;
    while (!signal.aborted) {
      try {
        const connected = await this.#serveOne(signal);
        delayMs = connected ? RESTART_MS : Math.min(MAX_RESTART_MS, delayMs * 2);
      } catch (error) {
        if (!signal.aborted) this.#options.onNotice(`SRT: ${toLivedubError(error).message}`);
        delayMs = MAX_RESTART_MS;
      }
      await sleep(delayMs, undefined, { signal }).catch(() => {});
    }
  }

  /** @returns whether somebody was connected */
  async #serveOne(signal: AbortSignal): Promise<boolean> {
    const { host, streamKey, onConnection, onNotice } = this.#options;
    const address = `srt://${host}:${this.port}?mode=listener&passphrase=${streamKey}&pbkeylen=16&latency=${LATENCY_US}&timeout=${TIMEOUT_US}`;
    let rejectedMs = Number.NEGATIVE_INFINITY;
    const tool = startTool({
      tool: 'ffmpeg',
      args: [
        ...['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'error', '-protocol_whitelist', 'srt'],
        ...['-f', 'data', '-i', address, '-map', '0', '-c', 'copy', '-flush_packets', '1'],
        ...['-f', 'data', 'pipe:1'],
      ],
      signal,
      output: true,
      memoryBytes: 2 ** 30,
      niceness: 0,
      onStderr: (text) => {
        // A publisher with the wrong phrase tries again and again.
        if (!/BADSECRET|Incorrect passphrase/u.test(text) || performance.now() - rejectedMs < 10_000) return;
        rejectedMs = performance.now();
        onNotice('SRT: a publisher with the wrong pass phrase was turned away.');
      },
    });
    const bytes = tool.stdout!;
    bytes.once('close', () => tool.kill());
    let connected = false;
    bytes.once('readable', () => {
      if (bytes.readableLength === 0 || signal.aborted) return;
      connected = true;
      onConnection({ protocol: 'srt', format: 'mpegts', bytes });
    });
    await tool.exit;
    return connected;
  }
}

/** Takes a UDP port for a moment. @returns its number, undefined when it is taken */
function bindOnce(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else
        reject(
          new LivedubError('LIVEDUB_E_PORT_IN_USE', `UDP port ${port} cannot be used.`, { cause: error }),
        );
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      const { port: bound } = socket.address();
      socket.close(() => resolve(bound));
    });
  });
}
