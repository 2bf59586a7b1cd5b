import { LivedubError } from '../../pipeline/errors.ts';
import type { SpeechUpdate } from '../../pipeline/face/dubbed-speech.ts';
import { type Picture, type PictureFormat, planeLayout } from '../../pipeline/face/picture.ts';
import type { FaceTracker, FaceTracking, TrackedPicture } from '../../pipeline/ports/face-tracker.ts';
import type {
  FaceGuard,
  FaceVerdict,
  ReanimatedPicture,
  ReanimatedRendition,
  Reanimation,
  Reanimator,
} from '../../pipeline/ports/reanimator.ts';
import { ExplainView } from './explain-view.ts';
import type { FacePicture, FaceRendition, FaceTimings } from './face-messages.ts';
import { PictureMarks } from './picture-marks.ts';
import { RecentSpeech } from './recent-speech.ts';

export interface FaceStreamOptions {
  readonly tracker: FaceTracker;
  readonly reanimator: Reanimator;
  readonly format: PictureFormat;
  readonly consent: boolean;
  readonly explain: boolean;
  /** See ReanimationOptions. Default 0. */
  readonly aheadUs?: number;
  readonly onPictures: (mediaTimeUs: number, pictures: readonly FacePicture[], timings: FaceTimings) => void;
}

/** A picture that went in and has not come out. */
interface Held {
  readonly picture: Picture;
  trackMs: number;
  reanimateMs: number;
  /** Its faces could not be looked for. */
  isFailed: boolean;
}

interface Engines {
  readonly tracking: FaceTracking;
  readonly reanimation: Reanimation;
}

/** After an engine failed, pictures stay as filmed for so long before it is tried again, µs of media. */
const RETRY_US = 2_000_000;
const MAX_FACES = 4;

/**
 * The pictures of one channel: tracked, moved for each rendition, and marked. Whatever fails, each picture that goes in comes out
 * again, in order, as filmed at worst, and none without its mark.
 */
export class FaceStream {
  readonly #o: FaceStreamOptions;
  readonly #end = new AbortController();
  readonly #renditions = new Map<string, FaceRendition>();
  readonly #marks: PictureMarks;
  readonly #explained: ExplainView | undefined;
  readonly #explainedMarks: PictureMarks | undefined;
  readonly #speech = new RecentSpeech();
  readonly #held = new Map<Picture, Held>();
  #consent: boolean;
  #engines: Engines | undefined;
  #retryAtUs = Number.NEGATIVE_INFINITY;
  /** One thing after the other, in the order in which it was asked for. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: FaceStreamOptions) {
    this.#o = options;
    this.#consent = options.consent;
    const { signal } = this.#end;
    this.#marks = new PictureMarks({ ...options.format, signal });
    if (!options.explain) return;
    this.#explained = new ExplainView(options.format);
    this.#explainedMarks = new PictureMarks({ ...this.#explained.format, signal });
  }

  /** Pictures that come out from now on are as filmed without consent, and what was learnt of faces goes with the next one. */
  setConsent(consent: boolean): void {
    this.#consent = consent;
  }

