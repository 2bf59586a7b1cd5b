import { join } from 'node:path';
import type { OutputMark } from '../../pipeline/dub-channel.ts';
import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import type { SpeechUpdate } from '../../pipeline/face/dubbed-speech.ts';
import type { PictureFormat } from '../../pipeline/face/picture.ts';
import { type RawPicture, ticksToUs } from '../../pipeline/media/nut.ts';
import { type DecodedPictures, decodedColour, decodePictures } from '../../pipeline/media/picture-decoder.ts';
import { PictureEncoder } from '../../pipeline/media/picture-encoder.ts';
import type { MediaInfo } from '../../pipeline/media/probe.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import { explainedFormat } from '../face/explain-view.ts';
import type { FacePicture, FaceTimings } from '../face/face-messages.ts';
import { FaceThread, type FaceThreadOptions } from '../face/face-thread-client.ts';
import { type FaceFigures, FaceTally } from './face-tally.ts';
import { SteadyFaces } from './steady-faces.ts';

export interface FacePathOptions {
  /** With a picture. */
  readonly media: MediaInfo;
  /** Where unfinished files go. */
  readonly folder: string;
  readonly renditions: readonly { readonly language: LanguageCode; readonly mark: OutputMark }[];
  /** Makes a second file of each that shows why. */
  readonly explain: boolean;
  /** Told after every picture how far it is. */
  readonly onProgress: (endUs: number) => void;
  readonly signal: AbortSignal;
}

export interface MadeFaces {
  readonly engine: string;
  readonly canvas: string;
  /** Media time of the last picture. */
  readonly endUs: number;
  /** It was stopped before the input's end. */
  readonly isCut: boolean;
  /** In the order of the renditions. */
  readonly renditions: readonly {
    readonly pictureFile: string;
    readonly explainFile: string | undefined;
    readonly figures: FaceFigures;
  }[];
}

type OnMoved = NonNullable<FaceThreadOptions['onMoved']>;

interface Rendition {
  readonly language: LanguageCode;
  readonly pictureFile: string;
  readonly explainFile: string | undefined;
  readonly encoder: PictureEncoder;
  readonly explainEncoder: PictureEncoder | undefined;
  readonly tally: FaceTally;
  /** Settles when all that came out was written. */
  written: Promise<void>;
}

/** A picture needs to know what is said so long after it, with room for what engines look ahead, µs. */
const SPEECH_AHEAD_US = 1_500_000;
/** Sound of the original goes to the faces so long before its picture, µs. */
const SOUND_AHEAD_US = 500_000;
/** The dub's sound may be ahead of its picture by so much, µs: what is known of it is kept. */
const MAX_SOUND_AHEAD_US = 60_000_000;
/** Somebody who stops a dub wants what there is: the picture may catch up with the sound for so long. */
const PATIENCE_MS = 60_000;

/**
 * The picture of a file with faces that speak its dubs, one file a language: decoded, moved, marked and encoded while the sound is
 * dubbed, neither of them far ahead of the other.
 */
export class FacePath {
  readonly #o: FacePathOptions;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #thread: FaceThread;
  readonly #work: Promise<MadeFaces | undefined>;
  readonly #knownUs = new Map<LanguageCode, number>();
  readonly #notes: string[];
  readonly #onMoved: OnMoved;
  #faces: SteadyFaces | undefined;
  /** What was told before there were faces to tell it to. */
  #early: { readonly language: LanguageCode; readonly update: SpeechUpdate }[] = [];
  #sound: { readonly pcm: Float32Array; readonly mediaTimeUs: number }[] = [];
  #renditions: Rendition[] = [];
  #untilUs = Number.POSITIVE_INFINITY;
  /** Media time of the picture that is next. */
  #nextUs = Number.NEGATIVE_INFINITY;
  #endUs = 0;
  #isCut = false;
  #failure: LivedubError | undefined;
  #waiters: (() => void)[] = [];

  private constructor(
    options: FacePathOptions,
    {
      thread,
      stop,
      notes,
      onMoved,
    }: {
      readonly thread: FaceThread;
      readonly stop: AbortController;
      readonly notes: string[];
      readonly onMoved: OnMoved;
    },
  ) {
    this.#o = options;
    this.#notes = notes;
    this.#onMoved = onMoved;
    this.#thread = thread;
    this.#stop = stop;
    this.#signal = AbortSignal.any([options.signal, stop.signal]);
    for (const { language } of options.renditions) this.#knownUs.set(language, Number.NEGATIVE_INFINITY);
    for (const passed of thread.passedOver) this.#notes.push(`Faces: ${passed}`);
    this.#work = this.#run();
    this.#work.catch(() => {});
  }

