import { OpusDecoder, OpusEncoder } from '../../pipeline/audio/opus.ts';
import { BoundedChannel } from '../../pipeline/bounded-channel.ts';
import type { AudioFrame, EncodedFrame } from '../../pipeline/frames.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import { createPacketiser, type Packetiser } from '../../pipeline/rtp/packetiser.ts';
import type { SfuRouter } from '../../sfu/router.ts';
import type { RtpFeed } from '../../sfu/rtp-feed.ts';
import type { RtpTap } from '../../sfu/rtp-tap.ts';
import { REPLAY_ORIGIN_US, tapOpus } from './replay.ts';

export interface RenditionTrackOptions {
  language: LanguageCode;
  router: SfuRouter;
  channels: 1 | 2;
  /** Gets the sound as a listener of the router's track would, in order. */
  record: (frame: AudioFrame) => void | Promise<void>;
  signal: AbortSignal;
}

/** Packets on their way to the recorder: two seconds of sound. */
const RECORD_QUEUE_PACKETS = 100;

/**
 * One dubbed track: mixed sound goes into the router as RTP, and the recorder gets what comes out of it, like any other
 * listener of that track.
 */
export class RenditionTrack {
  /** Settles when the last sample was recorded. */
  readonly recorded: Promise<void>;
  readonly #encoder: OpusEncoder;
  readonly #packetiser: Packetiser;
  readonly #feed: RtpFeed;
  readonly #tap: RtpTap;
  readonly #queue: BoundedChannel<EncodedFrame>;
  readonly #signal: AbortSignal;
  #endUs = Number.NEGATIVE_INFINITY;
  #inFlight = 0;
  #waiter: (() => void) | undefined;

  private constructor(
    options: RenditionTrackOptions,
    feed: RtpFeed,
    tap: RtpTap,
    queue: BoundedChannel<EncodedFrame>,
  ) {
    this.#encoder = new OpusEncoder({ channels: options.channels });
    this.#packetiser = createPacketiser({ ...feed.packetiserOptions, originUs: REPLAY_ORIGIN_US });
    this.#feed = feed;
    this.#tap = tap;
    this.#queue = queue;
    this.#signal = options.signal;
    tap.ended.then(
      () => queue.close(),
      (error) => queue.fail(error),
    );
    this.recorded = this.#record(options);
    this.recorded.catch(() => this.#wake());
  }

  static async create(options: RenditionTrackOptions): Promise<RenditionTrack> {
    const feed = await options.router.createFeed({
      codec: 'opus',
      cname: `dub-${options.language}`,
      appData: { language: options.language },
    });
    // The sender never has more than this under way, so a full queue would be a defect, not load.
    const queue = new BoundedChannel<EncodedFrame>({
      name: `record:${options.language}`,
      capacity: RECORD_QUEUE_PACKETS * 4,
      policy: 'fail',
    });
    const tap = await tapOpus(options.router, feed.id, (frame) => queue.tryPush(frame));
    return new RenditionTrack(options, feed, tap, queue);
  }

  /** Media time up to which sound was sent; −∞ before the first. */
  get endUs(): number {
    return this.#endUs;
  }

  /** Id of the track in the router. */
  get producerId(): string {
    return this.#feed.id;
  }

  /** Sends mixed sound; waits while the recorder is behind. */
  async send(frame: AudioFrame): Promise<void> {
    this.#endUs = frame.mediaTimeUs + (frame.planes[0]!.length * 1_000_000) / frame.sampleRateHz;
    this.#packetise(this.#encoder.encode(frame));
    while (this.#inFlight > RECORD_QUEUE_PACKETS) {
      this.#signal.throwIfAborted();
      await Promise.race([new Promise<void>((resolve) => (this.#waiter = resolve)), this.recorded]);
    }
  }

  /** Ends the track and waits until it is recorded. */
  async end(): Promise<void> {
    this.#packetise(this.#encoder.flush());
    await this.#feed.flushed(this.#signal);
    this.#feed.close();
    await this.recorded;
  }

  /** Idempotent. */
  close(): void {
    this.#feed.close();
    this.#tap.close();
  }

  #packetise(packets: readonly EncodedFrame[]): void {
    for (const packet of packets) {
      this.#packetiser.packetise(packet, (rtp) => this.#feed.send(rtp));
      this.#inFlight += 1;
    }
  }

  async #record(options: RenditionTrackOptions): Promise<void> {
    const decoder = new OpusDecoder({ channels: options.channels });
    for (;;) {
      const packet = await this.#queue.shift(options.signal);
      if (packet === undefined) return;
      await options.record(decoder.decode(packet));
      this.#inFlight -= 1;
      this.#wake();
    }
  }

  #wake(): void {
    this.#waiter?.();
    this.#waiter = undefined;
  }
}
