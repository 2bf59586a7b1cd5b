import { basename, join } from 'node:path';
import type { OutputMark } from '../../pipeline/dub-channel.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import { MOVED_LIPS_REMARK } from '../../pipeline/media/disclosure.ts';
import type { MediaInfo } from '../../pipeline/media/probe.ts';
import type { CompanionFile, Recording } from '../../pipeline/media/recorder.ts';
import type { PipelineObserver } from '../../pipeline/observer.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { DubRendition } from '../../pipeline/rendition-pipeline.ts';
import type { Marker } from '../marks/marker.ts';
import { FacePath, type MadeFaces } from './face-path.ts';
import type { ReportFace, TrackMark } from './report.ts';

export interface DubbedFacesOptions {
  readonly media: MediaInfo;
  readonly recording: Recording;
  readonly languages: readonly LanguageCode[];
  /** Of the pictures, in the order of the languages. */
  readonly marks: readonly OutputMark[];
  readonly marker: Marker;
  readonly explain: boolean;
  readonly outDir: string;
  /** Of the results, without language and ending. */
  readonly name: string;
  readonly onProgress: (endUs: number) => void;
}

/** What became of the faces of a dub. */
export interface FacesResult {
  /** For Recording.finish. */
  readonly companions: readonly CompanionFile[];
  readonly isCut: boolean;
  readonly notes: readonly string[];
  report(trackMark: (mark: OutputMark) => TrackMark): ReportFace[];
}

/** The part of a dub of a file that makes faces speak it. */
export class DubbedFaces {
  readonly observer: PipelineObserver;
  readonly #o: DubbedFacesOptions;
  readonly #path: FacePath;
  readonly #stop: AbortController;
  #endUs = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | undefined;

  private constructor(options: DubbedFacesOptions, path: FacePath, stop: AbortController) {
    this.#o = options;
    this.#path = path;
    this.#stop = stop;
    this.observer = { sound: (pcm, mediaTimeUs) => path.sound(pcm, mediaTimeUs) };
  }

  /**
   * @param options of a file with a picture
   * @throws LIVEDUB_E_MODEL_MISSING and others, as FaceThread.open
   */
  static async open(options: DubbedFacesOptions, signal: AbortSignal): Promise<DubbedFaces> {
    const stop = new AbortController();
    const onAbort = () => stop.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const { media, recording, languages, marks, explain, onProgress } = options;
      const path = await FacePath.open({
        ...{ media, explain, onProgress, folder: recording.folder, signal: stop.signal },
        renditions: languages.map((language, i) => ({ language, mark: marks[i]! })),
      });
      return new DubbedFaces(options, path, stop);
    } finally {
      // From here on, what there is of a picture is kept when somebody stops the dub.
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Takes what a rendition says. */
  onSpeech(language: LanguageCode): NonNullable<DubRendition['onSpeech']> {
    return (update) => this.#path.speech(language, update);
  }

  /** As FacePath.room. */
  room(mediaTimeUs: number): Promise<void> {
    return this.#path.room(mediaTimeUs);
  }

  /** As FacePath.end. */
  async end(options: Parameters<FacePath['end']>[0]): Promise<FacesResult> {
    const made = await this.#path.end(options);
    if (made) this.#endUs = made.endUs;
    return {
      companions: made ? this.#companions(made) : [],
      isCut: made?.isCut ?? false,
      notes: this.#path.notes,
      report: (trackMark) => (made ? this.#report(made, trackMark) : []),
    };
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stop.abort(new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.'));
    await this.#path.close();
    const renditions = this.#o.marks.map(({ rendition }) => rendition);
    await this.#o.marker.end(renditions, this.#endUs);
  }

  #companions({ renditions, isCut, endUs }: MadeFaces): CompanionFile[] {
    return renditions.flatMap(({ pictureFile, explainFile }, track) => {
      const cut = isCut ? { cutAtUs: endUs } : {};
      const face = {
        track,
        pictureFile,
        outFile: this.#file(track, 'face'),
        remark: MOVED_LIPS_REMARK,
        ...cut,
      };
      if (explainFile === undefined) return [face];
      return [face, { ...face, pictureFile: explainFile, outFile: this.#file(track, 'explain') }];
    });
  }

  #report(
    { renditions, engine, canvas }: MadeFaces,
    trackMark: (mark: OutputMark) => TrackMark,
  ): ReportFace[] {
    return renditions.map(({ figures: { isMarked, ...figures }, explainFile }, i) => ({
      file: basename(this.#file(i, 'face')),
      ...(explainFile === undefined ? {} : { explainFile: basename(this.#file(i, 'explain')) }),
      mark: isMarked ? trackMark(this.#o.marks[i]!) : null,
      ...{ engine, canvas, ...figures },
    }));
  }

  #file(track: number, kind: 'face' | 'explain'): string {
    return join(this.#o.outDir, `${this.#o.name}.${this.#o.languages[track]}.${kind}.mp4`);
  }
}
