import type { types } from 'mediasoup';
import type { TrackHealth } from '../../sfu/track-health.ts';
import type { IngestHealth } from './contract.ts';
import type { IngestTracks } from './programme.ts';

/** What a channel needs of whoever publishes to it, however. */
export interface Publisher {
  readonly protocol: NonNullable<IngestHealth['protocol']>;
  readonly tracks: IngestTracks;
  /** Figures since the last call. */
  health(): Promise<Omit<IngestHealth, 'connected'>>;
  /** Idempotent. */
  close(): void;
}

/** What a channel is published on: the programme, and clean speech beside it. */
export type PublishedAs = 'programme' | 'speech';

/** The publishers of one channel. */
export class Publishers {
  readonly #now = new Map<PublishedAs, Publisher>();

  get(as: PublishedAs): Publisher | undefined {
    return this.#now.get(as);
  }

  get count(): number {
    return this.#now.size;
  }

  /** Puts one in place; the former is ended. */
  set(as: PublishedAs, publisher: Publisher): void {
    const former = this.#now.get(as);
    // In this order: the former one's end is nobody's loss.
    this.#now.set(as, publisher);
    if (former !== publisher) former?.close();
  }

  /** @returns false when another one has taken its place */
  remove(as: PublishedAs, publisher: Publisher): boolean {
    if (this.#now.get(as) !== publisher) return false;
    this.#now.delete(as);
    return true;
  }

  closeAll(): void {
    const all = [...this.#now.values()];
    this.#now.clear();
    for (const publisher of all) publisher.close();
  }

  /**
   * @param levelDbfs of the sound, where it is known
   * @param picture as it is seen here
   */
  async health(levelDbfs: number | undefined, picture: PictureFigures): Promise<IngestHealth> {
    const programme = this.#now.get('programme');
    const health = await programme?.health().catch(() => undefined);
    if (!health) return { connected: programme !== undefined };
    return {
      ...health,
      connected: true,
      ...(health.audio && levelDbfs !== undefined ? { audio: { ...health.audio, levelDbfs } } : {}),
      ...(health.video ? { video: { ...health.video, ...picture } } : {}),
    };
  }
}

export interface PictureFigures {
  readonly fps: number;
  readonly width?: number;
  readonly height?: number;
}

/** Health of a WebRTC publisher. */
export function webRtcHealth(
  stats: { readonly audio?: TrackHealth; readonly video?: TrackHealth },
  video: types.Producer | undefined,
): Omit<IngestHealth, 'connected'> {
  const roundTripMs = stats.audio?.roundTripMs ?? stats.video?.roundTripMs;
  const codec = video?.rtpParameters.codecs[0]?.mimeType.replace(/^video\//, '') ?? '';
  return {
    protocol: 'whip',
    ...(stats.audio
      ? {
          audio: {
            bitrateBps: stats.audio.bitrateBps,
            loss: stats.audio.loss,
            jitterMs: stats.audio.jitterMs,
          },
        }
      : {}),
    ...(stats.video
      ? { video: { codec, bitrateBps: stats.video.bitrateBps, loss: stats.video.loss, fps: 0 } }
      : {}),
    ...(roundTripMs === undefined ? {} : { roundTripMs }),
  };
}
