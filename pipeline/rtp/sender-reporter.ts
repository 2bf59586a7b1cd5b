import {
  RtcpPacketConverter,
  RtcpSenderInfo,
  RtcpSourceDescriptionPacket,
  RtcpSrPacket,
  SourceDescriptionChunk,
  SourceDescriptionItem,
} from 'werift-rtp';
import { ntpBigintOfWallUs, wallUsOfNtpBigint } from './ntp.ts';

const SDES_CNAME = 1;

/** What a report needs to know of the track it is about. */
export interface ReportedTrack {
  /** Capture time of media time 0, µs since the Unix epoch. */
  readonly originUs: number;
  readonly writer: { readonly packets: number; readonly payloadBytes: number };
  /** 32-bit RTP timestamp of a media time, µs. */
  timestampOf(mediaTimeUs: number): number;
}

export interface SenderReporterOptions {
  readonly packetiser: ReportedTrack;
  readonly ssrc: number;
  /** Canonical name shared by the tracks that belong together in time. */
  readonly cname: string;
}

/**
 * Builds RTCP sender reports (RFC 3550 §6.4.1) for one track. A report says which RTP timestamp belongs to a wall time:
 * the line through all capture times, read at the moment of sending. Tracks with one origin therefore stay in step at
 * the player, however far behind live they are sent.
 */
export class SenderReporter {
  readonly #packetiser: ReportedTrack;
  readonly #ssrc: number;
  readonly #description: Buffer;

  constructor(options: SenderReporterOptions) {
    this.#packetiser = options.packetiser;
    this.#ssrc = options.ssrc;
    this.#description = new RtcpSourceDescriptionPacket({
      chunks: [
        new SourceDescriptionChunk({
          source: options.ssrc,
          items: [new SourceDescriptionItem({ type: SDES_CNAME, text: options.cname })],
        }),
      ],
    }).serialize();
  }

  /**
   * @param wallUs wall time of sending, µs since the Unix epoch, on the clock that capture times are on
   * @returns one compound packet: sender report and CNAME
   */
  report(wallUs: number): Buffer {
    const { writer, originUs } = this.#packetiser;
    const report = new RtcpSrPacket({
      ssrc: this.#ssrc,
      senderInfo: new RtcpSenderInfo({
        ntpTimestamp: ntpBigintOfWallUs(wallUs),
        rtpTimestamp: this.#packetiser.timestampOf(wallUs - originUs),
        packetCount: writer.packets >>> 0,
        octetCount: writer.payloadBytes % 0x1_0000_0000,
      }),
    });
    return Buffer.concat([report.serialize(), this.#description]);
  }
}

/** What a received sender report says: at `wallUs` the RTP clock of `ssrc` showed `rtpTimestamp`. */
export interface ReceivedSenderReport {
  readonly ssrc: number;
  readonly wallUs: number;
  readonly rtpTimestamp: number;
}

/** The sender reports in a compound RTCP packet; anything else in it is passed over. */
export function readSenderReports(rtcp: Uint8Array): readonly ReceivedSenderReport[] {
  const data = Buffer.isBuffer(rtcp) ? rtcp : Buffer.from(rtcp.buffer, rtcp.byteOffset, rtcp.byteLength);
  const reports: ReceivedSenderReport[] = [];
  for (const packet of RtcpPacketConverter.deSerialize(data)) {
    if (!(packet instanceof RtcpSrPacket)) continue;
    reports.push({
      ssrc: packet.ssrc,
      wallUs: wallUsOfNtpBigint(packet.senderInfo.ntpTimestamp),
      rtpTimestamp: packet.senderInfo.rtpTimestamp,
    });
  }
  return reports;
}
