import type { types } from 'mediasoup';
import { LivedubError, toLivedubError } from '../pipeline/errors.ts';
import { type CascadeMessage, type CascadePort, createCascadePortPair } from './cascade-port.ts';
import type { SfuRouter } from './router.ts';

export interface CascadeEndOptions {
  readonly router: SfuRouter;
  readonly port: CascadePort;
  /** Address to listen on. Default 127.0.0.1. */
  readonly listenIp?: string;
  /** Address the other end reaches this one at, where that differs. */
  readonly announcedAddress?: string;
  /** Default true. Both ends must agree. */
  readonly enableSrtp?: boolean;
  /** Lost packets are sent again. Default true. Both ends must agree. */
  readonly enableRtx?: boolean;
  /** Socket buffers; the system may grant less. Default 4 MiB: a replay sends in bursts. */
  readonly socketBufferBytes?: number;
  /** The other end piped a track into this router. */
  readonly onProducer?: (producer: types.Producer) => void;
}

interface Piped {
  readonly consumer: types.Consumer;
  readonly farProducerId: string;
}

type Answer = Extract<CascadeMessage, { type: 'piped' | 'refused' | 'counted' }>;

const ANSWER_TIMEOUT_MS = 10_000;
const DRAIN_POLL_MS = 20;
const DRAIN_IDLE_POLLS = 4;

