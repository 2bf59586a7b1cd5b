import type { EncodedFrame } from '../frames.ts';
import { splitAnnexB } from './annex-b.ts';
import { RTP_CLOCK_HZ, type RtpCodec } from './rtp-packet.ts';
import { wrap32 } from './rtp-timestamp.ts';
import { RtpWriter, type RtpWriterOptions } from './rtp-writer.ts';

export interface PacketiserOptions extends RtpWriterOptions {
  readonly codec: RtpCodec;
  /** Largest RTP packet, header included. Default 1200, which passes every common tunnel. */
  readonly mtuBytes?: number;
  /** RTP timestamp of media time 0. Default 0. */
  readonly firstTimestamp?: number;
  /** Wall time (µs since the Unix epoch) of media time 0; what capture times and sender reports say. Default 0. */
  readonly originUs?: number;
}

/** Turns encoded frames of one track into RTP packets; each comes out as soon as it is whole. */
export interface Packetiser {
  readonly codec: RtpCodec;
  readonly clockRateHz: number;
  readonly originUs: number;
  readonly writer: RtpWriter;
  /** Calls `send` for each packet of the frame, in order. @returns how many */
  packetise(frame: EncodedFrame, send: (packet: Buffer) => void): number;
  /** RTP timestamp of a media time. */
  timestampOf(mediaTimeUs: number): number;
}

const DEFAULT_MTU_BYTES = 1200;

export function createPacketiser(options: PacketiserOptions): Packetiser {
  switch (options.codec) {
    case 'opus':
      return new OpusPacketiser(options);
    case 'vp8':
      return new Vp8Packetiser(options);
    case 'h264':
      return new H264Packetiser(options);
  }
}

abstract class BasePacketiser implements Packetiser {
  readonly codec: RtpCodec;
  readonly clockRateHz: number;
  readonly originUs: number;
  readonly writer: RtpWriter;
  protected readonly maxPayloadBytes: number;
  readonly #firstTimestamp: number;

  constructor(options: PacketiserOptions) {
    this.codec = options.codec;
    this.clockRateHz = RTP_CLOCK_HZ[options.codec];
    this.originUs = options.originUs ?? 0;
    this.writer = new RtpWriter(options);
    this.maxPayloadBytes = (options.mtuBytes ?? DEFAULT_MTU_BYTES) - this.writer.headerBytes;
    if (this.maxPayloadBytes < 16) throw new RangeError(`mtuBytes is too small: ${options.mtuBytes}`);
    this.#firstTimestamp = options.firstTimestamp ?? 0;
  }

  abstract packetise(frame: EncodedFrame, send: (packet: Buffer) => void): number;

  timestampOf(mediaTimeUs: number): number {
    return wrap32(this.#firstTimestamp + Math.round((mediaTimeUs * this.clockRateHz) / 1e6));
  }
}

/** RFC 7587: one frame, one packet. The marker opens a talk spurt; with sound that never stops that is the first. */
export class OpusPacketiser extends BasePacketiser {
  #nextTimeUs = Number.NaN;

  packetise(frame: EncodedFrame, send: (packet: Buffer) => void): number {
    const marker = frame.mediaTimeUs !== this.#nextTimeUs;
    this.#nextTimeUs = frame.mediaTimeUs + frame.durationUs;
    const packet = this.writer.begin(
      frame.data.length,
      this.timestampOf(frame.mediaTimeUs),
      marker,
      this.originUs + frame.mediaTimeUs,
    );
    packet.set(frame.data, this.writer.headerBytes);
    send(packet);
    return 1;
  }
}

/** RFC 7741 with a 15-bit picture id, in even fragments: equal sizes leave no tiny last packet. */
export class Vp8Packetiser extends BasePacketiser {
  #pictureId = 0;

