import { join } from 'node:path';
import type { DubView, HealthView } from './contract.ts';
import { dubEvents, dubRoutes } from './http/dub-routes.ts';
import { HttpServer } from './http/http-server.ts';
import { StaticFiles } from './http/static-files.ts';
import { DubService, type NewDub } from './jobs/dub-service.ts';
import { DubStore } from './jobs/dub-store.ts';
import { WorkerSupervisor, type WorkerSupervisorOptions } from './worker/worker-supervisor.ts';

export interface LivedubServerOptions {
  /** Folder in which everything that is to stay is kept. */
  dataDir: string;
  /** Folder of the built page. */
  clientDir: string;
  version: string;
  spawnWorker: WorkerSupervisorOptions['spawn'];
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 8080; 0 takes a free one. */
  port?: number;
  /** One line for the operator. */
  onNotice?: (line: string) => void;
}

/** Composition root of `livedub serve`: HTTP edge, dubs, and one worker process. */
export class LivedubServer {
  readonly dubs: DubService;
  readonly worker: WorkerSupervisor;
  readonly #http: HttpServer;
  #closing: Promise<void> | undefined;

  private constructor(dubs: DubService, worker: WorkerSupervisor, http: HttpServer) {
    this.dubs = dubs;
    this.worker = worker;
    this.#http = http;
  }

  /** @throws LivedubError LIVEDUB_E_PORT_IN_USE, LIVEDUB_E_BAD_REQUEST */
  static async start(options: LivedubServerOptions): Promise<LivedubServer> {
    const { onNotice } = options;
    const store = new DubStore({ folder: join(options.dataDir, 'dubs') });
    const worker = new WorkerSupervisor({ spawn: options.spawnWorker, ...(onNotice ? { onNotice } : {}) });
    const dubs = new DubService({ store, run: (order, run) => worker.run(order, run) });
    const health = (): HealthView => ({
      status: 'ok',
      version: options.version,
      worker: worker.state,
      queued: dubs.queue.queued,
      running: dubs.queue.running,
    });
    const page = await StaticFiles.open({ folder: options.clientDir });
    // The port first: a second server on the same data must not touch the first one's jobs.
    const http = await HttpServer.listen({
      routes: [...dubRoutes({ dubs, store, health }), ...page.routes()],
      sockets: [dubEvents(dubs)],
      ...(options.host === undefined ? {} : { host: options.host }),
      ...(options.port === undefined ? {} : { port: options.port }),
    });
    try {
      await dubs.open();
    } catch (error) {
      http.close();
      throw error;
    }
    worker.start();
    return new LivedubServer(dubs, worker, http);
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
    await Promise.all([this.dubs.close(), this.worker.close()]);
  }
}
