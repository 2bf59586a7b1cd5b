import type { RtpPacketInfo } from './rtp-packet.ts';
import { sequenceDelta } from './rtp-timestamp.ts';

export interface JitterBufferSink {
  /** Every packet exactly once, in sequence order. */
  packet(packet: RtpPacketInfo): void;
  /** `count` packets from `firstSequence` (16 bits) on are given up; the next packet follows the hole. */
  gap(firstSequence: number, count: number): void;
}

export interface JitterBufferOptions {
  readonly clockRateHz: number;
  readonly sink: JitterBufferSink;
  /** Most packets held back while one is missing. A power of two. Default 512. */
  readonly maxPackets?: number;
  /** A missing packet is given up once media this much newer has come, µs. Default 200 000. */
  readonly gapAfterMediaUs?: number;
  /** … or once its successor has waited this long by the arrival clock, µs. Default 200 000. */
  readonly gapAfterArrivalUs?: number;
}

export interface JitterBufferStats {
  readonly delivered: number;
  readonly duplicates: number;
  /** Came after they were given up, or a second time after they were delivered. */
  readonly late: number;
  /** Given up and never come in time. */
  readonly lost: number;
  /** Times the sequence started afresh. */
  readonly resets: number;
}

interface Held {
  readonly packet: RtpPacketInfo;
  readonly arrivalUs: number;
}

/**
 * Puts RTP packets back into sequence order. Time is what the caller says it is (arrival) or what the packets say
 * (media), never the machine's: a replay ten times as fast behaves the same. In-order packets pass straight through.
 */
export class JitterBuffer {
  readonly #sink: JitterBufferSink;
  readonly #size: number;
  readonly #mask: number;
  readonly #gapAfterTicks: number;
  readonly #gapAfterArrivalUs: number;
  readonly #slots: (Held | undefined)[];
  /** Next sequence number to deliver; undefined before the first packet. */
  #next: number | undefined;
  #heldCount = 0;
  #suspect: RtpPacketInfo | undefined;
  #delivered = 0;
  #duplicates = 0;
  #late = 0;
  #lost = 0;
  #resets = 0;

  constructor(options: JitterBufferOptions) {
    this.#sink = options.sink;
    this.#size = options.maxPackets ?? 512;
    if (!Number.isInteger(Math.log2(this.#size)) || this.#size > 16_384) {
      throw new RangeError(`maxPackets must be a power of two up to 16384, not ${this.#size}`);
    }
    this.#mask = this.#size - 1;
    this.#gapAfterTicks = ((options.gapAfterMediaUs ?? 200_000) * options.clockRateHz) / 1e6;
    this.#gapAfterArrivalUs = options.gapAfterArrivalUs ?? 200_000;
    this.#slots = new Array<Held | undefined>(this.#size).fill(undefined);
  }

  get stats(): JitterBufferStats {
    return {
      delivered: this.#delivered,
      duplicates: this.#duplicates,
      late: this.#late,
      lost: this.#lost,
      resets: this.#resets,
    };
  }

  /** How many packets wait for a missing one. */
  get held(): number {
    return this.#heldCount;
  }

  push(packet: RtpPacketInfo, arrivalUs: number): void {
    this.#next ??= packet.sequence;
    const ahead = sequenceDelta(packet.sequence, this.#next);
    if (ahead === 0 && this.#heldCount === 0) {
      this.#deliver(packet);
      return;
    }
    if (ahead < -this.#size || ahead >= this.#size * 4) {
      this.#restart(packet);
      return;
    }
    this.#suspect = undefined;
    if (ahead < 0) {
      this.#late += 1;
      return;
    }
    // Further ahead than there is room: give up the oldest holes until it fits.
    while (sequenceDelta(packet.sequence, this.#next) >= this.#size) this.#giveUpHole(packet.sequence);
    const slot = packet.sequence & this.#mask;
    if (this.#slots[slot] !== undefined) {
      this.#duplicates += 1;
      return;
    }
    this.#slots[slot] = { packet, arrivalUs };
    this.#heldCount += 1;
    this.#drain();
    this.#expire(packet.timestamp, arrivalUs);
  }

  /** Gives up what is overdue by the arrival clock; call it now and then while nothing arrives. */
  poll(nowUs: number): void {
    this.#expire(undefined, nowUs);
  }

  /** The end: delivers everything still held, with its gaps. */
  flush(): void {
    while (this.#heldCount > 0) this.#giveUpHole(undefined);
  }

  #deliver(packet: RtpPacketInfo): void {
    this.#suspect = undefined;
    this.#next = (packet.sequence + 1) & 0xffff;
    this.#delivered += 1;
    this.#sink.packet(packet);
  }

  #drain(): void {
    while (this.#heldCount > 0) {
      const slot = this.#next! & this.#mask;
      const held = this.#slots[slot];
      if (held === undefined) return;
      this.#slots[slot] = undefined;
      this.#heldCount -= 1;
      this.#deliver(held.packet);
    }
  }

  /** Skips the hole in front of the oldest held packet, then delivers what follows it. */
  #giveUpHole(until: number | undefined): void {
    const first = this.#next!;
    let count = 0;
    if (this.#heldCount === 0) {
      if (until === undefined) return;
      count = sequenceDelta(until, first) - this.#size + 1;
    } else {
      while (this.#slots[(first + count) & this.#mask] === undefined) count += 1;
    }
    this.#lost += count;
    this.#next = (first + count) & 0xffff;
    this.#sink.gap(first, count);
    this.#drain();
  }

  #expire(newestTimestamp: number | undefined, nowUs: number): void {
    while (this.#heldCount > 0) {
      const oldest = this.#oldestHeld();
      const byArrival = nowUs - oldest.arrivalUs >= this.#gapAfterArrivalUs;
      const byMedia =
        newestTimestamp !== undefined &&
        ((newestTimestamp - oldest.packet.timestamp) | 0) >= this.#gapAfterTicks;
      if (!byArrival && !byMedia) return;
      this.#giveUpHole(undefined);
    }
  }

  #oldestHeld(): Held {
    let sequence = this.#next!;
    for (;;) {
      const held = this.#slots[sequence & this.#mask];
      if (held !== undefined) return held;
      sequence += 1;
    }
  }

  /** A sender that starts afresh shows two consecutive numbers far off; one alone is a stray (RFC 3550 §A.1). */
  #restart(packet: RtpPacketInfo): void {
    const suspect = this.#suspect;
    if (suspect === undefined || sequenceDelta(packet.sequence, suspect.sequence) !== 1) {
      if (suspect !== undefined) this.#late += 1;
      this.#suspect = packet;
      return;
    }
    this.flush();
    this.#resets += 1;
    this.#sink.gap(suspect.sequence, 0);
    this.#deliver(suspect);
    this.#deliver(packet);
  }
}
