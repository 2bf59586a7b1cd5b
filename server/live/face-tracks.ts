import type { EncodedFrame } from '../../pipeline/frames.ts';
import type { RtpPacketInfo } from '../../pipeline/rtp/rtp-packet.ts';
import type { RelayTrack } from '../../sfu/relay-track.ts';
import type { TrackKey } from './contract.ts';
import { FaceTrack } from './face-track.ts';
import { RecentPictures } from './recent-pictures.ts';
import type { RelayedSource } from './relayed-source.ts';

export interface FaceTracksOptions {
  /** About which media time of the delayed tracks is shown now, µs. */
  shownUs: () => number;
  onOriginalKeyframeWanted: () => void;
}

/** What is to become of one language's faces. */
export interface FaceWish {
  /** Somebody watches its picture. */
  readonly isWatched: boolean;
  /** The worker's pictures may be shown. */
  readonly isUsable: boolean;
}

const NOTHING: FaceWish = { isWatched: false, isUsable: false };

/** The pictures of a programme in which faces speak a dub, one a language. */
export class FaceTracks {
  readonly #o: FaceTracksOptions;
  readonly #tracks = new Map<TrackKey, FaceTrack>();
  readonly #wishes = new Map<TrackKey, FaceWish>();
  /** The worker's tracks. */
  readonly #sources = new Map<TrackKey, RelayedSource>();
  #recent: RecentPictures | undefined;

  constructor(options: FaceTracksOptions) {
    this.#o = options;
  }

  /** @param openRelay makes a relay that asks by `onKeyframeRequest` when a player needs a keyframe */
  async open(
    key: TrackKey,
    openRelay: (onKeyframeRequest: () => void) => Promise<RelayTrack>,
  ): Promise<RelayTrack> {
    let track: FaceTrack | undefined;
    const relay = await openRelay(() => track?.requestKeyframe());
    if (this.#recent?.codec !== relay.codec) this.#recent = new RecentPictures({ codec: relay.codec });
    track = new FaceTrack({
      relay,
      recent: this.#recent,
      shownUs: this.#o.shownUs,
      onKeyframeWanted: (of) => {
        if (of === 'made') this.#sources.get(key)?.requestKeyframe();
        else this.#o.onOriginalKeyframeWanted();
      },
    });
    this.#tracks.set(key, track);
    this.#apply(key);
    return relay;
  }

  /** Kept also for a track that is made later. */
  wish(language: string, wish: FaceWish): void {
    const key = faceKey(language);
    this.#wishes.set(key, wish);
    this.#apply(key);
  }

  /** A packet of the delayed original, as it is due. */
  original(packet: RtpPacketInfo, session: object): void {
    this.#recent?.push(packet, session);
    for (const track of this.#tracks.values()) track.original(packet, session);
  }

  /** A track of the worker; the former one's packets count no more. */
  attach(key: TrackKey, source: RelayedSource): void {
    this.#sources.get(key)?.close();
    // One of another codec belongs to a picture that is no more.
    if (this.#tracks.get(key)?.relay.codec === source.codec) this.#sources.set(key, source);
    else source.close();
  }

  made(key: TrackKey, packet: RtpPacketInfo, source: object): void {
    this.#tracks.get(key)?.made(packet, source);
  }

  /** As FaceTrack.isShown. */
  isShown(key: TrackKey, frame: EncodedFrame, source: object): boolean {
    return this.#tracks.get(key)?.isShown(frame, source) ?? false;
  }

  /** The worker's next pictures are to be ones that stand by themselves. */
  requestKeyframes(): void {
    for (const source of this.#sources.values()) source.requestKeyframe();
  }

  /** Idempotent. */
  close(key: TrackKey): void {
    this.#sources.get(key)?.close();
    this.#sources.delete(key);
    this.#tracks.get(key)?.close();
    this.#tracks.delete(key);
    if (this.#tracks.size === 0) this.#recent = undefined;
  }

  #apply(key: TrackKey): void {
    const { isWatched, isUsable } = this.#wishes.get(key) ?? NOTHING;
    const track = this.#tracks.get(key);
    track?.setWatched(isWatched);
    track?.setUsable(isUsable);
  }
}

export function faceKey(language: string): TrackKey {
  return `face:${language}:synced`;
}