/** How many packets a producer has taken in (`inbound-rtp`), or a consumer has sent out (`outbound-rtp`). */
async function countPackets(track: types.Producer | types.Consumer, type: string): Promise<number> {
  const stats = (await track.getStats()) as { type: string; packetCount?: number }[];
  return stats.find((entry) => entry.type === type)?.packetCount ?? 0;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * One end of a cascade: RTP of chosen tracks goes from a router to one on another worker, process or machine over a
 * PipeTransport. Both ends are alike, either may pipe; pause, resume and close of a track are mirrored.
 */
export class CascadeEnd {
  readonly #port: CascadePort;
  readonly #transport: types.PipeTransport;
  readonly #options: CascadeEndOptions;
  readonly #stopListening: () => void;
  /** Tracks sent to the other end, by their id here. */
  readonly #piped = new Map<string, Piped>();
  /** Tracks received from the other end, by their id there. */
  readonly #copies = new Map<string, types.Producer>();
  readonly #answers = new Map<number, (answer: Answer | LivedubError) => void>();
  #nextRequest = 1;
  #connected: Promise<void> | undefined;
  #onConnected!: () => void;
  #onFailed!: (error: LivedubError) => void;
  /** Resolves when both ends know each other. */
  readonly ready: Promise<void>;
  readonly #ended = new AbortController();

  private constructor(transport: types.PipeTransport, options: CascadeEndOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#port = options.port;
    this.ready = new Promise((resolve, reject) => {
      this.#onConnected = resolve;
      this.#onFailed = reject;
    });
    this.ready.catch(() => {});
    this.#stopListening = this.#port.onMessage((message) => {
      this.#handle(message).catch((error: unknown) =>
        this.#fail(toLivedubError(error, 'LIVEDUB_E_SFU_FAILED')),
      );
    });
    transport.observer.once('close', () => this.close());
    this.#sayHello(false);
  }

  /** Aborts when this end is closed: by its owner, by the other end, or because it failed. */
  get closed(): AbortSignal {
    return this.#ended.signal;
  }

  static async create(options: CascadeEndOptions): Promise<CascadeEnd> {
    const bufferBytes = options.socketBufferBytes ?? 4 * 1024 * 1024;
    const transport = await options.router.router.createPipeTransport({
      listenInfo: {
        protocol: 'udp',
        ip: options.listenIp ?? '127.0.0.1',
        ...(options.announcedAddress === undefined
          ? undefined
          : { announcedAddress: options.announcedAddress }),
        recvBufferSize: bufferBytes,
        sendBufferSize: bufferBytes,
      },
      enableSrtp: options.enableSrtp ?? true,
      enableRtx: options.enableRtx ?? true,
    });
    return new CascadeEnd(transport, options);
  }

  /**
   * Makes a track of this router available in the other one.
   * @returns the id of the copy there
   * @throws LivedubError LIVEDUB_E_SFU_FAILED when the other end refuses or does not answer
   */
  async pipe(
    producerId: string,
    options: { readonly appData?: types.AppData; readonly signal?: AbortSignal } = {},
  ): Promise<string> {
    await this.ready;
    options.signal?.throwIfAborted();
    if (this.closed.aborted) throw new LivedubError('LIVEDUB_E_CLOSED', 'The cascade is closed.');
    const known = this.#piped.get(producerId);
    if (known !== undefined) return known.farProducerId;
    const consumer = await this.#transport.consume({ producerId });
    try {
      const answer = await this.#ask((request) => ({
        type: 'pipe',
        request,
        producerId,
        kind: consumer.kind,
        rtpParameters: consumer.rtpParameters,
        isPaused: consumer.producerPaused,
        appData: options.appData ?? {},
      }));
      if (answer.type !== 'piped')
        throw new LivedubError('LIVEDUB_E_SFU_FAILED', 'The other end refused the track.');
      this.#piped.set(producerId, { consumer, farProducerId: answer.farProducerId });
      this.#mirror(producerId, consumer);
      return answer.farProducerId;
    } catch (error) {
      consumer.close();
      throw error;
    }
  }

  /** Ends the copy at the other end. A track that is not piped is left alone. */
  unpipe(producerId: string): void {
    this.#piped.get(producerId)?.consumer.close();
  }

  /**
   * Resolves when the other end has taken in all packets of the track that this end has sent, or when no more of them
   * come (they are lost for good). What a feed that is faster than real time waits for.
   */
  async drained(producerId: string): Promise<void> {
    try {
      await this.#drain(producerId);
    } catch (error) {
      // A track or cascade that ends meanwhile has nothing left to wait for.
      if (!this.closed.aborted && this.#piped.has(producerId)) throw error;
    }
  }

  async #drain(producerId: string): Promise<void> {
    const piped = this.#piped.get(producerId);
    if (piped === undefined || piped.consumer.closed) return;
    const sent = await countPackets(piped.consumer, 'outbound-rtp');
    let last = -1;
    let idlePolls = 0;
    while (!this.closed.aborted && idlePolls < DRAIN_IDLE_POLLS) {
      const answer = await this.#ask((request) => ({ type: 'count', request, producerId }));
      const received = answer.type === 'counted' ? answer.packets : last;
      if (received >= sent) return;
      idlePolls = received === last ? idlePolls + 1 : 0;
      last = received;
      await sleep(1);
      if (idlePolls > 1) await sleep(DRAIN_POLL_MS);
    }
  }

  /** Stops both directions; copies at the other end end too. Idempotent. */
  close(): void {
    this.#end(new LivedubError('LIVEDUB_E_CLOSED', 'The cascade is closed.'));
  }

  #end(closed: LivedubError): void {
    if (this.closed.aborted) return;
    this.#ended.abort(closed);
    this.#port.send({ type: 'bye' });
    this.#stopListening();
    for (const answer of this.#answers.values()) answer(closed);
    this.#answers.clear();
    this.#onFailed(closed);
    this.#transport.close();
    this.#piped.clear();
    this.#copies.clear();
  }

  #sayHello(isReply: boolean): void {
    const { tuple, srtpParameters } = this.#transport;
    this.#port.send({
      type: 'hello',
      isReply,
      address: {
        ip: this.#options.announcedAddress ?? tuple.localAddress,
        port: tuple.localPort,
        ...(srtpParameters === undefined ? undefined : { srtpParameters }),
      },
    });
  }

  #mirror(producerId: string, consumer: types.Consumer): void {
    const tell = (type: 'pause' | 'resume' | 'close') => {
      if (!this.closed.aborted) this.#port.send({ type, producerId });
    };
    consumer.on('producerpause', () => tell('pause'));
    consumer.on('producerresume', () => tell('resume'));
    consumer.observer.once('close', () => {
      this.#piped.delete(producerId);
      tell('close');
    });
    // What happened while the other end was answering.
    if (consumer.closed) tell('close');
    else if (consumer.producerPaused) tell('pause');
  }

  async #handle(message: CascadeMessage): Promise<void> {
    switch (message.type) {
      case 'hello': {
        // Whoever came first spoke to nobody: answer, so that the order of creation does not matter.
        if (!message.isReply) this.#sayHello(true);
        this.#connected ??= this.#transport.connect(message.address);
        await this.#connected;
        this.#onConnected();
        return;
      }
      case 'pipe':
        return this.#accept(message);
      case 'piped':
      case 'refused':
      case 'counted': {
        this.#answers.get(message.request)?.(message);
        return;
      }
      case 'pause':
        await this.#copies.get(message.producerId)?.pause();
        return;
      case 'resume':
        await this.#copies.get(message.producerId)?.resume();
        return;
      case 'close':
        return this.#endCopy(message.producerId);
      case 'ended':
        this.#piped.get(message.producerId)?.consumer.close();
        return;
      case 'count': {
        const copy = this.#copies.get(message.producerId);
        const packets = copy === undefined || copy.closed ? 0 : await countPackets(copy, 'inbound-rtp');
        this.#port.send({ type: 'counted', request: message.request, packets });
        return;
      }
      case 'bye':
        this.close();
    }
  }

  async #accept(message: Extract<CascadeMessage, { type: 'pipe' }>): Promise<void> {
    const { request, producerId } = message;
    try {
      const copy = await this.#transport.produce({
        kind: message.kind,
        rtpParameters: message.rtpParameters,
        paused: message.isPaused,
        appData: { ...message.appData, cascadedFrom: producerId },
      });
      this.#copies.set(producerId, copy);
      copy.observer.once('close', () => {
        // The track may have been piped again while the former copy took in its last packets.
        if (this.#copies.get(producerId) !== copy) return;
        this.#copies.delete(producerId);
        if (!this.closed.aborted) this.#port.send({ type: 'ended', producerId });
      });
      this.#options.onProducer?.(copy);
      this.#port.send({ type: 'piped', request, farProducerId: copy.id });
    } catch (error) {
      this.#port.send({ type: 'refused', request, reason: String(error) });
    }
  }

  /** The track ended at its source; its last packets may still be under way, and control messages are faster. */
  async #endCopy(producerId: string): Promise<void> {
    const copy = this.#copies.get(producerId);
    if (copy === undefined) return;
    this.#copies.delete(producerId);
    let last = -1;
    let idlePolls = 0;
    while (!copy.closed && idlePolls < DRAIN_IDLE_POLLS) {
      await sleep(DRAIN_POLL_MS);
      const received = copy.closed ? last : await countPackets(copy, 'inbound-rtp').catch(() => last);
      idlePolls = received === last ? idlePolls + 1 : 0;
      last = received;
    }
    copy.close();
  }

  #ask(message: (request: number) => CascadeMessage): Promise<Answer> {
    if (this.closed.aborted) throw new LivedubError('LIVEDUB_E_CLOSED', 'The cascade is closed.');
    const request = this.#nextRequest++;
    return new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#answers.delete(request);
        reject(new LivedubError('LIVEDUB_E_SFU_FAILED', 'The other end of the cascade does not answer.'));
      }, ANSWER_TIMEOUT_MS);
      this.#answers.set(request, (answer) => {
        clearTimeout(timer);
        this.#answers.delete(request);
        if (answer instanceof LivedubError) reject(answer);
        else resolve(answer);
      });
      this.#port.send(message(request));
    });
  }

  #fail(error: LivedubError): void {
    this.#end(error);
  }
}

export interface CascadeOptions extends Omit<CascadeEndOptions, 'router' | 'port' | 'onProducer'> {
  readonly from: SfuRouter;
  readonly to: SfuRouter;
}

/** Connects two routers of this process, which may be on different workers. @returns the end at `from` */
export async function connectCascade(options: CascadeOptions): Promise<CascadeEnd> {
  const { from, to, ...rest } = options;
  const [near, far] = createCascadePortPair();
  const [nearEnd, farEnd] = await Promise.all([
    CascadeEnd.create({ ...rest, router: from, port: near }),
    CascadeEnd.create({ ...rest, router: to, port: far }),
  ]);
  try {
    await Promise.all([nearEnd.ready, farEnd.ready]);
  } catch (error) {
    nearEnd.close();
    farEnd.close();
    throw error;
  }
  return nearEnd;
}
