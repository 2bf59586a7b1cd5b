import { RtpHeader } from 'werift-rtp';
import { ntpOfWallUs } from './ntp.ts';

export interface RtpWriterOptions {
  readonly ssrc: number;
  readonly payloadType: number;
  /** Sequence number of the first packet. Default 0: SRTP, where it is used, has keys of its own for every stream. */
  readonly firstSequence?: number;
  /** Id under which abs-capture-time was negotiated; without it capture times are not written. */
  readonly captureTimeId?: number;
}

/**
 * Serialises the packets of one track. werift-rtp writes the header once; every packet gets a copy of it with its own
 * sequence number, timestamp, marker and capture time put in place.
 */
export class RtpWriter {
  readonly headerBytes: number;
  readonly #template: Buffer;
  readonly #captureOffset: number;
  #sequence: number;
  #packets = 0;
  #payloadBytes = 0;

  constructor(options: RtpWriterOptions) {
    const header = new RtpHeader({
      ssrc: options.ssrc,
      payloadType: options.payloadType,
      extensions:
        options.captureTimeId === undefined ? [] : [{ id: options.captureTimeId, payload: Buffer.alloc(8) }],
    });
    this.#template = header.serialize(header.serializeSize);
    // Fixed header 12, extension header 4, element head 1 (RFC 8285 §4.2).
    this.#captureOffset = options.captureTimeId === undefined ? -1 : 17;
    this.headerBytes = this.#template.length;
    this.#sequence = options.firstSequence ?? 0;
  }

  /** Packets and payload bytes so far, as sender reports want them. */
  get packets(): number {
    return this.#packets;
  }

  get payloadBytes(): number {
    return this.#payloadBytes;
  }

  /** Sequence number the next packet gets. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /**
   * A packet with its header done and room for a payload of `payloadBytes` from `headerBytes` on.
   * @param captureUs capture time, µs since the Unix epoch; written when an id was given
   * @param sequence for a relay, which keeps its source's order. Default: the next
   */
  begin(
    payloadBytes: number,
    timestamp: number,
    marker: boolean,
    captureUs: number,
    sequence = this.#sequence,
  ): Buffer {
    const packet = Buffer.allocUnsafe(this.headerBytes + payloadBytes);
    this.#template.copy(packet);
    if (marker) packet[1] = packet[1]! | 0x80;
    packet.writeUInt16BE(sequence, 2);
    packet.writeUInt32BE(timestamp, 4);
    if (this.#captureOffset >= 0) {
      const { seconds, fraction } = ntpOfWallUs(captureUs);
      packet.writeUInt32BE(seconds, this.#captureOffset);
      packet.writeUInt32BE(fraction, this.#captureOffset + 4);
    }
    this.#sequence = (sequence + 1) & 0xffff;
    this.#packets += 1;
    this.#payloadBytes += payloadBytes;
    return packet;
  }
}
