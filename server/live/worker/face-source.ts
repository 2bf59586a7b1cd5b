import type { EncodedFrame } from '../../../pipeline/frames.ts';
import type { PictureCodec } from '../../../pipeline/media/picture-encoders.ts';
import { MediaTimeline } from '../../../pipeline/rtp/media-time.ts';
import { RtpTrackReceiver } from '../../../pipeline/rtp/track-receiver.ts';
import type { SfuRouter } from '../../../sfu/router.ts';
import type { RtpTap } from '../../../sfu/rtp-tap.ts';
import { Throttle } from '../../../sfu/throttle.ts';

export interface FaceSourceOptions {
  readonly router: SfuRouter;
  /** The channel's picture, piped from the server. */
  readonly producerId: string;
  /** Wall time of media time 0, µs. */
  readonly originUs: number;
  /** Media time that synced playout shows now, µs; undefined before the first sound. */
  readonly headUs: () => number | undefined;
  /** Frames are given out so long before they are shown, µs. May change. */
  readonly leadUs: () => number;
  readonly onFrame: (frame: EncodedFrame) => void;
  /** For a while no frame has come that was to be given out, up to a media time, µs. Told again and again for some seconds. */
  readonly onNone: (untilUs: number) => void;
}

/** A publisher retransmits; two round trips. */
const GAP_US = 150_000;
const BEAT_MS = 5;
const ASK_KEYFRAME_EVERY_MS = 1000;
/** The longest delay at 8 Mbit/s. */
const MAX_HELD_BYTES = 16 * 2 ** 20;
const RATE_WINDOW = 30;
/** The slowest cameras give pictures so far apart, µs. */
const NONE_AFTER_US = 250_000;
const NONE_EVERY_US = 100_000;
/** Nothing waits for longer. */
const NONE_FOR_US = 4_000_000;

/**
 * The encoded picture of a channel in the worker, given out when it is time to work on it: held back for as long as the operator's
 * delay allows, so that as little as possible lies around decoded. Of too much, everything up to the next keyframe goes.
 */
export class FaceSource {
  readonly codec: PictureCodec;
  readonly #o: FaceSourceOptions;
  readonly #tap: RtpTap;
  readonly #receiver: RtpTrackReceiver;
  readonly #beat: NodeJS.Timeout;
  readonly #keyframes: Throttle;
  readonly #held: EncodedFrame[] = [];
  readonly #recentUs: number[] = [];
  #heldBytes = 0;
  /** Media time of the newest frame given out, and up to which it was told that none came. */
  #givenUs: number | undefined;
  #noneUs = 0;
  #isBroken = true;
  #droppedFrames = 0;

  private constructor(options: FaceSourceOptions, tap: RtpTap, codec: PictureCodec) {
    this.#o = options;
    this.#tap = tap;
    this.codec = codec;
    this.#keyframes = new Throttle({
      intervalMs: ASK_KEYFRAME_EVERY_MS,
      run: () => void tap.requestKeyframe().catch(() => undefined),
    });
    this.#receiver = new RtpTrackReceiver({
      codec,
      payloadType: tap.payloadType,
      captureTimeId: tap.captureTimeId,
      timeline: new MediaTimeline({ originUs: options.originUs }),
      gapAfterArrivalUs: GAP_US,
      onFrame: (frame) => this.#hold(frame),
      onDropped: () => {
        this.#isBroken = true;
        this.#keyframes.request();
      },
    });
    this.#beat = setInterval(() => {
      this.#receiver.poll(arrivalUs());
      this.#release();
    }, BEAT_MS);
  }

  /**
   * Begins to read; the first frame given out is a keyframe.
   * @throws LIVEDUB_E_SFU_FAILED, LIVEDUB_E_CLOSED
   * @returns undefined for a codec that is not worked on
   */
  static async open(options: FaceSourceOptions): Promise<FaceSource | undefined> {
    let source: FaceSource | undefined;
    const tap = await options.router.createTap({
      producerId: options.producerId,
      onPacket: (packet) => source?.push(packet),
    });
    if (tap.codec !== 'vp8' && tap.codec !== 'h264') {
      tap.close();
      return undefined;
    }
    source = new FaceSource(options, tap, tap.codec);
    source.requestKeyframe();
    return source;
  }

  /** Pictures a second, as they came lately. */
  get fps(): number {
    const first = this.#recentUs[0];
    const last = this.#recentUs.at(-1);
    if (first === undefined || last === undefined || last <= first) return 30;
    return Math.min(60, Math.max(5, ((this.#recentUs.length - 1) * 1e6) / (last - first)));
  }

  get droppedFrames(): number {
    return this.#droppedFrames;
  }

  /** One RTP packet of the track. */
  push(packet: Uint8Array): void {
    this.#receiver.push(packet, arrivalUs());
  }

  /** Asked for again and again, it is passed on once a second. */
  requestKeyframe(): void {
    this.#keyframes.request();
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#beat);
    this.#keyframes.close();
    this.#tap.close();
    this.#held.length = 0;
  }

  #hold(frame: EncodedFrame): void {
    this.#recentUs.push(frame.mediaTimeUs);
    if (this.#recentUs.length > RATE_WINDOW) this.#recentUs.shift();
    if (this.#heldBytes + frame.data.length > MAX_HELD_BYTES) {
      this.#droppedFrames += this.#held.length;
      this.#held.length = 0;
      this.#heldBytes = 0;
      this.#isBroken = true;
    }
    if (this.#isBroken && !frame.keyframe) {
      this.#droppedFrames += 1;
      this.#keyframes.request();
      return;
    }
    this.#isBroken = false;
    this.#held.push(frame);
    this.#heldBytes += frame.data.length;
    this.#release();
  }

  #release(): void {
    const headUs = this.#o.headUs();
    if (headUs === undefined) return;
    const untilUs = headUs + this.#o.leadUs();
    while (this.#held.length > 0 && this.#held[0]!.mediaTimeUs <= untilUs) {
      const frame = this.#held.shift()!;
      this.#heldBytes -= frame.data.length;
      this.#givenUs = frame.mediaTimeUs;
      this.#noneUs = frame.mediaTimeUs + NONE_AFTER_US;
      this.#o.onFrame(frame);
    }
    if (this.#givenUs === undefined || untilUs < this.#noneUs || untilUs > this.#givenUs + NONE_FOR_US)
      return;
    this.#noneUs = untilUs + NONE_EVERY_US;
    this.#o.onNone(untilUs);
  }
}

/** Arrival clock of the jitter buffer, µs; only differences count. */
function arrivalUs(): number {
  return Math.round(performance.now() * 1000);
}
