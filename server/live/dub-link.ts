import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import type { EncodedFrame } from '../../pipeline/frames.ts';
import { createPacketiser, type Packetiser } from '../../pipeline/rtp/packetiser.ts';
import { CascadeEnd } from '../../sfu/cascade.ts';
import type { CascadeMessage, CascadePort } from '../../sfu/cascade-port.ts';
import type { SfuRouter } from '../../sfu/router.ts';
import type { RtpFeed } from '../../sfu/rtp-feed.ts';
import { errorFromProblem } from '../problem.ts';
import { type TrackKey, TrackKeySchema } from './contract.ts';
import type { LiveWorker, LiveWorkers } from './live-workers.ts';
import { PipedPicture } from './piped-picture.ts';
import type { SourceBacklog } from './source-backlog.ts';
import type {
  ChannelOrder,
  FromLiveWorker,
  OpenedRendition,
  OrderMarks,
  ToLiveWorker,
} from './worker-messages.ts';

export type DubLinkState = 'ready' | 'starting' | 'off';
/** An order without what is only known when it is given. */
export type DubOrder = Omit<ChannelOrder, 'session' | 'marks'>;

export interface DubLinkOptions {
  workers: LiveWorkers;
  /** The channel's router in the SFU. */
  router: SfuRouter;
  /** What the channel is to be like now; asked at every opening. Undefined: there is nothing to dub into. */
  order: () => DubOrder | undefined;
  /** The marks of these languages' tracks. Rejects: nothing is dubbed, and it is asked again later. */
  marks: (languages: readonly string[]) => Promise<OrderMarks>;
  backlog: SourceBacklog;
  /** The picture whose faces are to be moved; undefined: the worker needs none. `pictureChanged` when that changes. */
  picture: () => string | undefined;
  /** A dubbed track of the worker arrived; the callback taps it. */
  onTrack: (key: TrackKey, producerId: string) => void;
  onOpened: (renditions: readonly OpenedRendition[]) => void;
  onMessage: (message: FromLiveWorker) => void;
  onState: (state: DubLinkState, why?: LivedubError) => void;
}

const OPEN_TIMEOUT_MS = 30_000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;
/** Packets of the backlog sent between two looks at how many have arrived. */
const BURST_PACKETS = 64;
/** A worker tells of itself once a second. */
const PULSE_MS = 1000;
/** One that leaves out so many pulses hangs. Counted, not timed: a server that was busy itself must not blame the worker. */
const MAX_MISSED_PULSES = 6;

/** Openings of channels so far: tells messages of two openings apart. */
let openings = 0;

/**
 * Keeps a channel dubbed: places it on a worker, pipes the source there and the dubbed tracks back, and does so again on
 * another worker when that one is gone, with the sound that was not worked off.
 */
export class DubLink {
  readonly #o: DubLinkOptions;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #worker: LiveWorker | undefined;
  #source: Source | undefined;
  #bed: Source | undefined;
  #picture: PipedPicture | undefined;
  /** Ends the running session, to open another. */
  #session: AbortController | undefined;
  #state: DubLinkState = 'off';

  constructor(options: DubLinkOptions) {
    this.#o = options;
    this.#ended = this.#run();
  }

  get state(): DubLinkState {
    return this.#state;
  }

  /** One packet of the source, in order. The backlog must hold it already. */
  push(frame: EncodedFrame): void {
    this.#source?.push(frame);
  }

  /** One packet of the sound under the dub, where that is another one. */
  pushBed(frame: EncodedFrame): void {
    this.#bed?.push(frame);
  }

  /** Tells the worker something about this channel, if it is open there; an opening asks for all anyway. */
  send(message: ToLiveWorker): void {
    this.#worker?.send(message);
  }

  /** Another picture is to be sent, or none any more. */
  pictureChanged(): void {
    this.#picture?.set(this.#o.picture());
  }