  /** @throws as FaceThread.open */
  static async open(options: FacePathOptions): Promise<FacePath> {
    const stop = new AbortController();
    const notes: string[] = [];
    const onMoved: OnMoved = (on, { code, message }) => {
      const where = on === 'cpu' ? 'the processor' : on;
      notes.push(`Faces: ${message} From there on they were made on ${where} (${code}).`);
    };
    const thread = await FaceThread.open({
      signal: AbortSignal.any([options.signal, stop.signal]),
      onMoved,
    });
    return new FacePath(options, { thread, stop, notes, onMoved });
  }

  /** One line each, for people: what went wrong. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  speech(language: LanguageCode, update: SpeechUpdate): void {
    if (this.#nextUs === Number.POSITIVE_INFINITY) return;
    if (this.#faces) this.#faces.speech(language, update);
    else this.#early.push({ language, update });
    if (update.kind !== 'known') return;
    this.#knownUs.set(language, update.untilUs);
    this.#wake();
  }

  /** @param pcm the original, 16 kHz mono */
  sound(pcm: Float32Array, mediaTimeUs: number): void {
    if (this.#nextUs < Number.POSITIVE_INFINITY) this.#sound.push({ pcm, mediaTimeUs });
  }

  /**
   * Resolves once the picture is near enough for the dub's sound to go on.
   * @throws LIVEDUB_E_OUTPUT_*
   */
  async room(mediaTimeUs: number): Promise<void> {
    while (mediaTimeUs - this.#nextUs > MAX_SOUND_AHEAD_US && this.#failure === undefined)
      await this.#woken();
    if (this.#failure) throw this.#failure;
  }

  /**
   * Waits for the last picture.
   * @param stoppedAtUs the dub ended early: the picture goes no further, nor on for long
   * @param stop ends it at once; what there is stays
   * @returns undefined when there is no picture to be had; `notes` say why
   * @throws LIVEDUB_E_OUTPUT_*, LIVEDUB_E_ABORTED
   */
  async end(options: {
    readonly stoppedAtUs?: number;
    readonly stop: AbortSignal;
  }): Promise<MadeFaces | undefined> {
    const { stoppedAtUs, stop } = options;
    const halt = () => this.#stopAt(0);
    const patience = stoppedAtUs === undefined ? undefined : setTimeout(halt, PATIENCE_MS);
    if (stoppedAtUs !== undefined) this.#stopAt(stoppedAtUs);
    else if (stop.aborted) halt();
    else stop.addEventListener('abort', halt, { once: true });
    try {
      return await this.#work;
    } finally {
      clearTimeout(patience);
      stop.removeEventListener('abort', halt);
    }
  }

  /** Stops at once. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort(new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.'));
    this.#wake();
    await this.#work.catch(() => {});
    await this.#faces?.close();
    await this.#thread.close();
  }

  #stopAt(mediaTimeUs: number): void {
    this.#untilUs = Math.min(this.#untilUs, mediaTimeUs);
    this.#wake();
  }

  async #run(): Promise<MadeFaces | undefined> {
    try {
      return await this.#makeAll();
    } catch (thrown) {
      const error = toLivedubError(thrown);
      if (error.code.startsWith('LIVEDUB_E_OUTPUT_')) {
        this.#failure = error;
        throw error;
      }
      if (this.#signal.aborted) throw error;
      this.#notes.push(`No faces were moved: ${error.message}`);
      return undefined;
    } finally {
      this.#nextUs = Number.POSITIVE_INFINITY;
      this.#early = [];
      this.#sound = [];
      this.#wake();
      this.#stop.abort(new LivedubError('LIVEDUB_E_CLOSED', 'The faces are done.'));
    }
  }

  async #makeAll(): Promise<MadeFaces> {
    const { media } = this.#o;
    const decoded = await decodePictures(media, this.#signal);
    const { widthPx, heightPx } = decoded.format;
    const format = { widthPx, heightPx, colour: decodedColour(media.video!) };
    this.#renditions = this.#o.renditions.map(({ language }) => this.#open(language, decoded, format));
    const faces = new SteadyFaces({
      ...{ thread: this.#thread, format, explain: this.#o.explain, signal: this.#signal },
      renditions: this.#o.renditions.map(({ language, mark }) => ({ id: language, mark })),
      onPictures: (pts, pictures, timings) => this.#write(pts, pictures, timings, decoded),
      onMoved: this.#onMoved,
      onLost: ({ message }) => this.#notes.push(`${message} Faces stayed as filmed for a moment.`),
    });
    this.#faces = faces;
    for (const { language, update } of this.#early.splice(0)) faces.speech(language, update);
    await this.#feed(faces, decoded);
    await faces.flush();
    const { engine, canvas } = faces;
    for (const { encoder, explainEncoder, written } of this.#renditions) {
      await written;
      await encoder.end();
      await explainEncoder?.end();
    }
    await faces.close();
    return {
      ...{ engine, canvas, endUs: this.#endUs, isCut: this.#isCut },
      renditions: this.#renditions.map(({ pictureFile, explainFile, tally }) => ({
        ...{ pictureFile, explainFile, figures: tally.read() },
      })),
    };
  }

  #open(language: LanguageCode, { format }: DecodedPictures, filmed: PictureFormat): Rendition {
    const { folder, explain, media } = this.#o;
    const encode = (file: string, size: { widthPx: number; heightPx: number }) =>
      new PictureEncoder({
        ...{ file, colour: media.video!.colour, signal: this.#signal },
        format: { ...format, widthPx: size.widthPx, heightPx: size.heightPx },
      });
    const pictureFile = join(folder, `faces-${language}.mp4`);
    const explainFile = explain ? join(folder, `explain-${language}.mp4`) : undefined;
    return {
      ...{ language, pictureFile, explainFile, tally: new FaceTally(), written: Promise.resolve() },
      encoder: encode(pictureFile, format),
      explainEncoder: explainFile === undefined ? undefined : encode(explainFile, explainedFormat(filmed)),
    };
  }

  async #feed(faces: SteadyFaces, { format, pictures }: DecodedPictures): Promise<void> {
    let isFirst = true;
    for await (const { pts, bytes } of pictures) {
      const mediaTimeUs = ticksToUs(pts, format.timeBase);
      this.#nextUs = mediaTimeUs;
      this.#wake();
      await this.#speechKnown(mediaTimeUs + SPEECH_AHEAD_US);
      // There is always one picture, so that there is a file.
      if (mediaTimeUs >= this.#untilUs && !isFirst) {
        this.#isCut = true;
        this.#notes.push(`Faces were stopped after ${(mediaTimeUs / 1e6).toFixed(1)} s.`);
        return;
      }
      isFirst = false;
      while (this.#sound.length > 0 && this.#sound[0]!.mediaTimeUs < mediaTimeUs + SOUND_AHEAD_US) {
        const { pcm, mediaTimeUs: atUs } = this.#sound.shift()!;
        faces.sound(pcm, atUs);
      }
      await Promise.all(this.#renditions.map(({ written }) => written));
      await faces.push({ pts, mediaTimeUs, bytes });
    }
  }

  #write(
    pts: number,
    pictures: readonly FacePicture[],
    timings: FaceTimings,
    { format }: DecodedPictures,
  ): void {
    for (const picture of pictures) {
      const rendition = this.#renditions.find(({ language }) => language === picture.id)!;
      rendition.tally.add(picture, timings);
      const { encoder, explainEncoder } = rendition;
      const { bytes, explained } = picture;
      const write = async (to: PictureEncoder | undefined, raw: RawPicture) => to?.write(raw);
      rendition.written = rendition.written.then(async () => {
        await write(encoder, { pts, bytes });
        if (explained) await write(explainEncoder, { pts, bytes: explained });
      });
      rendition.written.catch(() => {});
    }
    this.#endUs = ticksToUs(pts, format.timeBase);
    this.#o.onProgress(this.#endUs);
  }

  async #speechKnown(untilUs: number): Promise<void> {
    while (Math.min(...this.#knownUs.values()) < untilUs && this.#untilUs === Number.POSITIVE_INFINITY) {
      this.#signal.throwIfAborted();
      await this.#woken();
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}
