import { join, resolve } from 'node:path';
import { MarkRegistryFile } from '../db/mark-registry-file.ts';
import { findInstalled, supportedPairs } from '../models/registry.ts';
import { ModelStore } from '../models/store/model-store.ts';
import { mediasoupWorkerBin } from '../pipeline/cache-paths.ts';
import type { MarkRegistry } from '../pipeline/ports/mark-registry.ts';
import type { WebRtcListenOptions } from '../sfu/webrtc-server.ts';
import { SfuWorkerPool } from '../sfu/worker-pool.ts';
import type { DubView, HealthView } from './contract.ts';
import { dubEvents, dubRoutes } from './http/dub-routes.ts';
import { HttpServer } from './http/http-server.ts';
import { StaticFiles } from './http/static-files.ts';
import { DubService, type NewDub } from './jobs/dub-service.ts';
import { DubStore } from './jobs/dub-store.ts';
import { Access } from './live/access.ts';
import { ChannelStore } from './live/channel-store.ts';
import type { IceServer } from './live/live-api.ts';
import { liveRoutes } from './live/live-routes.ts';
import { LiveService, livePairs } from './live/live-service.ts';
import { liveSockets } from './live/live-sockets.ts';
import { LiveWorkers, type LiveWorkersOptions } from './live/live-workers.ts';
import { Tokens } from './live/tokens.ts';
import { MarkKeys } from './marks/mark-keys.ts';
import { Marker, markStrength } from './marks/marker.ts';
import { verifyRoutes } from './verify/verify-routes.ts';
import { VerifyService } from './verify/verify-service.ts';
import { WorkerSupervisor, type WorkerSupervisorOptions } from './worker/worker-supervisor.ts';

export interface LivedubServerOptions {
  /** Folder in which everything that is to stay is kept. */
  dataDir: string;
  /** Folder of the built page. */
  clientDir: string;
  version: string;
  spawnWorker: WorkerSupervisorOptions['spawn'];
  spawnLiveWorker: LiveWorkersOptions['spawn'];
  /** Where WebRTC listens. Default: any free port of `host`. */
  webRtc?: WebRtcListenOptions;
  /** STUN and TURN servers that browsers and encoders are told of. Default: none, which is right on one network. */
  iceServers?: readonly IceServer[];
  /** First of the ports for SRT and RTMP, two a channel. Default 0: any that are free. */
  ingestPort?: number;
  /** Captions of a dub begin with a notice that AI made it. Default true. */
  dubNotice?: boolean;
  /** Keep a second live worker with loaded engines. Default true. */
  spareWorker?: boolean;
  /** Signs tokens. Default: a secret kept in the data folder. */
  secret?: string | undefined;
  /** Believe X-Forwarded-* headers. Default false. */
  trustProxy?: boolean;
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 8080; 0 takes a free one. */
  port?: number;
  /** One line for the operator. */
  onNotice?: (line: string) => void;
}

/** Publish tokens that the desk shows are put into encoders and stay there, s. */
const PUBLISH_TOKEN_S = 90 * 86_400;

/** Composition root of `livedub serve`: HTTP edge, dubs of files, live channels, and their worker processes. */
export class LivedubServer {
  readonly dubs: DubService;
  readonly worker: WorkerSupervisor;
  readonly live: LiveService;
  readonly liveWorkers: LiveWorkers;
  readonly tokens: Tokens;
  readonly #http: HttpServer;
  readonly #sfu: LazySfu;
  readonly #registry: MarkRegistry;
  readonly #verify: VerifyService;
  #closing: Promise<void> | undefined;

  private constructor(
    parts: Pick<LivedubServer, 'dubs' | 'worker' | 'live' | 'liveWorkers' | 'tokens'> & {
      http: HttpServer;
      sfu: LazySfu;
      registry: MarkRegistry;
      verify: VerifyService;
    },
  ) {
    this.dubs = parts.dubs;
    this.worker = parts.worker;
    this.live = parts.live;
    this.liveWorkers = parts.liveWorkers;
    this.tokens = parts.tokens;
    this.#http = parts.http;
    this.#sfu = parts.sfu;
    this.#registry = parts.registry;
    this.#verify = parts.verify;
  }

