import type { LivedubError } from '../../pipeline/errors.ts';
import type { SpeechUpdate } from '../../pipeline/face/dubbed-speech.ts';
import { affordableAheadUs, FULL_AHEAD_US } from '../../pipeline/face/look-ahead.ts';
import type { PictureFormat } from '../../pipeline/face/picture.ts';
import type { FacePicture, FaceRendition, FaceTimings } from '../face/face-messages.ts';
import { type FaceChannel, FaceThread, type FaceThreadOptions } from '../face/face-thread-client.ts';
import { PictureMarks } from '../face/picture-marks.ts';
import { RecentSpeech } from '../face/recent-speech.ts';

export interface SteadyFacesOptions {
  readonly thread: FaceThread;
  readonly format: PictureFormat;
  readonly renditions: readonly FaceRendition[];
  readonly explain: boolean;
  /** Every picture that was pushed, in order; `pts` is as it was given. */
  readonly onPictures: (pts: number, pictures: readonly FacePicture[], timings: FaceTimings) => void;
  /** Told when the thread ended; pictures stay as filmed until there is another one. */
  readonly onLost: (error: LivedubError) => void;
  /** As FaceThreadOptions, of threads that are opened in place of one that ended. */
  readonly onMoved: NonNullable<FaceThreadOptions['onMoved']>;
  readonly signal: AbortSignal;
}

interface Pending {
  readonly pts: number;
  readonly mediaTimeUs: number;
  readonly bytes: Uint8Array;
}

/** A thread that ends more often is not started again. */
const MAX_THREADS = 4;
const NO_TIME: FaceTimings = { trackMs: 0, reanimateMs: 0, markMs: 0 };

/** Pictures through a face thread, none of which is lost with it: what it held comes out as filmed, and marked all the same. */
export class SteadyFaces {
  readonly #o: SteadyFacesOptions;
  readonly #marks: PictureMarks;
  readonly #speech = new RecentSpeech();
  #pending: Pending[] = [];
  #thread: FaceThread;
  #channel: FaceChannel | undefined;
  #threads = 1;

  constructor(options: SteadyFacesOptions) {
    this.#o = options;
    this.#thread = options.thread;
    this.#marks = new PictureMarks({ ...options.format, signal: options.signal });
    for (const { id, mark } of options.renditions) this.#marks.add(id, mark);
    this.#channel = this.#begin();
  }

  get engine(): string {
    return this.#thread.engine;
  }

  get canvas(): string {
    return this.#thread.canvas;
  }

  speech(id: string, update: SpeechUpdate): void {
    this.#speech.add(id, update);
    this.#channel?.speech(id, update);
  }

  sound(pcm: Float32Array, mediaTimeUs: number): void {
    this.#channel?.sourceSound(pcm, mediaTimeUs);
  }

  /** Resolves when there is room for another. */
  async push(picture: Pending): Promise<void> {
    this.#pending.push(picture);
    this.#speech.forget(picture.mediaTimeUs);
    const { format } = this.#o;
    const bytes = Uint8Array.from(picture.bytes);
    await this.#orElse((channel) => channel.push({ ...format, mediaTimeUs: picture.mediaTimeUs, bytes }));
  }

  /** Resolves when everything came out. */
  async flush(): Promise<void> {
    await this.#orElse((channel) => channel.flush());
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#channel?.close();
    this.#channel = undefined;
    this.#marks.close();
    await this.#thread.close();
  }

  async #orElse(act: (channel: FaceChannel) => Promise<void>): Promise<void> {
    const channel = this.#channel;
    try {
      if (channel) return await act(channel);
    } catch (error) {
      this.#o.signal.throwIfAborted();
      this.#o.onLost(error as LivedubError);
      await this.#restart();
    }
    await this.#passOn();
  }

  async #restart(): Promise<void> {
    const { signal, onMoved } = this.#o;
    this.#channel?.close();
    this.#channel = undefined;
    await this.#thread.close();
    if (this.#threads >= MAX_THREADS) return;
    this.#threads += 1;
    const again = await FaceThread.open({ signal, onMoved }).catch(() => undefined);
    if (again === undefined) return;
    this.#thread = again;
    this.#channel = this.#begin();
  }

  #begin(): FaceChannel {
    const { format, explain, renditions } = this.#o;
    const channel = this.#thread.channel({
      ...{ format, explain, consent: true, aheadUs: affordableAheadUs(FULL_AHEAD_US, format) },
      onPictures: (_mediaTimeUs, pictures, timings) =>
        this.#o.onPictures(this.#pending.shift()!.pts, pictures, timings),
      onFailed: () => undefined,
    });
    for (const rendition of renditions) {
      channel.add(rendition);
      for (const update of this.#speech.of(rendition.id)) channel.speech(rendition.id, update);
    }
    return channel;
  }

  /** What is held comes out as it was filmed. */
  async #passOn(): Promise<void> {
    for (const { pts, mediaTimeUs, bytes } of this.#pending.splice(0)) {
      const pictures: FacePicture[] = [];
      for (const { id } of this.#o.renditions) {
        const own = Uint8Array.from(bytes);
        const isMarked = await this.#marks.mark(id, own, mediaTimeUs);
        pictures.push({ id, bytes: own, isMarked, verdict: { strength: 0, guard: 'failed' } });
      }
      this.#o.onPictures(pts, pictures, NO_TIME);
    }
  }
}
