import { RtpTimestampUnwrapper, sequenceDelta, wrap32 } from './rtp-timestamp.ts';

export interface RelaySourceOptions {
  /** Added to the source's timestamps, in RTP ticks. Default: from `startMediaTimeUs`, else 0. */
  readonly timestampOffset?: number;
  /** Media time of the source's first packet, µs. Default: timestamps are media time × clock rate already. */
  readonly startMediaTimeUs?: number;
  /**
   * About which media time the source is, µs: tells apart times that share a 32-bit timestamp. Default: where the relay
   * is, and at its start the first turn of the clock.
   */
  readonly nearMediaTimeUs?: number;
}

export interface RelayedPosition {
  /** 16 bits. */
  readonly sequence: number;
  /** 32 bits. */
  readonly timestamp: number;
  readonly mediaTimeUs: number;
}

const WRAP_32 = 0x1_0000_0000;

/**
 * Numbers the packets of a track that outlives its sources. Sequence numbers go on where the former source ended; gaps
 * and reordering within one source stay, so that receivers see losses as they are and late packets find their place.
 * Timestamps are the source's plus a constant.
 */
export class RelayTimeline {
  readonly clockRateHz: number;
  #highestSequence = -1;
  #lastTicks: number | undefined;
  #source: object | undefined;

  constructor(options: { readonly clockRateHz: number }) {
    this.clockRateHz = options.clockRateHz;
  }

  /** A new source; what the former one still sends is refused from now on. */
  open(options: RelaySourceOptions = {}): RelaySource {
    const source: RelaySource = new RelaySource(
      {
        clockRateHz: this.clockRateHz,
        isCurrent: () => this.#source === source,
        highestSequence: () => this.#highestSequence,
        lastTicks: () => this.#lastTicks,
        sent: (sequence, ticks) => {
          if (sequence > this.#highestSequence) this.#highestSequence = sequence;
          this.#lastTicks = ticks;
        },
      },
      options,
    );
    this.#source = source;
    return source;
  }

  /** 32-bit timestamp of a media time, µs. */
  timestampOf(mediaTimeUs: number): number {
    return wrap32(Math.round((mediaTimeUs * this.clockRateHz) / 1e6));
  }
}

interface Relay {
  readonly clockRateHz: number;
  isCurrent(): boolean;
  highestSequence(): number;
  lastTicks(): number | undefined;
  sent(sequence: number, ticks: number): void;
}

/** One source of a relay. */
export class RelaySource {
  readonly #relay: Relay;
  readonly #options: RelaySourceOptions;
  readonly #unwrapper = new RtpTimestampUnwrapper();
  #offsetTicks: number | undefined;
  /** Added to the source's extended sequence numbers. */
  #sequenceOffset = 0;
  #firstSequence = 0;
  /** Extended, of the source. */
  #highest = 0;

  constructor(relay: Relay, options: RelaySourceOptions) {
    this.#relay = relay;
    this.#options = options;
  }

  get isCurrent(): boolean {
    return this.#relay.isCurrent();
  }

  /** What is added to this source's timestamps, in RTP ticks; undefined until its first packet. */
  get timestampOffset(): number | undefined {
    return this.#offsetTicks;
  }

  /**
   * @param sequence 16 bits, of the source
   * @param timestamp 32 bits, of the source
   * @returns undefined when another source has taken over, or when the packet belongs before this source's first one,
   *   where there is no number free
   */
  map(sequence: number, timestamp: number): RelayedPosition | undefined {
    const relay = this.#relay;
    if (!relay.isCurrent()) return undefined;
    const sourceTicks = this.#unwrapper.unwrap(timestamp);
    if (this.#offsetTicks === undefined) {
      this.#offsetTicks = this.#findOffset(sourceTicks);
      this.#highest = sequence;
      this.#firstSequence = relay.highestSequence() + 1;
      this.#sequenceOffset = this.#firstSequence - sequence;
    }
    const extended = this.#highest + sequenceDelta(sequence, this.#highest & 0xffff);
    if (extended > this.#highest) this.#highest = extended;
    const outSequence = extended + this.#sequenceOffset;
    if (outSequence < this.#firstSequence) return undefined;
    const ticks = sourceTicks + this.#offsetTicks;
    relay.sent(outSequence, ticks);
    return {
      sequence: outSequence & 0xffff,
      timestamp: wrap32(ticks),
      mediaTimeUs: Math.round((ticks * 1e6) / relay.clockRateHz),
    };
  }

  #findOffset(firstTicks: number): number {
    const { timestampOffset, startMediaTimeUs, nearMediaTimeUs } = this.#options;
    const { clockRateHz } = this.#relay;
    const ticksOf = (mediaTimeUs: number) => Math.round((mediaTimeUs * clockRateHz) / 1e6);
    if (timestampOffset === undefined && startMediaTimeUs !== undefined) {
      return ticksOf(startMediaTimeUs) - firstTicks;
    }
    const offset = timestampOffset ?? 0;
    const near = nearMediaTimeUs === undefined ? this.#relay.lastTicks() : ticksOf(nearMediaTimeUs);
    if (near === undefined) return offset;
    return offset + Math.round((near - (firstTicks + offset)) / WRAP_32) * WRAP_32;
  }
}
