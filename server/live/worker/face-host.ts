import type { OutputMark } from '../../../pipeline/dub-channel.ts';
import { type LivedubError, toLivedubError } from '../../../pipeline/errors.ts';
import type { SpeechUpdate } from '../../../pipeline/face/dubbed-speech.ts';
import { FACE_LEAD_MS } from '../../../pipeline/live-tuning.ts';
import type { SfuRouter } from '../../../sfu/router.ts';
import { RecentSpeech } from '../../face/recent-speech.ts';
import type { TrackKey } from '../contract.ts';
import type { FromLiveWorker } from '../worker-messages.ts';
import { FaceMaker } from './face-maker.ts';
import { FaceRendition } from './face-rendition.ts';
import { FaceSource } from './face-source.ts';
import type { SharedFaceThread } from './shared-face-thread.ts';

type FaceMessage = Extract<FromLiveWorker, { kind: 'face' }>;

export interface FaceHostOptions {
  readonly channelId: string;
  /** Wall time of media time 0, µs. */
  readonly originUs: number;
  readonly router: SfuRouter;
  readonly thread: SharedFaceThread;
  /** What a track is marked with; throws for one that has no mark, which then is not made. */
  readonly markOf: (track: TrackKey) => OutputMark;
  /** Media time that synced playout shows now, µs; undefined before the first sound. */
  readonly headUs: () => number | undefined;
  readonly consent: boolean;
  /** The operator's; see `setDelay`. */
  readonly delayMs: number;
  /** The picture of a language is there, to be piped to the server. */
  readonly onTrack: (key: TrackKey, producerId: string) => void;
  /** Something failed and is tried again; pictures stay away meanwhile. */
  readonly onFailed: (error: LivedubError) => void;
  readonly send: (message: FaceMessage) => void;
}

/** What runs while somebody watches faces. */
interface Session {
  readonly producerId: string;
  readonly source: FaceSource;
  readonly maker: FaceMaker;
  readonly renditions: Map<string, FaceRendition>;
  readonly abort: AbortController;
}

/**
 * Pictures are worked on so long before they are shown, µs, besides what faces are looked at ahead: as long as speech is known ahead,
 * less would leave no time for what a picture waits for, and more would be before its speech.
 */
const LEAD_US = FACE_LEAD_MS * 1000;
const REPORT_MS = 1000;
const RETRY_MS = 1000;

/**
 * The faces of one live channel: the picture comes in, and goes out for each language in which somebody watches faces, in step with
 * its synced sound. While nobody does, nothing runs.
 */
