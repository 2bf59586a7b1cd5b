import { createSocket } from 'node:dgram';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnLiveWorker, spawnWorker } from '../../cli/spawn-worker.ts';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import type { ClauseLogEntry } from '../../pipeline/ports/clause-log.ts';
import type { NewChannel, OperatorChannel } from '../../server/live/contract.ts';
import { LivedubServer, type LivedubServerOptions } from '../../server/livedub-server.ts';
import { run } from './clips.ts';

/** A whole server with real workers and engines, in a folder of its own. */
export class LiveTestServer {
  readonly server: LivedubServer;
  readonly base: string;
  readonly dataDir: string;
  /** UDP port of WebRTC. */
  readonly mediaPort: number;
  /** What the operator was told. */
  readonly notices: string[];

  private constructor(server: LivedubServer, dataDir: string, mediaPort: number, notices: string[]) {
    this.server = server;
    this.base = `http://127.0.0.1:${server.port}`;
    this.dataDir = dataDir;
    this.mediaPort = mediaPort;
    this.notices = notices;
  }

  static async start(options: Partial<LivedubServerOptions> = {}): Promise<LiveTestServer> {
    const dataDir = await mkdtemp(join(tmpdir(), 'livedub-live-'));
    const mediaPort = await freePort();
    const notices: string[] = [];
    const server = await LivedubServer.start({
      dataDir,
      clientDir: join(repositoryRoot, 'client/dist'),
      version: '0.0.0-test',
      port: 0,
      spawnWorker,
      spawnLiveWorker,
      spareWorker: false,
      webRtc: { listenIp: '127.0.0.1', port: mediaPort },
      onNotice: (line) => notices.push(line),
      ...options,
    });
    return new LiveTestServer(server, dataDir, mediaPort, notices);
  }

  /** A REST call as the desk makes it. */
  async api<Body = unknown>(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Body }> {
    const response = await fetch(`${this.base}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as Body };
  }

  async createChannel(settings: Partial<NewChannel> & { id: string }): Promise<OperatorChannel> {
    const { status, body } = await this.api<OperatorChannel>('POST', '/v1/channels', {
      title: settings.id,
      from: 'en',
      languages: [{ language: 'es' }],
      ...settings,
    });
    if (status !== 201) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return body;
  }

  async channel(id: string): Promise<OperatorChannel> {
    return (await this.api<OperatorChannel>('GET', `/v1/channels/${id}`)).body;
  }

  /** The clause log of a channel's latest programme. */
  async clauseLog(id: string): Promise<ClauseLogEntry[]> {
    const folder = join(this.dataDir, 'channels', id, 'programmes');
    const [latest] = (await readdir(folder).catch(() => [])).sort().reverse();
    if (latest === undefined) return [];
    const lines = (await readFile(join(folder, latest), 'utf8')).split('\n');
    return lines.slice(0, -1).map((line) => JSON.parse(line) as ClauseLogEntry);
  }

  watchUrl(id: string): string {
    return `${this.base.replace('http', 'ws')}/v1/channels/${id}/watch`;
  }

  /** Process id of the SFU's media worker, which is this process's own child. */
  async mediaWorkerPid(): Promise<number> {
    const { stdout } = await run('ps', ['--ppid', String(process.pid), '-o', 'pid=,args=']);
    const line = stdout.split('\n').find((text) => text.includes('mediasoup-worker'));
    return Number.parseInt(line!, 10);
  }

  async close(): Promise<void> {
    await this.server.close();
    await rm(this.dataDir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A port that is free for UDP and TCP on loopback. */
async function freePort(): Promise<number> {
  for (;;) {
    const tcp = createServer();
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as { port: number };
    const udp = createSocket('udp4');
    const isFree = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false));
      udp.bind(port, '127.0.0.1', () => resolve(true));
    });
    udp.close();
    await new Promise((resolve) => tcp.close(resolve));
    if (isFree) return port;
  }
}
