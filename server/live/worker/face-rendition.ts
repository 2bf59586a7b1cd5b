import type { LivedubError } from '../../../pipeline/errors.ts';
import type { PictureFormat } from '../../../pipeline/face/picture.ts';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import { LivePictureEncoder } from '../../../pipeline/media/live-picture-encoder.ts';
import type { PictureCodec } from '../../../pipeline/media/picture-encoders.ts';
import type { FaceVerdict } from '../../../pipeline/ports/reanimator.ts';
import { createPacketiser, type Packetiser } from '../../../pipeline/rtp/packetiser.ts';
import type { SfuRouter } from '../../../sfu/router.ts';
import type { RtpFeed } from '../../../sfu/rtp-feed.ts';
import { Throttle } from '../../../sfu/throttle.ts';
import type { TrackKey } from '../contract.ts';
import { FaceFigures } from './face-figures.ts';

export interface FaceRenditionOptions {
  readonly router: SfuRouter;
  readonly language: string;
  readonly codec: PictureCodec;
  /** Wall time of media time 0, µs. */
  readonly originUs: number;
  /** Media time that synced playout shows now, µs. */
  readonly headUs: () => number | undefined;
  /** Pictures a second to expect. */
  readonly fps: () => number;
  readonly onFailed: (error: LivedubError) => void;
  readonly signal: AbortSignal;
}

export interface MadePicture {
  readonly mediaTimeUs: number;
  /** All planes; nobody else writes into them. */
  readonly bytes: Uint8Array;
  readonly verdict: FaceVerdict;
  /** When the last picture it needed was there, on performance.now()'s scale. */
  readonly readyMs: number;
}

const BEAT_MS = 5;
const KEYFRAME_EVERY_MS = 500;
/** What is later than this when it could be sent is of no use to anybody, µs. */
const MAX_LATE_US = 1_000_000;
/** The longest delay at 60 pictures a second. */
const MAX_HELD_FRAMES = 1024;

/** The picture of one language: encoded at once, held until synced playout comes to it, and sent as RTP with media time as RTP time. */
export class FaceRendition {
  readonly figures = new FaceFigures();
  readonly #o: FaceRenditionOptions;
  readonly #feed: RtpFeed;
  readonly #packetiser: Packetiser;
  readonly #beat: NodeJS.Timeout;
  readonly #keyframes: Throttle;
  readonly #held: EncodedFrame[] = [];
  /** When pictures that are being encoded were ready, by their media time. */
  readonly #readyMs = new Map<number, number>();
  #encoder: LivePictureEncoder | undefined;
  #format: PictureFormat | undefined;
  #isBroken = true;
  #lateFrames = 0;
  #sentUs = Number.NEGATIVE_INFINITY;

  private constructor(options: FaceRenditionOptions, feed: RtpFeed, keyframes: Throttle) {
    this.#o = options;
    this.#feed = feed;
    this.#packetiser = createPacketiser({ ...feed.packetiserOptions, originUs: options.originUs });
    this.#keyframes = keyframes;
    this.#beat = setInterval(() => this.#release(), BEAT_MS);
  }

  /** @throws LIVEDUB_E_SFU_FAILED, LIVEDUB_E_CLOSED */
  static async create(options: FaceRenditionOptions): Promise<FaceRendition> {
    let rendition: FaceRendition | undefined;
    const keyframes = new Throttle({
      intervalMs: KEYFRAME_EVERY_MS,
      run: () => rendition?.requestKeyframe(),
    });
    const key: TrackKey = `face:${options.language}:synced`;
    const feed = await options.router.createFeed({
      codec: options.codec,
      cname: 'dub',
      appData: { track: key },
      onKeyframeRequest: () => keyframes.request(),
    });
    rendition = new FaceRendition(options, feed, keyframes);
    return rendition;
  }

  /** Id of the track in the worker's router. */
  get producerId(): string {
    return this.#feed.id;
  }

  /** FFmpeg's name of the encoder, once there is one. */
  get encoderName(): string {
    return this.#encoder?.encoderName ?? '';
  }

  /** Encoded pictures that could not be sent in time. */
  get lateFrames(): number {
    return this.#lateFrames;
  }

  /** Pictures that were not encoded for lack of time, since the size last changed. */
  get droppedPictures(): number {
    return this.#encoder?.droppedPictures ?? 0;
  }

  /** Takes one picture, in order; never waits. */
  push(format: PictureFormat, picture: MadePicture): void {
    this.figures.made(picture.verdict);
    if (this.#format === undefined || !isSameFormat(this.#format, format)) this.#open(format);
    if (this.#readyMs.size >= MAX_HELD_FRAMES) this.#readyMs.clear();
    this.#readyMs.set(picture.mediaTimeUs, picture.readyMs);
    this.#encoder!.push({ ...format, mediaTimeUs: picture.mediaTimeUs, bytes: picture.bytes });
  }

  /** The next picture is to be one that who was shown something else can begin with. */
  requestKeyframe(): void {
    this.#encoder?.requestKeyframe();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#beat);
    this.#keyframes.close();
    this.#held.length = 0;
    this.#feed.close();
    await this.#encoder?.close();
  }

  #open(format: PictureFormat): void {
    void this.#encoder?.close();
    this.#readyMs.clear();
    this.#format = format;
    const { codec, fps, onFailed, signal } = this.#o;
    const encoder = new LivePictureEncoder({
      ...{ codec, format, onFailed, signal },
      fps: fps(),
      onFrame: (frame) => {
        if (this.#encoder === encoder) this.#hold(frame);
      },
    });
    this.#encoder = encoder;
  }

  #hold(frame: EncodedFrame): void {
    // Pictures that the encoder left out never come.
    for (const [mediaTimeUs, readyMs] of this.#readyMs) {
      if (mediaTimeUs > frame.mediaTimeUs) break;
      this.#readyMs.delete(mediaTimeUs);
      if (mediaTimeUs === frame.mediaTimeUs) this.figures.encoded(performance.now() - readyMs);
    }
    if (this.#held.length >= MAX_HELD_FRAMES) this.#breakOff(this.#held.splice(0).length);
    this.#held.push(frame);
    this.#release();
  }

  #release(): void {
    const headUs = this.#o.headUs();
    if (headUs === undefined) return;
    while (this.#held.length > 0 && this.#held[0]!.mediaTimeUs <= headUs)
      this.#send(this.#held.shift()!, headUs);
  }

  #send(frame: EncodedFrame, headUs: number): void {
    const isUseless = headUs - frame.mediaTimeUs > MAX_LATE_US || frame.mediaTimeUs <= this.#sentUs;
    // Nothing can be made of what builds on a frame that was not sent.
    if (isUseless || (this.#isBroken && !frame.keyframe)) {
      this.#breakOff(1);
      return;
    }
    this.#isBroken = false;
    if (this.#feed.closed) return;
    this.#packetiser.packetise(frame, (packet) => this.#feed.send(packet));
    this.#sentUs = frame.mediaTimeUs;
    this.figures.sent();
  }

  #breakOff(frames: number): void {
    this.#lateFrames += frames;
    this.#isBroken = true;
    this.#keyframes.request();
  }
}

export function isSameFormat(a: PictureFormat, b: PictureFormat): boolean {
  return (
    a.widthPx === b.widthPx &&
    a.heightPx === b.heightPx &&
    a.colour.matrix === b.colour.matrix &&
    a.colour.range === b.colour.range
  );
}
