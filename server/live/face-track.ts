import type { EncodedFrame } from '../../pipeline/frames.ts';
import { isKeyframeStart } from '../../pipeline/rtp/keyframe-start.ts';
import type { RtpPacketInfo } from '../../pipeline/rtp/rtp-packet.ts';
import { signedDelta32 } from '../../pipeline/rtp/rtp-timestamp.ts';
import type { RelayInput, RelayTrack } from '../../sfu/relay-track.ts';
import { Throttle } from '../../sfu/throttle.ts';
import { PictureSeam } from './picture-seam.ts';
import type { RecentPictures } from './recent-pictures.ts';

export interface FaceTrackOptions {
  relay: RelayTrack;
  /** What the delayed original has sent since its newest keyframe; a packet is in it before `original` is told. */
  recent: RecentPictures;
  /** About which media time is shown now, µs. */
  shownUs: () => number;
  onKeyframeWanted: (of: PictureSource) => void;
}

/** `made`: the worker's pictures; `original`: the delayed ones as filmed. */
export type PictureSource = 'made' | 'original';

/** The worker's pictures may come so much later than the same ones of the original; then the original is shown, 90 kHz ticks. */
const MAX_BEHIND_TICKS = 90_000;
/** What was sent longer ago has no say in the times of what follows; kept for hours, it would seem to be later. 90 kHz ticks. */
const FORGET_TICKS = 10 * 90_000;
const ASK_EVERY_MS = 500;

/**
 * The picture of one language whose faces speak it: the worker's while they come, else the delayed original. Who reads it never
 * renegotiates and is never without a picture: either source is taken up at a keyframe, the original at its newest one with all
 * that came since.
 */
export class FaceTrack {
  readonly relay: RelayTrack;
  readonly #o: FaceTrackOptions;
  readonly #keyframes: Throttle;
  #isWatched = false;
  #isUsable = false;
  #playing: PictureSource | undefined;
  /** Whose packets are being sent: those of one source are numbered together. */
  #from: object | undefined;
  #input: RelayInput | undefined;
  /** A whole keyframe of what is played has come. */
  #hasKeyframe = false;
  #seam = new PictureSeam(undefined);
  #sentTicks: number | undefined;
  #originalTicks: number | undefined;
  #madeTicks: number | undefined;

  constructor(options: FaceTrackOptions) {
    this.#o = options;
    this.relay = options.relay;
    this.#keyframes = new Throttle({
      intervalMs: ASK_EVERY_MS,
      run: () => options.onKeyframeWanted('made'),
    });
  }

  /** What is shown now; undefined: nothing is, for nobody watches. */
  get playing(): PictureSource | undefined {
    return this.#playing;
  }

  /** Whether anybody watches: nothing is sent to nobody. */
  setWatched(isWatched: boolean): void {
    this.#isWatched = isWatched;
    if (!isWatched) this.#playing = undefined;
  }

  /** Whether the worker's pictures may be shown. Without, the original is at once. */
  setUsable(isUsable: boolean): void {
    this.#isUsable = isUsable;
    if (!isUsable && this.#playing === 'made') this.#playOriginal();
  }

  /** A packet of the delayed original, as it is due. */
  original(packet: RtpPacketInfo, session: object): void {
    this.#originalTicks = newer(this.#originalTicks, packet.timestamp);
    if (this.#sentTicks !== undefined && signedDelta32(packet.timestamp, this.#sentTicks) > FORGET_TICKS)
      this.#sentTicks = undefined;
    if (!this.#isWatched) return;
    if (this.#playing === 'original' && this.#from === session) this.#send(packet);
    else if (this.#playing === 'made' && this.#isUsable && !this.#isBehind(this.#madeTicks)) return;
    // Who has just come asks for a keyframe when ready: before that nothing would arrive.
    else if (this.#playing !== undefined || this.#o.recent.packets[0] === packet) this.#playOriginal();
  }

  /** A packet of the worker, as it is due. @param source which track of a worker it is of */
  made(packet: RtpPacketInfo, source: object): void {
    const isPlaying = this.#playing === 'made' && this.#from === source;
    this.#madeTicks = isPlaying ? newer(this.#madeTicks, packet.timestamp) : packet.timestamp;
    if (!this.#isWatched || !this.#isUsable) return;
    if (!isPlaying) {
      if (this.#isBehind(packet.timestamp)) return;
      if (!isKeyframeStart(this.relay.codec, packet.payload)) {
        this.#keyframes.request();
        return;
      }
      this.#begin('made', source, new PictureSeam(this.#sentTicks));
    }
    this.#send(packet);
  }

  /**
   * Whether a whole picture of the worker is one that is shown, and can be shown to who sees nothing else: the first such one is a
   * keyframe. Its packets were given before.
   */
  isShown(frame: EncodedFrame, source: object): boolean {
    if (!this.#isUsable || this.#playing !== 'made' || this.#from !== source) return false;
    this.#hasKeyframe ||= frame.keyframe;
    return this.#hasKeyframe;
  }

  /** Somebody who watches needs a keyframe. */
  requestKeyframe(): void {
    // Who comes first does not wait for the next one.
    if (this.#isWatched && this.#playing === undefined) this.#playOriginal();
    if (this.#playing === 'made') this.#keyframes.request();
    else this.#o.onKeyframeWanted('original');
  }

  /** Ends the track. Idempotent. */
  close(): void {
    this.#playing = undefined;
    this.#isWatched = false;
    this.#keyframes.close();
    this.relay.close();
  }

  #isBehind(ticks: number | undefined): boolean {
    if (ticks === undefined) return true;
    return this.#originalTicks !== undefined && signedDelta32(this.#originalTicks, ticks) > MAX_BEHIND_TICKS;
  }

  /** From the newest keyframe on; what came since is sent at once. Nothing, while none is known. */
  #playOriginal(): void {
    const { packets, session } = this.#o.recent;
    if (packets.length === 0 || session === undefined) return;
    const times = [...new Set(packets.map(({ timestamp }) => timestamp))];
    this.#begin('original', session, new PictureSeam(this.#sentTicks, times));
    for (const packet of packets) this.#send(packet);
  }

  #begin(source: PictureSource, from: object, seam: PictureSeam): void {
    this.#playing = source;
    this.#from = from;
    this.#hasKeyframe = false;
    this.#seam = seam;
    this.#input = this.relay.attach({
      timestampOffset: 0,
      nearMediaTimeUs: this.#o.shownUs(),
      beginsWithKeyframe: true,
    });
  }

  #send(packet: RtpPacketInfo): void {
    const timestamp = this.#seam.ticksOf(packet.timestamp);
    this.#sentTicks = newer(this.#sentTicks, timestamp);
    this.#input?.send(timestamp === packet.timestamp ? packet : { ...packet, timestamp });
  }
}

function newer(known: number | undefined, ticks: number): number {
  return known === undefined || signedDelta32(ticks, known) > 0 ? ticks : known;
}
