import { randomInt } from 'node:crypto';
import type { types } from 'mediasoup';
import { RtcpPacketConverter, RtcpPayloadSpecificFeedback } from 'werift-rtp';
import { LivedubError } from '../pipeline/errors.ts';
import type { RtpCodec } from '../pipeline/rtp/rtp-packet.ts';
import type { SenderReporter } from '../pipeline/rtp/sender-reporter.ts';
import { describeTrack, feedParameters } from './codecs.ts';

export interface RtpFeedOptions {
  readonly codec: RtpCodec;
  /** Names the source; tracks with one cname belong together in time. */
  readonly cname: string;
  /** Default: random. */
  readonly ssrc?: number;
  readonly h264ProfileLevelId?: string;
  /** A player needs a keyframe; at most one call per keyframe that is on its way. Default: nothing. */
  readonly onKeyframeRequest?: () => void;
  /** `ready` waits while more packets than this are on their way into the worker. Default 256. */
  readonly highWaterPackets?: number;
  /**
   * Resolves when what was sent so far has arrived. Default: a round trip to the worker. A sender that feeds a cascade
   * faster than real time gives the cascade's `drained` here.
   */
  readonly fence?: () => Promise<void>;
  /** Kept with the producer, e.g. language and rendition. */
  readonly appData?: types.AppData;
}

/** Packets between two fences while nobody waits: bounds what `bufferedPackets` can overstate. */
const FENCE_EVERY_PACKETS = 32;

/**
 * A track that code sends into a router. Nothing is lost on this way and nothing slows the sender down by itself: one
 * that is faster than real time (a replay) awaits `ready` before it goes on.
 */
export class RtpFeed {
  readonly producer: types.Producer;
  readonly ssrc: number;
  readonly codec: RtpCodec;
  readonly payloadType: number;
  readonly captureTimeId: number;
  readonly #transport: types.DirectTransport;
  readonly #highWaterPackets: number;
  readonly #fence: () => Promise<void>;
  #sent = 0;
  #arrived = 0;
  #fenceInFlight = false;
  #waiters: (() => void)[] = [];
  #reportTimer: NodeJS.Timeout | undefined;
  #failure: LivedubError | undefined;

  private constructor(
    transport: types.DirectTransport,
    producer: types.Producer,
    ssrc: number,
    options: RtpFeedOptions,
  ) {
    const track = describeTrack(producer.rtpParameters);
    this.#transport = transport;
    this.producer = producer;
    this.ssrc = ssrc;
    this.codec = options.codec;
    this.payloadType = track.payloadType;
    this.captureTimeId = track.captureTimeId!;
    this.#highWaterPackets = options.highWaterPackets ?? 256;
    // The channel to the worker keeps order, so any answer to a request means that all before it was taken in.
    this.#fence = options.fence ?? (() => transport.enableTraceEvent([]));
    transport.on('rtcp', (rtcp) => {
      if (options.onKeyframeRequest !== undefined && asksForKeyframe(rtcp)) options.onKeyframeRequest();
    });
    producer.on('transportclose', () =>
      this.#end(new LivedubError('LIVEDUB_E_SFU_FAILED', 'The router of this feed is gone.')),
    );
    producer.observer.once('close', () =>
      this.#end(new LivedubError('LIVEDUB_E_CLOSED', 'The feed is closed.')),
    );
  }