  /** @throws LivedubError LIVEDUB_E_PORT_IN_USE, LIVEDUB_E_BAD_REQUEST */
  static async start(options: LivedubServerOptions): Promise<LivedubServer> {
    const { onNotice } = options;
    const store = new DubStore({ folder: join(options.dataDir, 'dubs') });
    const worker = new WorkerSupervisor({ spawn: options.spawnWorker, ...(onNotice ? { onNotice } : {}) });
    const { dataDir } = options;
    const keys = await MarkKeys.open({ dataDir, ...(onNotice ? { onNotice } : {}) });
    const registry = await MarkRegistryFile.open({ folder: join(dataDir, 'marks') });
    const marker = new Marker({ key: keys.current, registry, strength: markStrength() });
    const dubs = new DubService({
      store,
      run: (order, run) => worker.run({ ...order, dataDir: resolve(dataDir) }, run),
    });
    const health = (): HealthView => ({
      status: 'ok',
      version: options.version,
      worker: worker.state,
      queued: dubs.queue.queued,
      running: dubs.queue.running,
    });
    const page = await StaticFiles.open({ folder: options.clientDir });
    const tokens = await Tokens.open({ dataDir: options.dataDir, secret: options.secret });
    const access = new Access({
      tokens,
      listenHost: options.host ?? '127.0.0.1',
      trustProxy: options.trustProxy ?? false,
    });
    const liveWorkers = new LiveWorkers({
      spawn: options.spawnLiveWorker,
      spare: options.spareWorker ?? true,
      ...(onNotice ? { onNotice } : {}),
    });
    const sfu = new LazySfu({ listenIp: options.host ?? '127.0.0.1', ...options.webRtc }, onNotice);
    const live = new LiveService({
      store: new ChannelStore({ folder: join(options.dataDir, 'channels') }),
      sfu: () => sfu.get(),
      workers: liveWorkers,
      marker,
      dataDir: resolve(dataDir),
      pairs: async () => {
        const installed = await findInstalled(new ModelStore());
        return livePairs({ pairs: () => supportedPairs(installed) });
      },
      publishToken: async (channel) =>
        (await tokens.issue({ scope: ['publish'], channel, expiresInSeconds: PUBLISH_TOKEN_S })).token,
      listenHost: options.host ?? '127.0.0.1',
      announcedHost: options.webRtc?.announcedAddress,
      ingestPort: options.ingestPort,
      dubNotice: options.dubNotice,
      ...(options.iceServers ? { iceServers: options.iceServers } : {}),
      ...(onNotice ? { onNotice } : {}),
    });
    const verify = await VerifyService.open({
      folder: join(dataDir, 'verify'),
      keys: async () => (await MarkKeys.open({ dataDir })).all,
      registry,
      isPublic: ({ channel }) =>
        live.list().find(({ id }) => id === channel.id)?.isPublic ?? channel.isPublic,
    });
    // The port first: a second server on the same data must not touch the first one's jobs.
    const http = await HttpServer.listen({
      routes: [
        ...dubRoutes({ dubs, store, health }),
        ...liveRoutes({ live, access, tokens }),
        ...verifyRoutes({ verify, trustProxy: options.trustProxy ?? false }),
        ...page.routes(),
      ],
      sockets: [dubEvents(dubs), ...liveSockets({ live, access })],
      ...(options.host === undefined ? {} : { host: options.host }),
      ...(options.port === undefined ? {} : { port: options.port }),
    });
    try {
      await dubs.open();
      await live.open();
    } catch (error) {
      http.close();
      await live.close();
      throw error;
    }
    worker.start();
    return new LivedubServer({ dubs, worker, live, liveWorkers, tokens, http, sfu, registry, verify });
  }

  get port(): number {
    return this.#http.port;
  }

  /** The finished dub of this key, or a new one in the queue. @throws LivedubError LIVEDUB_E_QUEUE_FULL */
  async dubOnce(request: NewDub): Promise<DubView> {
    const done = await this.dubs.findDone(request.key);
    if (done) return done;
    await this.dubs.removeSettled(request.key);
    return this.dubs.create(request);
  }

  /** Stops taking requests, cancels jobs, ends the worker and what it started. Idempotent; takes at most about 4 s. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#http.close();
    // Side by side: a worker that does not heed the cancel is killed, which ends its jobs too.
    await Promise.all([this.dubs.close(), this.worker.close(), this.live.close(), this.#verify.close()]);
    await Promise.all([this.#sfu.close(), this.#registry.close()]);
  }
}

/** The SFU, started when the first channel is watched or published to: who only dubs files needs none. */
class LazySfu {
  readonly #webRtc: WebRtcListenOptions;
  readonly #onNotice: ((line: string) => void) | undefined;
  #pool: Promise<SfuWorkerPool> | undefined;

  constructor(webRtc: WebRtcListenOptions, onNotice: ((line: string) => void) | undefined) {
    this.#webRtc = webRtc;
    this.#onNotice = onNotice;
  }

  get(): Promise<SfuWorkerPool> {
    const workerBin = mediasoupWorkerBin();
    this.#pool ??= SfuWorkerPool.start({
      count: 1,
      webRtc: this.#webRtc,
      ...(workerBin === undefined ? {} : { workerBin }),
      observer: {
        workerDied: ({ error }) =>
          this.#onNotice?.(`media worker ended (${error.message}); it is started again`),
      },
    });
    this.#pool.catch(() => {
      this.#pool = undefined;
    });
    return this.#pool;
  }

  async close(): Promise<void> {
    await this.#pool?.then((pool) => pool.close()).catch(() => undefined);
  }
}