  /** From the next pushed picture on. */
  add(rendition: FaceRendition): void {
    const { id, mark } = rendition;
    this.#queue(async () => {
      this.#renditions.set(id, rendition);
      this.#marks.add(id, mark);
      this.#explainedMarks?.add(id, mark);
      if (this.#engines) this.#introduce(this.#engines.reanimation, id);
    });
  }

  remove(id: string): void {
    this.#speech.remove(id);
    this.#queue(async () => {
      this.#renditions.delete(id);
      this.#marks.remove(id);
      this.#explainedMarks?.remove(id);
      this.#engines?.reanimation.removeRendition(id);
    });
  }

  speech(id: string, update: SpeechUpdate): void {
    this.#speech.add(id, update);
    if (this.#renditions.has(id)) this.#engines?.reanimation.speech(id, update);
    this.#explained?.speech(id, update);
  }

  sourceSound(pcm: Float32Array, mediaTimeUs: number): void {
    this.#engines?.reanimation.sourceSound(pcm, mediaTimeUs);
  }

  /**
   * Resolves when the picture was taken in; it comes out later.
   * @throws LIVEDUB_E_BAD_REQUEST for a picture of another format; what cannot be marked
   */
  push(picture: Picture): Promise<void> {
    return this.#queue(() => this.#take(picture));
  }

  /**
   * Resolves when all that was pushed has come out.
   * @param untilUs only what waits for pictures up to this media time, of which none comes. Default: all
   */
  flush(untilUs?: number): Promise<void> {
    return this.#queue(() => this.#letGo(untilUs));
  }

  /** Nothing comes out any more. Idempotent. */
  async close(): Promise<void> {
    if (this.#end.signal.aborted) return;
    this.#end.abort(new LivedubError('LIVEDUB_E_CLOSED', 'The channel of pictures is closed.'));
    await this.#work;
    this.#closeEngines();
    this.#marks.close();
    this.#explainedMarks?.close();
  }

  #queue(act: () => Promise<void>): Promise<void> {
    const done = this.#work.then(() => {
      this.#end.signal.throwIfAborted();
      return act();
    });
    this.#work = done.catch(() => {});
    return done;
  }

  async #take(picture: Picture): Promise<void> {
    this.#check(picture);
    const { mediaTimeUs } = picture;
    this.#speech.forget(mediaTimeUs);
    const engines = await this.#openEngines(mediaTimeUs);
    const held: Held = { picture, trackMs: 0, reanimateMs: 0, isFailed: false };
    this.#held.set(picture, held);
    if (engines === undefined) return this.#giveBack(this.#consent ? 'failed' : 'no-consent');
    const tracked = await timed(
      () => this.#track(engines.tracking, held),
      (ms) => (held.trackMs = ms),
    );
    await this.#reanimate(held, () => engines.reanimation.push(picture, tracked, this.#call()));
  }

  /** Undefined without consent, with nobody to speak, and for a while after an engine failed. */
  async #openEngines(mediaTimeUs: number): Promise<Engines | undefined> {
    if (!this.#consent || this.#renditions.size === 0) {
      await this.#letGo();
      this.#closeEngines();
      return undefined;
    }
    if (this.#engines || mediaTimeUs < this.#retryAtUs) return this.#engines;
    try {
      const { format, aheadUs = 0 } = this.#o;
      const reanimation = await this.#o.reanimator.open({ format, aheadUs });
      this.#engines = { reanimation, tracking: this.#o.tracker.open({ maxFaces: MAX_FACES }) };
      for (const id of this.#renditions.keys()) this.#introduce(reanimation, id);
    } catch {
      this.#retryAtUs = mediaTimeUs + RETRY_US;
    }
    return this.#engines;
  }

  #introduce(reanimation: Reanimation, id: string): void {
    reanimation.addRendition(id);
    for (const update of this.#speech.of(id)) reanimation.speech(id, update);
  }

  /** A picture in which faces could not be looked for is one without. */
  async #track(tracking: FaceTracking, held: Held): Promise<TrackedPicture> {
    try {
      return await tracking.track(held.picture, this.#call());
    } catch {
      this.#end.signal.throwIfAborted();
      held.isFailed = true;
      return { mediaTimeUs: held.picture.mediaTimeUs, isCut: false, faces: [] };
    }
  }

  async #reanimate(held: Held | undefined, act: () => Promise<readonly ReanimatedPicture[]>): Promise<void> {
    let out: readonly ReanimatedPicture[];
    try {
      out = await timed(act, (ms) => {
        if (held) held.reanimateMs = ms;
      });
    } catch {
      this.#end.signal.throwIfAborted();
      const lastUs = [...this.#held.keys()].at(-1)?.mediaTimeUs ?? 0;
      this.#closeEngines();
      this.#retryAtUs = lastUs + RETRY_US;
      return this.#giveBack('failed');
    }
    for (const one of out) {
      const own = this.#held.get(one.original);
      if (own) await this.#finish(own, one.renditions, one.tracked);
    }
  }

  /** Brings out what is held for what follows it. */
  async #letGo(untilUs?: number): Promise<void> {
    const { reanimation } = this.#engines ?? {};
    if (reanimation) await this.#reanimate(undefined, () => reanimation.flush(this.#call(), untilUs));
    if (untilUs === undefined) await this.#giveBack('failed');
  }

  /** Everything that is held comes out as it was filmed. */
  async #giveBack(guard: FaceGuard): Promise<void> {
    for (const held of [...this.#held.values()]) {
      const filmed = { bytes: held.picture.bytes, verdict: { strength: 0, guard } };
      await this.#finish(held, new Map([...this.#renditions.keys()].map((id) => [id, filmed])));
    }
  }

  async #finish(
    held: Held,
    renditions: ReadonlyMap<string, ReanimatedRendition>,
    tracked?: TrackedPicture,
  ): Promise<void> {
    const { picture, trackMs, reanimateMs } = held;
    const { mediaTimeUs } = picture;
    this.#held.delete(picture);
    const pictures: FacePicture[] = [];
    let markMs = 0;
    for (const [id, made] of renditions) {
      if (!this.#renditions.has(id)) continue;
      const verdict = this.#verdict(held, made.verdict);
      const isMoved = this.#consent && !held.isFailed && made.bytes !== picture.bytes;
      // What was filmed is others', too, and not to be written into.
      const bytes = isMoved ? made.bytes : Uint8Array.from(picture.bytes);
      const explained = this.#explained?.draw({ id, picture, bytes, verdict, tracked });
      const isMarked = await timed(
        () => this.#marks.mark(id, bytes, mediaTimeUs),
        (ms) => (markMs += ms),
      );
      if (explained) await this.#explainedMarks!.mark(id, explained, mediaTimeUs);
      pictures.push({ id, bytes, verdict, isMarked, ...(explained ? { explained } : {}) });
    }
    this.#end.signal.throwIfAborted();
    this.#o.onPictures(mediaTimeUs, pictures, { trackMs, reanimateMs, markMs });
  }

  #verdict(held: Held, verdict: FaceVerdict): FaceVerdict {
    if (!this.#consent) return { strength: 0, guard: 'no-consent' };
    return held.isFailed ? { ...verdict, strength: 0, guard: 'failed' } : verdict;
  }

  #check({ widthPx, heightPx, bytes }: Picture): void {
    const { format } = this.#o;
    if (
      widthPx === format.widthPx &&
      heightPx === format.heightPx &&
      bytes.length === planeLayout(format).totalBytes
    )
      return;
    throw new LivedubError(
      'LIVEDUB_E_BAD_REQUEST',
      `Pictures are ${format.widthPx} × ${format.heightPx}, not ${widthPx} × ${heightPx}.`,
    );
  }

  #closeEngines(): void {
    this.#engines?.reanimation.close();
    this.#engines?.tracking.close();
    this.#engines = undefined;
  }

  #call() {
    return { signal: this.#end.signal, priority: 'live' as const };
  }
}

async function timed<T>(act: () => Promise<T>, tell: (ms: number) => void): Promise<T> {
  const startMs = performance.now();
  try {
    return await act();
  } finally {
    tell(performance.now() - startMs);
  }
}
