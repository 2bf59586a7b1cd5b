import { availableParallelism } from 'node:os';
import * as mediasoup from 'mediasoup';
import { LivedubError } from '../pipeline/errors.ts';
import { MEDIA_CODECS } from './codecs.ts';
import { SfuRouter } from './router.ts';
import { openWebRtcServer, type WebRtcListenOptions } from './webrtc-server.ts';

/** What happens to workers, for logs and metrics. All optional. */
export interface SfuObserver {
  workerStarted?(event: { index: number; pid: number; restarts: number }): void;
  workerDied?(event: { index: number; pid: number; error: Error }): void;
  /** A worker could not be started again; it is tried again after `retryInMs`. */
  restartFailed?(event: { index: number; error: unknown; retryInMs: number }): void;
  /** The router's worker died: all its tracks are gone, its owner makes a new one. */
  routerLost?(event: { routerId: string }): void;
}

export interface SfuWorkerPoolOptions {
  /** The mediasoup worker program. Default: where the mediasoup package keeps its own. */
  readonly workerBin?: string;
  /** How many workers. Default: one per core. */
  readonly count?: number;
  /** Wait before a died worker is started again; doubles with every death in a row up to 10 s. Default 200 ms. */
  readonly restartDelayMs?: number;
  /** A worker that lived this long has recovered: the wait starts small again. Default 60 000 ms. */
  readonly healthyAfterMs?: number;
  readonly observer?: SfuObserver;
  /**
   * Where browsers reach the workers: each opens one UDP and one TCP port. Default: none, routers then have no WebRTC
   * transports.
   */
  readonly webRtc?: WebRtcListenOptions;
  readonly logLevel?: 'debug' | 'warn' | 'error' | 'none';
}

const MAX_RESTART_DELAY_MS = 10_000;
const CLOSE_TIMEOUT_MS = 3000;

interface Slot {
  readonly index: number;
  worker: mediasoup.types.Worker | undefined;
  webRtcServer: mediasoup.types.WebRtcServer | undefined;
  readonly routers: Set<SfuRouter>;
  /** Routers that are being made. */
  pending: number;
  deathsInARow: number;
  restarts: number;
  startedAtMs: number;
  timer: NodeJS.Timeout | undefined;
}

/** The SFU's worker processes: kept alive, and shared by routers evenly. */
export class SfuWorkerPool {
  readonly #options: SfuWorkerPoolOptions;
  readonly #slots: Slot[];
  #closing: Promise<void> | undefined;
  #waiting: (() => void)[] = [];

