import { type LivedubError, toLivedubError } from '../../../pipeline/errors.ts';
import type { SpeechUpdate } from '../../../pipeline/face/dubbed-speech.ts';
import { affordableAheadUs, liveAheadUs } from '../../../pipeline/face/look-ahead.ts';
import type { Picture, PictureFormat } from '../../../pipeline/face/picture.ts';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import { LivePictureDecoder } from '../../../pipeline/media/live-picture-decoder.ts';
import { RateAdaptation } from '../../../pipeline/media/rate-adaptation.ts';
import type { FaceRendition as FaceOrder, FacePicture } from '../../face/face-messages.ts';
import type { FaceChannel } from '../../face/face-thread-client.ts';
import type { RecentSpeech } from '../../face/recent-speech.ts';
import { isSameFormat } from './face-rendition.ts';
import type { SharedFaceThread } from './shared-face-thread.ts';
import { SourceSound } from './source-sound.ts';

export interface FaceMakerOptions {
  readonly thread: SharedFaceThread;
  readonly consent: boolean;
  /** See `setDelay`. */
  readonly delayMs: number;
  /** Media time that synced playout shows now, µs. */
  readonly headUs: () => number | undefined;
  readonly onKeyframeWanted: () => void;
  /** A picture of every language, in order. @param readyMs when the last picture it needed was decoded */
  readonly onPictures: (
    format: PictureFormat,
    mediaTimeUs: number,
    pictures: readonly FacePicture[],
    readyMs: number,
  ) => void;
  /** Something failed, and is begun again. */
  readonly onFailed: (error: LivedubError) => void;
  readonly signal: AbortSignal;
}

export type FaceMakerState = 'starting' | 'active' | 'overloaded';

interface Waiting {
  readonly picture: Picture;
  readonly decodedMs: number;
}

/** Decoded pictures that wait for the face thread; the newest is left out beyond. */
const MAX_WAITING = 4;
/** A picture that comes so long after its time is not shown, µs. */
const MAX_LATE_US = 200_000;
/** A publisher that sends no picture for so long leaves those before it waiting for what follows until it is too late, µs. */
const HOLE_US = 500_000;
/** After the start, a jump or a hole, pictures that come too late say nothing of the machine, ms. */
const SETTLE_MS = 2000;
/** A cold start loads networks and has others compile: only its first picture ends it, or this, ms. */
const START_MS = 10_000;
const OVERLOADED_MS = 10_000;
/** Without a picture for so long it is as if it had not begun, ms. */
const SILENT_MS = 1500;

/**
 * The pictures of one channel on their way through decoder and face thread. Whatever is too slow: first every 2nd picture alone is worked
 * on, then none for a while, for the original at full rate is better than a face at a quarter. A face thread that dies is begun again.
 */
export class FaceMaker {
  readonly #o: FaceMakerOptions;
  readonly #orders = new Map<string, FaceOrder>();
  readonly #speech: RecentSpeech;
  readonly #sound = new SourceSound();
  readonly #adaptation = new RateAdaptation({ maxLosses: 5, maxDivisor: 2 });
  #decoder: LivePictureDecoder | undefined;
  #channel:
    | { readonly channel: FaceChannel; readonly format: PictureFormat; readonly aheadUs: number }
    | undefined;
  #opening = false;
  #waiting: Waiting[] = [];
  /** Pushed to the thread, oldest first; the last `channel.waiting` of them are still to be taken in. */
  #pushed: Waiting[] = [];
  #isPumping = false;
  #isFlushing = false;
  #consent: boolean;
  #delayMs: number;
  #latePictures = 0;
  #leftOut = 0;
  #settledMs = performance.now() + SETTLE_MS;
  #decodedUs = Number.POSITIVE_INFINITY;
  #overloadedUntilMs = 0;
  #madeMs = Number.NEGATIVE_INFINITY;
  /** The channel of now has made none yet. */
  #isFirst = true;

  /** @param speech what was said lately, of all languages; kept by whoever hears it */
  constructor(options: FaceMakerOptions, speech: RecentSpeech) {
    this.#o = options;
    this.#consent = options.consent;
    this.#delayMs = options.delayMs;
    this.#speech = speech;
    options.signal.addEventListener('abort', () => void this.close(), { once: true });
  }

