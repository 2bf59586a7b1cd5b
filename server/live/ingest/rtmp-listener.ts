import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { LivedubError } from '../../../pipeline/errors.ts';
import { startTool } from '../../../pipeline/media/tool-process.ts';
import type { Listener, ListenerOptions } from './ingest-connection.ts';

/** From the first byte to the stream's name, ms. */
const HANDSHAKE_MS = 10_000;
/** Connections that have not shown a key yet. */
const MOST_PENDING = 4;
const BACKEND_START_MS = 5000;

/**
 * Listens for RTMP publishers. The port is ours, so that it is there all the time and slow or silent connections end by
 * the clock; behind it each connection gets an FFmpeg of its own on loopback, which speaks RTMP and hands over the FLV as
 * it is. FFmpeg accepts any stream name and only tells of one it does not expect: it is started with a random one, and
 * the name it tells of is compared with the key before anything is passed on, so that its arguments hold no key.
 */
export class RtmpListener implements Listener {
  readonly port: number;
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #stop = new AbortController();
  readonly #sessions = new Set<Promise<void>>();
  #pending = 0;
  #current: AbortController | undefined;

  private constructor(server: Server, options: ListenerOptions) {
    this.#server = server;
    this.#options = options;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      if (this.#pending >= MOST_PENDING || this.#stop.signal.aborted) {
        socket.destroy();
        return;
      }
      const session = this.#serve(socket);
      this.#sessions.add(session);
      session.finally(() => this.#sessions.delete(session));
    });
  }

  /** @throws LivedubError LIVEDUB_E_PORT_IN_USE */
  static async start(options: ListenerOptions): Promise<RtmpListener> {
    const server = createServer({ noDelay: true });
    server.listen({ host: options.host, port: options.port, exclusive: true });
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new LivedubError('LIVEDUB_E_PORT_IN_USE', `TCP port ${options.port} is taken.`, { cause });
    }
    return new RtmpListener(server, options);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#server.close();
    await Promise.all(this.#sessions);
  }

  /** Never rejects. */
  async #serve(socket: Socket): Promise<void> {
    const end = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, end.signal]);
    socket.on('error', () => {});
    socket.once('close', () => setTimeout(() => end.abort(), 500).unref());
    const onAbort = () => socket.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#pending += 1;
    let isPending = true;
    const settle = () => {
      if (isPending) this.#pending -= 1;
      isPending = false;
    };
    const timer = setTimeout(() => {
      if (!isPending) return;
      this.#options.onNotice('RTMP: a connection that did not publish was closed.');
      end.abort();
    }, HANDSHAKE_MS);
    try {
      await this.#talk(socket, signal, end, settle);
    } catch (error) {
      if (!signal.aborted) this.#options.onNotice(`RTMP: ${(error as Error).message}`);
    } finally {
      clearTimeout(timer);
      settle();
      end.abort();
      socket.destroy();
      if (this.#current === end) this.#current = undefined;
    }
  }

  async #talk(socket: Socket, signal: AbortSignal, end: AbortController, settle: () => void): Promise<void> {
    const port = await freePort();
    const expected = randomBytes(12).toString('hex');
    let said = '';
    let isKnown = false;
    const tool = startTool({
      tool: 'ffmpeg',
      args: [
        ...['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'repeat+warning'],
        ...['-protocol_whitelist', 'rtmp,tcp', '-f', 'data', '-listen', '1'],
        ...['-i', `rtmp://127.0.0.1:${port}/live/${expected}`, '-map', '0', '-c', 'copy'],
        ...['-flush_packets', '1', '-f', 'data', 'pipe:1'],
      ],
      signal,
      output: true,
      memoryBytes: 2 ** 30,
      niceness: 0,
      onStderr: (text) => {
        if (isKnown) return;
        said = (said + text).slice(-4096);
        const name = new RegExp(`Unexpected stream (.*), expecting ${expected}\n`, 'u').exec(said)?.[1];
        if (name === undefined) return;
        isKnown = true;
        said = '';
        settle();
        if (sameKey(name, this.#options.streamKey)) this.#accept(tool.stdout!, end);
        else {
          this.#options.onNotice('RTMP: a publisher with the wrong stream key was turned away.');
          end.abort();
        }
      },
    });
    const backend = await connectSoon(port, signal, tool.exit);
    backend.on('error', () => {});
    socket.pipe(backend);
    backend.pipe(socket);
    signal.addEventListener('abort', () => backend.destroy(), { once: true });
    await tool.exit;
    if (!isKnown && !signal.aborted) {
      this.#options.onNotice('RTMP: a connection that does not speak RTMP was closed.');
    }
  }

  /** Who has the key takes over: an encoder that reconnects must not wait until its lost connection is noticed. */
  #accept(bytes: Readable, end: AbortController): void {
    this.#current?.abort();
    this.#current = end;
    bytes.once('close', () => end.abort());
    this.#options.onConnection({ protocol: 'rtmp', format: 'flv', bytes });
  }
}

function sameKey(name: string, key: string): boolean {
  // Some encoders put parameters behind the key.
  const given = Buffer.from(name.split('?')[0]!);
  const wanted = Buffer.from(key);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Connects as soon as somebody listens. */
async function connectSoon(port: number, signal: AbortSignal, exit: Promise<unknown>): Promise<Socket> {
  const untilMs = performance.now() + BACKEND_START_MS;
  let gone = false;
  exit.then(
    () => {
      gone = true;
    },
    () => {
      gone = true;
    },
  );
  while (!gone && performance.now() < untilMs) {
    signal.throwIfAborted();
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch {
      socket.destroy();
      await sleep(20);
    }
  }
  throw new LivedubError('LIVEDUB_E_DEPENDENCY_MISSING', 'FFmpeg does not listen for RTMP.');
}