export class FaceHost {
  readonly #o: FaceHostOptions;
  readonly #wanted = new Set<string>();
  readonly #speech = new RecentSpeech();
  #consent: boolean;
  #delayMs: number;
  #producerId: string | undefined;
  #session: Session | undefined;
  #report: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** One change after the other. */
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: FaceHostOptions) {
    this.#o = options;
    this.#consent = options.consent;
    this.#delayMs = options.delayMs;
  }

  /** The picture of the channel, piped from the server; undefined: there is none any more. */
  setPicture(producerId: string | undefined): void {
    this.#producerId = producerId;
    this.#follow();
  }

  /** Whether somebody watches the faces of a language. */
  setDemand(language: string, isWanted: boolean): void {
    if (this.#wanted.has(language) === isWanted) return;
    if (isWanted) this.#wanted.add(language);
    else {
      this.#wanted.delete(language);
      this.#tell(language, 'off');
    }
    this.#follow();
  }

  setConsent(consent: boolean): void {
    this.#consent = consent;
    this.#session?.maker.setConsent(consent);
  }

  /** The operator's delay, by which `headUs` is behind. The same again changes nothing. */
  setDelay(delayMs: number): void {
    if (delayMs === this.#delayMs) return;
    this.#delayMs = delayMs;
    this.#session?.maker.setDelay(delayMs);
  }

  /** What is said in a language, before it is heard. */
  speech(language: string, update: SpeechUpdate): void {
    this.#speech.add(language, update);
    const headUs = this.#o.headUs();
    if (headUs !== undefined) this.#speech.forget(headUs);
    this.#session?.maker.speech(language, update);
  }

  /** Sound of the original as it is heard, 16 kHz mono. */
  sourceSound(pcm: Float32Array, mediaTimeUs: number): void {
    this.#session?.maker.sourceSound(pcm, mediaTimeUs);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#follow();
    await this.#work;
  }

  #follow(): void {
    this.#work = this.#work.then(() => this.#change()).catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    if (this.#closed) return;
    this.#o.onFailed(toLivedubError(error));
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#follow();
    }, RETRY_MS);
  }

  /** Makes what runs what is wanted. */
  async #change(): Promise<void> {
    const producerId = this.#closed || this.#wanted.size === 0 ? undefined : this.#producerId;
    if (this.#session && this.#session.producerId !== producerId) await this.#end(this.#session);
    this.#beat();
    if (producerId === undefined) return;
    this.#session ??= await this.#begin(producerId);
    const session = this.#session;
    if (session === undefined) return;
    for (const [language, rendition] of session.renditions) {
      if (this.#wanted.has(language)) continue;
      session.renditions.delete(language);
      session.maker.remove(language);
      await rendition.close();
    }
    for (const language of this.#wanted)
      if (!session.renditions.has(language)) await this.#add(session, language);
  }

  /** @returns undefined for a picture of a codec that is not worked on */
  async #begin(producerId: string): Promise<Session | undefined> {
    const { router, originUs, headUs, thread, onFailed } = this.#o;
    const abort = new AbortController();
    const { signal } = abort;
    const source = await FaceSource.open({
      ...{ router, producerId, originUs, headUs },
      leadUs: () => LEAD_US + maker.aheadUs,
      onFrame: (frame) => maker.push(frame),
      onNone: (untilUs) => maker.passed(untilUs),
    });
    if (source === undefined) return undefined;
    const renditions = new Map<string, FaceRendition>();
    const maker: FaceMaker = new FaceMaker(
      {
        ...{ thread, headUs, onFailed, signal },
        consent: this.#consent,
        delayMs: this.#delayMs,
        onKeyframeWanted: () => source.requestKeyframe(),
        onPictures: (format, mediaTimeUs, pictures, readyMs) => {
          for (const { id, bytes, verdict } of pictures)
            renditions.get(id)?.push(format, { mediaTimeUs, bytes, verdict, readyMs });
        },
      },
      this.#speech,
    );
    maker.warm();
    return { producerId, source, maker, renditions, abort };
  }

  async #add({ source, maker, renditions, abort }: Session, language: string): Promise<void> {
    const { router, originUs, headUs, onTrack, onFailed } = this.#o;
    const key: TrackKey = `face:${language}:synced`;
    const mark = this.#o.markOf(key);
    const rendition = await FaceRendition.create({
      ...{ router, originUs, headUs, onFailed, language },
      codec: source.codec,
      fps: () => source.fps / maker.divisor,
      signal: abort.signal,
    });
    renditions.set(language, rendition);
    maker.add({ id: language, mark });
    onTrack(key, rendition.producerId);
  }

  async #end(session: Session): Promise<void> {
    this.#session = undefined;
    session.source.close();
    session.abort.abort();
    await Promise.all([session.maker.close(), ...[...session.renditions.values()].map((one) => one.close())]);
  }

  #beat(): void {
    const isOver = this.#closed || this.#wanted.size === 0;
    if (isOver) {
      clearInterval(this.#report);
      clearTimeout(this.#retry);
      this.#report = undefined;
      this.#retry = undefined;
    } else
      this.#report ??= setInterval(() => {
        for (const language of this.#wanted) this.#tell(language, this.#session?.maker.state ?? 'starting');
      }, REPORT_MS);
  }

  #tell(language: string, state: FaceMessage['state']): void {
    const { strength, guards, fps, computeMs } = this.#session?.renditions.get(language)?.figures.take() ?? {
      ...{ strength: 0, guards: {}, fps: 0, computeMs: 0 },
    };
    const { channelId } = this.#o;
    this.#o.send({ kind: 'face', channelId, language, state, strength, guards, fps, computeMs });
  }
}