  /** The languages or engines changed: opens the channel anew, where it stands. */
  restart(): void {
    this.#session?.abort(new LivedubError('LIVEDUB_E_ABORTED', 'The channel is opened anew.'));
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort(new LivedubError('LIVEDUB_E_CLOSED', 'The channel is closed.'));
    await this.#ended;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const order = this.#o.order();
      const session = new AbortController();
      this.#session = session;
      const signal = AbortSignal.any([this.#stop.signal, session.signal, this.#o.router.closed]);
      try {
        if (order === undefined) {
          this.#tell('off');
          await aborted(signal);
        } else {
          this.#tell('starting');
          this.#o.workers.prepare({ from: order.from, renditions: order.renditions });
          const languages = order.renditions.map(({ language }) => language);
          const marks = await within(this.#o.marks(languages), signal, 'No mark is issued.');
          const worker = await this.#o.workers.acquire(signal);
          await this.#serve(worker, { ...order, marks }, signal, () => {
            failures = 0;
          });
        }
      } catch (error) {
        if (this.#stop.signal.aborted || this.#o.router.closed.aborted) break;
        if (session.signal.aborted) continue;
        const why = toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED');
        this.#tell('starting', why);
        // A worker that died has a successor standing by; what else fails would fail again at once.
        const waitMs = why.code === 'LIVEDUB_E_WORKER_DIED' ? 0 : RETRY_MIN_MS * 2 ** failures;
        failures += 1;
        await sleep(Math.min(waitMs, RETRY_MAX_MS), signal);
      }
    }
    this.#tell('off');
  }

  /** One stay on one worker. Returns or throws when it is over. */
  async #serve(
    worker: LiveWorker,
    order: Omit<ChannelOrder, 'session'>,
    outer: AbortSignal,
    onReady: () => void,
  ): Promise<void> {
    const { channelId } = order;
    openings += 1;
    const session = openings;
    const failed = new AbortController();
    const signal = AbortSignal.any([outer, worker.gone, failed.signal]);
    const opened = deferred<Extract<FromLiveWorker, { kind: 'opened' }>>();
    const listening = deferred<void>();
    const cascadeListeners = new Set<(message: CascadeMessage) => void>();
    let missedPulses = 0;
    let heartbeat: NodeJS.Timeout | undefined;
    const stopListening = worker.onMessage((message) => {
      missedPulses = 0;
      if (!('channelId' in message) || message.channelId !== channelId) return;
      if ('session' in message && message.session !== session) return;
      if (message.kind === 'opened') opened.resolve(message);
      else if (message.kind === 'listening') listening.resolve();
      else if (message.kind === 'failed') failed.abort(errorFromProblem(message.error));
      else if (message.kind === 'cascade')
        for (const listener of [...cascadeListeners]) listener(message.message as CascadeMessage);
      else this.#o.onMessage(message);
    });
    const port: CascadePort = {
      send: (message) => worker.send({ kind: 'cascade', channelId, session, message }),
      onMessage: (listener) => {
        cascadeListeners.add(listener);
        return () => cascadeListeners.delete(listener);
      },
    };
    let cascade: CascadeEnd | undefined;
    let source: Source | undefined;
    let bed: Source | undefined;
    try {
      worker.send({ kind: 'open', order: { ...order, session } });
      const answer = await within(opened.promise, signal);
      this.#worker = worker;
      this.#tellChanges(worker);
      cascade = await CascadeEnd.create({
        router: this.#o.router,
        port,
        onProducer: (producer) => {
          const key = TrackKeySchema.safeParse(producer.appData.track);
          if (key.success) this.#o.onTrack(key.data, producer.id);
        },
      });
      // A cascade that ends by itself carries nothing any more.
      cascade.closed.addEventListener('abort', () => failed.abort(cascade?.closed.reason), { once: true });
      if (order.separateBed) {
        bed = await Source.create(this.#o.router, order.originUs, 'bed');
        await within(cascade.pipe(bed.id, { appData: { role: 'bed' } }), signal);
        this.#bed = bed;
      }
      source = await Source.create(this.#o.router, order.originUs, 'source');
      await within(cascade.pipe(source.id, { appData: { role: 'source' } }), signal);
      await within(listening.promise, signal);
      this.#o.onOpened(answer.renditions);
      const drained = () => within(cascade!.drained(source!.id), signal);
      // What was said while the engines were loaded can still be said in synced mode.
      const fromUs = answer.resumeFromUs ?? this.#o.backlog.endUs - order.delayMs * 1000;
      await source.catchUp(this.#o.backlog, fromUs, drained, signal);
      this.#source = source;
      this.#picture = new PipedPicture(cascade);
      this.pictureChanged();
      this.#tell('ready');
      onReady();
      heartbeat = setInterval(() => {
        missedPulses += 1;
        if (missedPulses > MAX_MISSED_PULSES) worker.kill();
      }, PULSE_MS);
      await aborted(signal);
    } finally {
      this.#worker = undefined;
      this.#source = undefined;
      this.#bed = undefined;
      this.#picture = undefined;
      clearInterval(heartbeat);
      stopListening();
      if (!worker.gone.aborted) worker.send({ kind: 'close', channelId, session });
      source?.close();
      bed?.close();
      cascade?.close();
    }
  }

  /** What was changed while the worker opened the channel. */
  #tellChanges(worker: LiveWorker): void {
    const order = this.#o.order();
    if (order === undefined) return;
    const { channelId, delayMs, terms, demand, controls, faces } = order;
    worker.send({ kind: 'delay', channelId, delayMs });
    worker.send({ kind: 'terms', channelId, terms });
    if (faces) worker.send({ kind: 'faces', channelId, consent: faces.consent });
    for (const [language, wanted] of Object.entries(demand))
      worker.send({ kind: 'demand', channelId, language, demand: wanted });
    for (const [language, control] of Object.entries(controls))
      worker.send({ kind: 'control', channelId, language, control });
  }

  #tell(state: DubLinkState, why?: LivedubError): void {
    if (this.#state === state && why === undefined) return;
    this.#state = state;
    this.#o.onState(state, why);
  }
}

/** A track that carries the dubbing source, or the bed, to the worker. */
class Source {
  readonly #feed: RtpFeed;
  readonly #packetiser: Packetiser;
  #sentUs = Number.NEGATIVE_INFINITY;

  private constructor(feed: RtpFeed, originUs: number) {
    this.#feed = feed;
    this.#packetiser = createPacketiser({ ...feed.packetiserOptions, originUs });
  }

  static async create(router: SfuRouter, originUs: number, role: 'source' | 'bed'): Promise<Source> {
    return new Source(
      await router.createFeed({ codec: 'opus', cname: 'source', appData: { role } }),
      originUs,
    );
  }

  get id(): string {
    return this.#feed.id;
  }

  push(frame: EncodedFrame): void {
    // What came while the backlog was sent may be offered twice.
    if (frame.mediaTimeUs <= this.#sentUs || this.#feed.closed) return;
    this.#sentUs = frame.mediaTimeUs;
    this.#packetiser.packetise(frame, (packet) => this.#feed.send(packet));
  }

  /** Sends what the backlog holds from a media time on, which may grow meanwhile; the last burst is not waited for. */
  async catchUp(
    backlog: SourceBacklog,
    fromUs: number,
    drained: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      const waiting = backlog.from(fromUs).filter((frame) => frame.mediaTimeUs > this.#sentUs);
      for (const frame of waiting.slice(0, BURST_PACKETS)) this.push(frame);
      if (waiting.length <= BURST_PACKETS) return;
      await drained();
      signal.throwIfAborted();
    }
  }

  close(): void {
    this.#feed.close();
  }
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function within<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  late = 'The worker does not open the channel.',
): Promise<T> {
  const done = new AbortController();
  try {
    return await Promise.race([
      promise,
      aborted(signal, done.signal),
      aborted(AbortSignal.timeout(OPEN_TIMEOUT_MS), done.signal).catch(() => {
        throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', late);
      }),
    ]);
  } finally {
    done.abort();
  }
}

/** Rejects with the signal's reason when it aborts. @param until stops waiting for it */
function aborted(signal: AbortSignal, until?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const options = { once: true, ...(until ? { signal: until } : {}) };
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), options);
  });
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const timer = new AbortController();
  const handle = setTimeout(() => timer.abort(), ms);
  await aborted(AbortSignal.any([timer.signal, signal])).catch(() => undefined);
  clearTimeout(handle);
}
