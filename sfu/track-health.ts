import type { types } from 'mediasoup';

/** How a track fares on the network between a peer and the server. */
export interface TrackHealth {
  readonly bitrateBps: number;
  readonly packets: number;
  /** Share lost since the last look, 0…1; what was sent again in time does not count. */
  readonly loss: number;
  readonly jitterMs: number;
  readonly roundTripMs?: number;
}

interface Counts {
  readonly packets: number;
  readonly lost: number;
}

/** Looks at one track from time to time. */
export class TrackHealthMeter {
  readonly #track: types.Producer | types.Consumer;
  readonly #clockRateHz: number;
  #last: Counts = { packets: 0, lost: 0 };

  constructor(track: types.Producer | types.Consumer) {
    this.#track = track;
    this.#clockRateHz = track.rtpParameters.codecs[0]!.clockRate;
  }

  /** @returns undefined when the track has ended, or nothing has been sent on it yet */
  async read(): Promise<TrackHealth | undefined> {
    if (this.#track.closed) return undefined;
    const all: (types.RtpStreamRecvStats | types.RtpStreamSendStats)[] = await this.#track
      .getStats()
      .catch(() => []);
    const type =
      this.#track instanceof Object && 'producerId' in this.#track ? 'outbound-rtp' : 'inbound-rtp';
    const stats = all.find((entry) => entry.type === type);
    if (stats === undefined) return undefined;
    const now: Counts = { packets: stats.packetCount, lost: stats.packetsLost };
    const packets = Math.max(0, now.packets - this.#last.packets);
    const lost = Math.max(0, now.lost - this.#last.lost);
    this.#last = now;
    return {
      bitrateBps: stats.bitrate,
      packets: now.packets,
      loss: packets + lost === 0 ? 0 : lost / (packets + lost),
      jitterMs: (stats.jitter * 1000) / this.#clockRateHz,
      ...(stats.roundTripTime ? { roundTripMs: stats.roundTripTime } : undefined),
    };
  }
}
