import { OpusEncoder } from '../../../pipeline/audio/opus.ts';
import type { AudioFrame, EncodedFrame } from '../../../pipeline/frames.ts';
import { createPacketiser, type Packetiser } from '../../../pipeline/rtp/packetiser.ts';
import type { SfuRouter } from '../../../sfu/router.ts';
import type { RtpFeed } from '../../../sfu/rtp-feed.ts';
import type { TrackKey } from '../contract.ts';

export interface DubFeedOptions {
  router: SfuRouter;
  key: TrackKey;
  /** 1 for a voice, 2 for a mix. */
  channels: 1 | 2;
  /** Wall time of media time 0, µs. */
  originUs: number;
}

/** One dubbed track of a worker: sound in, Opus as RTP out, with media time as RTP time. */
export class DubFeed {
  readonly key: TrackKey;
  readonly #encoder: OpusEncoder;
  readonly #packetiser: Packetiser;
  readonly #feed: RtpFeed;

  private constructor(options: DubFeedOptions, feed: RtpFeed) {
    this.key = options.key;
    // The encoder adds redundancy that covers a lost packet now and then.
    this.#encoder = new OpusEncoder({ channels: options.channels });
    this.#packetiser = createPacketiser({ ...feed.packetiserOptions, originUs: options.originUs });
    this.#feed = feed;
  }

  static async create(options: DubFeedOptions): Promise<DubFeed> {
    const feed = await options.router.createFeed({
      codec: 'opus',
      cname: 'dub',
      appData: { track: options.key },
    });
    return new DubFeed(options, feed);
  }

  /** Id of the track in the worker's router. */
  get producerId(): string {
    return this.#feed.id;
  }

  /** Sends 48 kHz sound at once; never waits. */
  send(frame: AudioFrame): void {
    if (!this.#feed.closed) this.#packetise(this.#encoder.encode(frame));
  }

  /** Idempotent. */
  close(): void {
    this.#feed.close();
  }

  #packetise(packets: readonly EncodedFrame[]): void {
    for (const packet of packets) this.#packetiser.packetise(packet, (rtp) => this.#feed.send(rtp));
  }
}
