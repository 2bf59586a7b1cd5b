import { isKeyframeStart } from '../../pipeline/rtp/keyframe-start.ts';
import type { RtpCodec, RtpPacketInfo } from '../../pipeline/rtp/rtp-packet.ts';

/** Bounds of what is kept: three seconds of 10 Mbit/s. A longer row cannot be caught up with and is forgotten. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_PACKETS = 4096;

/** What a track has sent since its newest keyframe: whoever takes it up in between can begin there. */
export class RecentPictures {
  readonly codec: RtpCodec;
  #packets: RtpPacketInfo[] = [];
  #bytes = 0;
  #session: object | undefined;

  /** @param options.codec a codec of pictures */
  constructor(options: { codec: RtpCodec }) {
    this.codec = options.codec;
  }

  /** Begins with a keyframe; empty while none is known. */
  get packets(): readonly RtpPacketInfo[] {
    return this.#packets;
  }

  /** Whose packets they are. */
  get session(): object | undefined {
    return this.#session;
  }

  /** @param session who sent it: packets of one publishing session are numbered together */
  push(packet: RtpPacketInfo, session: object): void {
    // A keyframe of H.264 comes in several parts, each of which looks like a beginning.
    const isOfFirst = this.#session === session && this.#packets[0]?.timestamp === packet.timestamp;
    const isKeyframe = !isOfFirst && isKeyframeStart(this.codec, packet.payload);
    if (isKeyframe || session !== this.#session) this.clear();
    this.#session = session;
    if (!isKeyframe && this.#packets.length === 0) return;
    this.#packets.push(packet);
    this.#bytes += packet.payload.length;
    if (this.#bytes > MAX_BYTES || this.#packets.length > MAX_PACKETS) this.clear();
  }

  clear(): void {
    this.#packets = [];
    this.#bytes = 0;
  }
}
