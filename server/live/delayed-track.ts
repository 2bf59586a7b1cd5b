import { isKeyframeStart } from '../../pipeline/rtp/keyframe-start.ts';
import type { RtpPacketInfo } from '../../pipeline/rtp/rtp-packet.ts';
import { DelayLine } from '../../sfu/delay-line.ts';
import type { RelayInput, RelayTrack } from '../../sfu/relay-track.ts';

export interface DelayedTrackOptions {
  relay: RelayTrack;
  delayMs: number;
  /** Media time of now, µs. */
  nowUs: () => number;
  onKeyframeWanted: () => void;
  /** Told of each packet that goes out. */
  onPacket?: (packet: RtpPacketInfo, session: object) => void;
}

interface Item {
  readonly packet: RtpPacketInfo;
  /** Who sent it: packets of one publishing session are numbered together. */
  readonly session: object;
}

/** The original, the operator's delay later: the same packets out of a delay line. */
export class DelayedTrack {
  readonly relay: RelayTrack;
  readonly #line: DelayLine<Item>;
  #session: object | undefined;
  #input: RelayInput | undefined;

  constructor(options: DelayedTrackOptions) {
    const { relay, nowUs } = options;
    this.relay = relay;
    const isVideo = relay.codec !== 'opus';
    this.#line = new DelayLine<Item>({
      delayMs: options.delayMs,
      bytesOf: ({ packet }) => packet.payload.length,
      onRelease: ({ packet, session }) => {
        if (session !== this.#session) {
          this.#session = session;
          const nearMediaTimeUs = nowUs() - this.#line.delayMs * 1000;
          this.#input = relay.attach({ timestampOffset: 0, nearMediaTimeUs });
        }
        this.#input!.send(packet);
        options.onPacket?.(packet, session);
      },
      ...(isVideo
        ? {
            isKeyframeStart: ({ packet }) => isKeyframeStart(relay.codec, packet.payload),
            onKeyframeWanted: options.onKeyframeWanted,
          }
        : {}),
    });
  }

  push(packet: RtpPacketInfo, session: object): void {
    this.#line.push({ packet, session });
  }

  setDelay(delayMs: number): void {
    this.#line.setDelay(delayMs);
  }

  /** Idempotent. */
  close(): void {
    this.#line.close();
    this.relay.close();
  }
}