  static async create(router: types.Router, options: RtpFeedOptions): Promise<RtpFeed> {
    const ssrc = options.ssrc ?? randomInt(1, 0x7fff_ffff);
    const transport = await router.createDirectTransport();
    try {
      const producer = await transport.produce({
        kind: options.codec === 'opus' ? 'audio' : 'video',
        rtpParameters: feedParameters({ ...options, ssrc }),
        appData: options.appData ?? {},
      });
      return new RtpFeed(transport, producer, ssrc, options);
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  get id(): string {
    return this.producer.id;
  }

  get closed(): boolean {
    return this.#failure !== undefined;
  }

  /** What a packetiser of this track needs to know. */
  get packetiserOptions(): { codec: RtpCodec; ssrc: number; payloadType: number; captureTimeId: number } {
    const { codec, ssrc, payloadType, captureTimeId } = this;
    return { codec, ssrc, payloadType, captureTimeId };
  }

  /** Packets sent of which it is not yet known that they arrived: the truth or up to 32 more. */
  get bufferedPackets(): number {
    return this.#sent - this.#arrived;
  }

  get sentPackets(): number {
    return this.#sent;
  }

  /**
   * @param packet one whole RTP packet; its bytes are copied before this returns
   * @throws LivedubError LIVEDUB_E_CLOSED or LIVEDUB_E_SFU_FAILED when the feed has ended
   */
  send(packet: Buffer): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.producer.send(packet);
    this.#sent += 1;
    if (this.bufferedPackets >= FENCE_EVERY_PACKETS) this.#startFence();
  }

  /** Resolves at once, or as soon as fewer than `highWaterPackets` are on their way. */
  async ready(signal?: AbortSignal): Promise<void> {
    await this.#until(() => this.bufferedPackets < this.#highWaterPackets, signal);
  }

  /** Resolves when everything sent before this call has arrived. */
  async flushed(signal?: AbortSignal): Promise<void> {
    const target = this.#sent;
    await this.#until(() => this.#arrived >= target, signal);
  }

  /** A compound RTCP packet of this track. */
  sendRtcp(packet: Buffer): void {
    if (this.#failure === undefined) this.#transport.sendRtcp(packet);
  }

  /**
   * Sends sender reports at once and from time to time until the feed ends. For media that goes out in real time: from
   * a replay that runs faster, nobody could tell what wall time means, and capture times say all.
   * @param wallUs µs since the Unix epoch, on the clock of the capture times
   */
  startReports(reporter: SenderReporter, wallUs: () => number, everyMs = 1000): void {
    clearInterval(this.#reportTimer);
    const report = () => this.sendRtcp(reporter.report(wallUs()));
    report();
    this.#reportTimer = setInterval(report, everyMs);
    this.#reportTimer.unref();
  }

  /** Ends the track; what was sent before is delivered first. Idempotent. */
  close(): void {
    // Closing only the producer first keeps it in order with the packets; its consumers end by themselves.
    this.producer.close();
    this.#transport.close();
  }

  #end(failure: LivedubError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    clearInterval(this.#reportTimer);
    this.#wake();
  }

  async #until(reached: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    while (!reached()) {
      signal?.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      this.#startFence();
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiters.push(wake);
        signal?.addEventListener('abort', wake, { once: true });
      });
    }
  }

  #startFence(): void {
    if (this.#fenceInFlight || this.#failure !== undefined) return;
    this.#fenceInFlight = true;
    const mark = this.#sent;
    this.#fence().then(
      // Notifications that the worker sent before its answer are handed out in the next turn: let them go first.
      () => setImmediate(() => this.#fenced(mark)),
      (error: unknown) => {
        this.#fenceInFlight = false;
        this.#end(
          new LivedubError('LIVEDUB_E_SFU_FAILED', 'The media worker does not answer.', { cause: error }),
        );
      },
    );
  }

  #fenced(mark: number): void {
    this.#fenceInFlight = false;
    this.#arrived = mark;
    this.#wake();
    if (this.bufferedPackets >= FENCE_EVERY_PACKETS) this.#startFence();
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

function asksForKeyframe(rtcp: Buffer): boolean {
  return RtcpPacketConverter.deSerialize(rtcp).some(
    (packet) =>
      packet instanceof RtcpPayloadSpecificFeedback &&
      // PLI (RFC 4585 §6.3.1) or FIR (RFC 5104 §4.3.1).
      (packet.feedback?.count === 1 || packet.feedback?.count === 4),
  );
}