  private constructor(options: SfuWorkerPoolOptions) {
    this.#options = options;
    const count = Math.max(1, options.count ?? availableParallelism());
    this.#slots = Array.from({ length: count }, (_, index) => ({
      index,
      worker: undefined,
      webRtcServer: undefined,
      routers: new Set(),
      pending: 0,
      deathsInARow: 0,
      restarts: 0,
      startedAtMs: 0,
      timer: undefined,
    }));
  }

  /**
   * @throws LivedubError LIVEDUB_E_DEPENDENCY_MISSING when the worker program does not run, LIVEDUB_E_PORT_IN_USE when a
   *   WebRTC port is taken, LIVEDUB_E_USAGE for an address nobody could be told
   */
  static async start(options: SfuWorkerPoolOptions = {}): Promise<SfuWorkerPool> {
    const pool = new SfuWorkerPool(options);
    try {
      await Promise.all(pool.#slots.map((slot) => pool.#startWorker(slot)));
    } catch (error) {
      await pool.close();
      if (error instanceof LivedubError) throw error;
      throw new LivedubError('LIVEDUB_E_DEPENDENCY_MISSING', 'The mediasoup worker does not start.', {
        cause: error,
      });
    }
    return pool;
  }

  /** Process ids of the living workers, by their index. */
  get pids(): readonly (number | undefined)[] {
    return this.#slots.map((slot) => slot.worker?.pid);
  }

  /**
   * A router on the worker with the fewest of them; waits for a restart when no worker lives.
   * @throws LivedubError LIVEDUB_E_SFU_FAILED, LIVEDUB_E_CLOSED
   */
  async createRouter(options: { readonly signal?: AbortSignal } = {}): Promise<SfuRouter> {
    for (;;) {
      options.signal?.throwIfAborted();
      if (this.#closing !== undefined) throw new LivedubError('LIVEDUB_E_CLOSED', 'The SFU is closed.');
      const living = this.#slots.filter((slot) => slot.worker !== undefined);
      const slot = living.reduce<Slot | undefined>(
        (best, next) => (best === undefined || load(next) < load(best) ? next : best),
        undefined,
      );
      if (slot?.worker === undefined) {
        await this.#workerComesBack(options.signal);
        continue;
      }
      const { worker } = slot;
      slot.pending += 1;
      try {
        const router = new SfuRouter({
          router: await worker.createRouter({ mediaCodecs: MEDIA_CODECS }),
          worker,
          ...(slot.webRtcServer === undefined ? undefined : { webRtcServer: slot.webRtcServer }),
        });
        slot.routers.add(router);
        router.closed.addEventListener('abort', () => this.#routerEnded(slot, router), { once: true });
        return router;
      } catch (error) {
        // A worker that died just now: take another one.
        if (!worker.closed) throw new LivedubError('LIVEDUB_E_SFU_FAILED', 'No router.', { cause: error });
      } finally {
        slot.pending -= 1;
      }
    }
  }

  /** Ends all workers with everything on them, and waits until the processes are gone. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#wake();
    await Promise.all(
      this.#slots.map(async (slot) => {
        clearTimeout(slot.timer);
        const { worker } = slot;
        slot.worker = undefined;
        for (const router of [...slot.routers]) router.close();
        if (worker !== undefined) await endWorker(worker);
      }),
    );
  }

  async #startWorker(slot: Slot): Promise<void> {
    const { workerBin } = this.#options;
    const worker = await mediasoup.createWorker({
      logLevel: this.#options.logLevel ?? 'error',
      ...(workerBin === undefined ? undefined : { workerBin }),
    });
    const { webRtc } = this.#options;
    let webRtcServer: mediasoup.types.WebRtcServer | undefined;
    try {
      if (webRtc !== undefined) webRtcServer = await openWebRtcServer(worker, webRtc, slot.index);
    } catch (error) {
      await endWorker(worker);
      throw error;
    }
    if (this.#closing !== undefined) {
      await endWorker(worker);
      return;
    }
    slot.worker = worker;
    slot.webRtcServer = webRtcServer;
    slot.startedAtMs = performance.now();
    worker.on('died', (error) => this.#died(slot, worker, error));
    this.#options.observer?.workerStarted?.({ index: slot.index, pid: worker.pid, restarts: slot.restarts });
    this.#wake();
  }

  #died(slot: Slot, worker: mediasoup.types.Worker, error: Error): void {
    if (slot.worker !== worker) return;
    slot.worker = undefined;
    slot.webRtcServer = undefined;
    const { observer, healthyAfterMs = 60_000 } = this.#options;
    observer?.workerDied?.({ index: slot.index, pid: worker.pid, error });
    if (performance.now() - slot.startedAtMs > healthyAfterMs) slot.deathsInARow = 0;
    this.#scheduleRestart(slot);
  }

  #routerEnded(slot: Slot, router: SfuRouter): void {
    slot.routers.delete(router);
    const reason: unknown = router.closed.reason;
    if (reason instanceof LivedubError && reason.code === 'LIVEDUB_E_SFU_FAILED') {
      this.#options.observer?.routerLost?.({ routerId: router.id });
    }
  }

  #scheduleRestart(slot: Slot): void {
    if (this.#closing !== undefined) return;
    const delayMs = this.#nextDelayMs(slot);
    slot.deathsInARow += 1;
    slot.timer = setTimeout(() => {
      slot.restarts += 1;
      this.#startWorker(slot).catch((error: unknown) => {
        this.#options.observer?.restartFailed?.({
          index: slot.index,
          error,
          retryInMs: this.#nextDelayMs(slot),
        });
        this.#scheduleRestart(slot);
      });
    }, delayMs);
  }

  #nextDelayMs(slot: Slot): number {
    return Math.min(MAX_RESTART_DELAY_MS, (this.#options.restartDelayMs ?? 200) * 2 ** slot.deathsInARow);
  }

  #workerComesBack(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

const load = (slot: Slot) => slot.routers.size + slot.pending;

/** Asks the worker to end and waits until its process is gone; kills one that does not go. */
async function endWorker(worker: mediasoup.types.Worker): Promise<void> {
  if (worker.subprocessClosed) return;
  const { pid } = worker;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone in the meantime.
      }
      resolve();
    }, CLOSE_TIMEOUT_MS);
    worker.on('subprocessclose', () => {
      clearTimeout(timer);
      resolve();
    });
    worker.close();
  });
}