  packetise(frame: EncodedFrame, send: (packet: Buffer) => void): number {
    const { data } = frame;
    const room = this.maxPayloadBytes - VP8_DESCRIPTOR_BYTES;
    const count = Math.max(1, Math.ceil(data.length / room));
    const timestamp = this.timestampOf(frame.mediaTimeUs);
    let from = 0;
    for (let i = 0; i < count; i++) {
      const to = Math.floor((data.length * (i + 1)) / count);
      const packet = this.writer.begin(
        VP8_DESCRIPTOR_BYTES + to - from,
        timestamp,
        i === count - 1,
        this.originUs + frame.mediaTimeUs,
      );
      const at = this.writer.headerBytes;
      packet[at] = i === 0 ? 0x90 : 0x80;
      packet[at + 1] = 0x80;
      packet[at + 2] = 0x80 | (this.#pictureId >> 8);
      packet[at + 3] = this.#pictureId & 0xff;
      copyInto(packet, at + VP8_DESCRIPTOR_BYTES, data, from, to);
      send(packet);
      from = to;
    }
    this.#pictureId = (this.#pictureId + 1) & 0x7fff;
    return count;
  }
}

/** X and S (or not), I, and two bytes of picture id. */
const VP8_DESCRIPTOR_BYTES = 4;

/**
 * RFC 6184 packetization mode 1: small units together in STAP-A, large ones in FU-A. Takes Annex B access units.
 * Keyframes must bring their parameter sets with them: an SFU knows a keyframe by its SPS, and players join there.
 */
export class H264Packetiser extends BasePacketiser {
  packetise(frame: EncodedFrame, send: (packet: Buffer) => void): number {
    const units = splitAnnexB(frame.data);
    const timestamp = this.timestampOf(frame.mediaTimeUs);
    const captureUs = this.originUs + frame.mediaTimeUs;
    let sent = 0;
    let at = 0;
    while (at < units.length) {
      let end = at;
      let bytes = 1;
      while (end < units.length && bytes + 2 + units[end]!.length <= this.maxPayloadBytes) {
        bytes += 2 + units[end]!.length;
        end += 1;
      }
      if (end - at >= 2) {
        send(this.#aggregate(units.slice(at, end), bytes, timestamp, end === units.length, captureUs));
        sent += 1;
        at = end;
        continue;
      }
      const unit = units[at]!;
      const last = at === units.length - 1;
      if (unit.length <= this.maxPayloadBytes) {
        const packet = this.writer.begin(unit.length, timestamp, last, captureUs);
        packet.set(unit, this.writer.headerBytes);
        send(packet);
        sent += 1;
      } else {
        sent += this.#fragment(unit, timestamp, last, captureUs, send);
      }
      at += 1;
    }
    return sent;
  }

  #aggregate(
    units: Uint8Array[],
    bytes: number,
    timestamp: number,
    marker: boolean,
    captureUs: number,
  ): Buffer {
    const packet = this.writer.begin(bytes, timestamp, marker, captureUs);
    let at = this.writer.headerBytes;
    // F and NRI are the highest of the units' own (RFC 6184 §5.7.1).
    let nri = 0;
    for (const unit of units) nri = Math.max(nri, unit[0]! & 0xe0);
    packet[at++] = nri | 24;
    for (const unit of units) {
      at = packet.writeUInt16BE(unit.length, at);
      packet.set(unit, at);
      at += unit.length;
    }
    return packet;
  }

  #fragment(
    unit: Uint8Array,
    timestamp: number,
    last: boolean,
    captureUs: number,
    send: (packet: Buffer) => void,
  ): number {
    const body = unit.length - 1;
    const count = Math.ceil(body / (this.maxPayloadBytes - 2));
    let from = 0;
    for (let i = 0; i < count; i++) {
      const to = Math.floor((body * (i + 1)) / count);
      const packet = this.writer.begin(2 + to - from, timestamp, last && i === count - 1, captureUs);
      const at = this.writer.headerBytes;
      packet[at] = (unit[0]! & 0xe0) | 28;
      packet[at + 1] = (unit[0]! & 0x1f) | (i === 0 ? 0x80 : 0) | (i === count - 1 ? 0x40 : 0);
      copyInto(packet, at + 2, unit, 1 + from, 1 + to);
      send(packet);
      from = to;
    }
    return count;
  }
}

function copyInto(target: Buffer, at: number, source: Uint8Array, from: number, to: number): void {
  target.set(from === 0 && to === source.length ? source : source.subarray(from, to), at);
}