  get state(): FaceMakerState {
    const nowMs = performance.now();
    if (nowMs < this.#overloadedUntilMs) return 'overloaded';
    return nowMs - this.#madeMs < SILENT_MS ? 'active' : 'starting';
  }

  /** Pictures that came more than 200 ms after their time, and were not shown. */
  get latePictures(): number {
    return this.#latePictures;
  }

  /** Pictures that were not worked on for lack of time. */
  get leftOutPictures(): number {
    return this.#leftOut;
  }

  /** How long pictures are looked at before they are made, so that more of a face was seen, µs. */
  get aheadUs(): number {
    return this.#channel?.aheadUs ?? liveAheadUs(this.#delayMs);
  }

  /** Every so many pictures one is worked on: 1 or 2. */
  get divisor(): number {
    return this.#adaptation.divisor;
  }

  /** Has the thread ready before the first picture comes. */
  warm(): void {
    this.#o.thread.acquire(this, this.#o.signal).catch(() => undefined);
  }

  add(order: FaceOrder): void {
    this.#orders.set(order.id, order);
    if (this.#channel) this.#introduce(this.#channel.channel, order);
  }

  remove(id: string): void {
    this.#orders.delete(id);
    this.#channel?.channel.remove(id);
  }

  setConsent(consent: boolean): void {
    this.#consent = consent;
    this.#channel?.channel.setConsent(consent);
  }

  speech(id: string, update: SpeechUpdate): void {
    if (this.#orders.has(id)) this.#channel?.channel.speech(id, update);
  }

  sourceSound(pcm: Float32Array, mediaTimeUs: number): void {
    this.#sound.add(pcm, mediaTimeUs);
  }

  /** The operator's delay: faces are looked at ahead as far as it leaves room; where that is another time, they are learnt anew. */
  setDelay(delayMs: number): void {
    this.#delayMs = delayMs;
    this.#settle();
    if (this.#channel && this.#channel.aheadUs !== aheadFor(delayMs, this.#channel.format))
      this.#closeChannel();
  }

  /** Takes one encoded frame when it is its turn; never waits. */
  push(frame: EncodedFrame): void {
    if (this.#o.signal.aborted || this.state === 'overloaded') return;
    this.#decoder ??= new LivePictureDecoder({
      signal: this.#o.signal,
      onPicture: (picture) => this.#decoded(picture),
      onKeyframeWanted: this.#o.onKeyframeWanted,
      onFailed: this.#o.onFailed,
    });
    this.#decoder.push(frame);
  }

  /** No picture came that is shown before this media time, µs: what waits for one is made without. */
  passed(untilUs: number): void {
    const { channel } = this.#channel ?? {};
    if (channel === undefined || this.#waiting.length > 0 || this.#isFlushing) return;
    this.#isFlushing = true;
    this.#tellSound(channel, untilUs);
    channel
      .flush(untilUs)
      // The channel has said why.
      .catch(() => undefined)
      .finally(() => {
        this.#isFlushing = false;
      });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closeChannel();
    this.#o.thread.release(this);
    this.#waiting = [];
    await this.#decoder?.close();
  }

  #decoded(picture: Picture): void {
    const nowMs = performance.now();
    if (picture.mediaTimeUs - this.#decodedUs > HOLE_US)
      this.#settledMs = Math.max(this.#settledMs, nowMs + SETTLE_MS);
    this.#decodedUs = picture.mediaTimeUs;
    if (!this.#adaptation.takes(nowMs)) {
      this.#leftOut += 1;
      return;
    }
    const { format } = this.#channel ?? {};
    if (format === undefined || !isSameFormat(format, picture)) {
      // Until there is a thread and a channel, pictures go by unused: the original is shown.
      this.#openChannel(picture);
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      this.#leftOut += 1;
      this.#lost(nowMs);
      return;
    }
    this.#waiting.push({ picture, decodedMs: nowMs });
    void this.#pump();
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
        const open = this.#channel;
        if (open === undefined) break;
        this.#waiting.shift();
        const { picture } = next;
        if (!isSameFormat(open.format, picture)) continue;
        if ((this.#o.headUs() ?? 0) >= picture.mediaTimeUs) {
          this.#leftOut += 1;
          this.#lost(performance.now());
          continue;
        }
        this.#tellSound(open.channel, picture.mediaTimeUs);
        this.#pushed.push(next);
        await open.channel.push(picture);
      }
    } catch {
      // The channel has said why.
    } finally {
      this.#isPumping = false;
      if (this.#channel === undefined) this.#waiting = [];
    }
  }

  #tellSound(channel: FaceChannel, untilUs: number): void {
    for (const { pcm, mediaTimeUs } of this.#sound.until(untilUs)) channel.sourceSound(pcm, mediaTimeUs);
  }

  #openChannel(format: PictureFormat): void {
    if (this.#opening) return;
    this.#opening = true;
    this.#closeChannel();
    const { thread, signal, onFailed } = this.#o;
    thread
      .acquire(this, signal)
      .then((faces) => {
        signal.throwIfAborted();
        const { widthPx, heightPx, colour } = format;
        const own: PictureFormat = { widthPx, heightPx, colour };
        const aheadUs = aheadFor(this.#delayMs, own);
        const channel = faces.channel({
          ...{ format: own, aheadUs },
          consent: this.#consent,
          onPictures: (mediaTimeUs, pictures) => {
            if (this.#channel?.channel === channel) this.#made(own, mediaTimeUs, pictures);
          },
          onFailed: (error) => {
            if (this.#channel?.channel !== channel) return;
            this.#closeChannel();
            if (!signal.aborted) onFailed(error);
          },
        });
        this.#channel = { channel, format: own, aheadUs };
        this.#isFirst = true;
        this.#settledMs = performance.now() + START_MS;
        for (const order of this.#orders.values()) this.#introduce(channel, order);
      })
      .catch((error: unknown) => {
        if (!signal.aborted) onFailed(toLivedubError(error));
      })
      .finally(() => {
        this.#opening = false;
      });
  }

  #introduce(channel: FaceChannel, order: FaceOrder): void {
    channel.add(order);
    for (const update of this.#speech.of(order.id)) channel.speech(order.id, update);
  }

  #made(format: PictureFormat, mediaTimeUs: number, pictures: readonly FacePicture[]): void {
    const nowMs = performance.now();
    if (this.#isFirst) {
      this.#isFirst = false;
      this.#settle();
    }
    const lateUs = (this.#o.headUs() ?? 0) - mediaTimeUs;
    // What is being worked on has not been taken in yet: it is what this one waited for.
    const { waiting = 0 } = this.#channel?.channel ?? {};
    const needed = this.#pushed[this.#pushed.length - waiting];
    while (this.#pushed.length > Math.max(1, waiting)) this.#pushed.shift();
    if (lateUs > 0) this.#lost(nowMs);
    if (lateUs > MAX_LATE_US) {
      this.#latePictures += 1;
      return;
    }
    if (nowMs < this.#overloadedUntilMs) return;
    this.#madeMs = nowMs;
    this.#o.onPictures(format, mediaTimeUs, pictures, needed?.decodedMs ?? nowMs);
  }

  /** For a moment pictures come too late, or not at all. */
  #settle(): void {
    this.#settledMs = performance.now() + SETTLE_MS;
  }

  #lost(nowMs: number): void {
    if (nowMs < this.#settledMs) return;
    this.#adaptation.lost(nowMs);
    if (!this.#adaptation.isExhausted) return;
    // Nothing is decoded either; the next try begins with a keyframe, at the lowest rate.
    this.#overloadedUntilMs = nowMs + OVERLOADED_MS;
    this.#settledMs = this.#overloadedUntilMs + SETTLE_MS;
    this.#adaptation.retry(this.#overloadedUntilMs);
    this.#waiting = [];
    void this.#decoder?.close();
    this.#decoder = undefined;
  }

  #closeChannel(): void {
    this.#channel?.channel.close();
    this.#channel = undefined;
    this.#pushed = [];
  }
}

function aheadFor(delayMs: number, format: PictureFormat): number {
  return affordableAheadUs(liveAheadUs(delayMs), format);
}
