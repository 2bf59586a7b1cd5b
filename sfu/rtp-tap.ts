import type { types } from 'mediasoup';
import { BoundedChannel } from '../pipeline/bounded-channel.ts';
import { LivedubError, toLivedubError } from '../pipeline/errors.ts';
import { wallUsOfNtp } from '../pipeline/rtp/ntp.ts';
import type { RtpCodec } from '../pipeline/rtp/rtp-packet.ts';
import { describeTrack, tapCapabilities } from './codecs.ts';

export interface RtpTapOptions {
  readonly producerId: string;
  /**
   * Gets each packet at once, in order; then nothing is queued and `packets` must not be read. Each packet is a buffer
   * of its own, so views of it may be kept.
   */
  readonly onPacket?: (packet: Buffer) => void;
  /**
   * Gets the sender reports of the track, for sources whose packets carry no capture time: at `wallUs` (µs since the
   * Unix epoch) the RTP clock showed `rtpTimestamp`. Default: nothing.
   */
  readonly onSenderReport?: (wallUs: number, rtpTimestamp: number) => void;
  /** Most packets that wait for the reader of `packets`. Default 4096. */
  readonly capacityPackets?: number;
  /**
   * When they are too many: `drop-oldest` loses and counts (live), `fail` ends the tap with
   * LIVEDUB_E_CHANNEL_OVERFLOW (replay, where the sender paces itself and a loss is a defect). Default `drop-oldest`.
   */
  readonly policy?: 'drop-oldest' | 'fail';
}

/** A track that code reads out of a router, in the order the worker sends it. */
export class RtpTap {
  readonly consumer: types.Consumer;
  /** Undefined for a codec the pipeline does not know. */
  readonly codec: RtpCodec | undefined;
  readonly payloadType: number;
  readonly captureTimeId: number | undefined;
  /** Resolves when the track has ended and every packet was handed out or queued; rejects when the tap was lost. */
  readonly ended: Promise<void>;
  readonly #transport: types.DirectTransport;
  readonly #queue: BoundedChannel<Buffer>;
  #received = 0;
  #settle: ((failure: LivedubError | undefined) => void) | undefined;

  private constructor(transport: types.DirectTransport, consumer: types.Consumer, options: RtpTapOptions) {
    const track = describeTrack(consumer.rtpParameters);
    this.#transport = transport;
    this.consumer = consumer;
    this.codec = track.codec;
    this.payloadType = track.payloadType;
    this.captureTimeId = track.captureTimeId;
    this.#queue = new BoundedChannel<Buffer>({
      name: `tap of ${options.producerId}`,
      capacity: options.capacityPackets ?? 4096,
      policy: options.policy ?? 'drop-oldest',
    });
    this.ended = new Promise((resolve, reject) => {
      this.#settle = (failure) => (failure === undefined ? resolve() : reject(failure));
    });
    this.ended.catch(() => {});
    consumer.on('rtp', options.onPacket === undefined ? this.#enqueue : this.#handOver(options.onPacket));
    // The worker tells of the end on the same channel as of the packets, so everything came before it.
    consumer.on('producerclose', () => this.#end(undefined));
    transport.on('routerclose', () =>
      this.#end(new LivedubError('LIVEDUB_E_SFU_FAILED', 'The router of this tap is gone.')),
    );
  }

  static async create(
    router: types.Router,
    producer: types.Producer,
    options: RtpTapOptions,
  ): Promise<RtpTap> {
    const transport = await router.createDirectTransport();
    try {
      const consumer = await transport.consume({
        producerId: options.producerId,
        rtpCapabilities: tapCapabilities(router.rtpCapabilities),
      });
      const tap = new RtpTap(transport, consumer, options);
      if (options.onSenderReport !== undefined)
        await readSenderReports(producer, tap, options.onSenderReport);
      return tap;
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  get ssrc(): number {
    return this.consumer.rtpParameters.encodings![0]!.ssrc!;
  }

  get receivedPackets(): number {
    return this.#received;
  }

  /** Packets lost to a slow reader of `packets`. */
  get droppedPackets(): number {
    return this.#queue.dropped;
  }

  /** Packets waiting for the reader of `packets`. */
  get queuedPackets(): number {
    return this.#queue.length;
  }

  /** The packets in order, until the track ends. For one reader. */
  async *packets(signal?: AbortSignal): AsyncGenerator<Buffer> {
    for (;;) {
      const packet = await this.#queue.shift(signal);
      if (packet === undefined) return;
      yield packet;
    }
  }

  /** Asks the sender of a video track for a keyframe. */
  async requestKeyframe(): Promise<void> {
    if (!this.consumer.closed) await this.consumer.requestKeyFrame();
  }

  /** Stops reading; what is queued can still be read. Idempotent. */
  close(): void {
    this.#end(undefined);
  }

  readonly #enqueue = (packet: Buffer): void => {
    this.#received += 1;
    try {
      if (!this.#queue.closed) this.#queue.tryPush(packet);
    } catch (error) {
      this.#end(toLivedubError(error));
    }
  };

  #handOver(onPacket: (packet: Buffer) => void): (packet: Buffer) => void {
    return (packet) => {
      this.#received += 1;
      try {
        onPacket(packet);
      } catch (error) {
        // mediasoup would swallow it, and the track would go on with a hole.
        this.#end(toLivedubError(error));
      }
    };
  }

  #end(failure: LivedubError | undefined): void {
    if (this.#settle === undefined) return;
    if (failure === undefined) this.#queue.close();
    else this.#queue.fail(failure);
    this.#settle(failure);
    this.#settle = undefined;
    this.#transport.close();
  }
}

/**
 * A DirectTransport never sends RTCP of its own (mediasoup starts that timer on connected transports only), so reports
 * are read where they come in. Timestamps are the same on both sides: simple consumers and pipes keep them.
 */
async function readSenderReports(
  producer: types.Producer,
  tap: RtpTap,
  onSenderReport: (wallUs: number, rtpTimestamp: number) => void,
): Promise<void> {
  const onTrace = (trace: types.ProducerTraceEventData) => {
    if (trace.type !== 'sr') return;
    const info = trace.info as { ntpSec: number; ntpFrac: number; rtpTs: number };
    onSenderReport(wallUsOfNtp(info.ntpSec, info.ntpFrac), info.rtpTs);
  };
  producer.on('trace', onTrace);
  const stop = () => producer.off('trace', onTrace);
  tap.ended.then(stop, stop);
  await producer.enableTraceEvent(['sr']);
}
