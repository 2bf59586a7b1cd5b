import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { LivedubError } from '../../../pipeline/errors.ts';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import type { RecordingView, TextEvent } from '../contract.ts';
import { type PictureFormat, pictureFormat } from './picture-format.ts';
import { isMoved } from './recording-mux.ts';
import { recordingError, recordingProblem } from './recording-problem.ts';
import {
  faceFile,
  RESULT_FILE,
  type RecordedFace,
  type RecordingPart,
  type RecordingState,
  TEXT_FILE,
  withFace,
  writeState,
} from './recording-state.ts';
import { TrackSpool } from './track-spool.ts';

export interface ChannelRecorderOptions {
  /** Folder of this recording alone; made here. Everything of it stays in there. */
  readonly folder: string;
  /** Names the recording within its channel. */
  readonly id: string;
  readonly title: string;
  /** Language spoken, ISO 639-1. */
  readonly from: string;
  /** RFC 3339. */
  readonly startedAt: string;
  /** Media time at which the recording begins, µs; frames before it are left out. Default: that of the first frame. */
  readonly startUs?: number;
  /** Captions of a dub begin with a notice that AI made it. Default true. */
  readonly dubNotice?: boolean | undefined;
  /**
   * Most bytes that wait for the disk; beyond it the recording fails, the channel goes on. From half of it on, moved pictures are
   * left out up to a keyframe: there the picture is as filmed. Default 32 MiB.
   */
  readonly maxPendingBytes?: number;
  /** State or error changed. Default: nothing. */
  readonly onChange?: () => void;
  /** A picture is left out until there is a keyframe; told once a second of it. Default: nothing. */
  readonly onKeyframeWanted?: () => void;
}

/** A keyframe takes its time: it is asked for no more often, µs. */
const ASK_KEYFRAME_EVERY_US = 1_000_000;
/** A dub may end so much later than the original, µs. Further on it is silent: nobody publishes. */
const TAIL_US = 5_000_000;

interface Track {
  spool: TrackSpool | undefined;
  part: RecordingPart | undefined;
  formatKey: string | undefined;
  lastUs: number;
  /** When a keyframe was asked for last. */
  askedUs: number;
  /** Frames were left out: the next one has to stand by itself. */
  isBroken: boolean;
}

/**
 * Records a channel as any viewer gets it: picture and Opus as they are, one track a key (`live:video`, `live:audio`,
 * `mix:es:synced`, `face:es:synced`, …), each from when it begins. Tracks may pause and come back: holes stay holes in media
 * time; a moved picture begins with a keyframe each time. `push` never waits and never throws; what comes goes to disk in order,
 * and a full or broken disk ends the recording (state `failed`, what was written is kept), never the channel. A moved picture
 * that cannot be written ends alone.
 */
export class ChannelRecorder {
  readonly folder: string;
  readonly #options: ChannelRecorderOptions;
  readonly #tracks = new Map<string, Track>();
  readonly #text: FileHandle;
  #state: RecordingState;
  #startUs: number | undefined;
  /** Newest of the original, since the start. */
  #originalUs: number | undefined;
  #work: Promise<void> = Promise.resolve();
  #pendingBytes = 0;
  #parts = 0;
  #closing: Promise<RecordingState> | undefined;

  private constructor(options: ChannelRecorderOptions, state: RecordingState, text: FileHandle) {
    this.folder = options.folder;
    this.#options = options;
    this.#state = state;
    this.#text = text;
    this.#startUs = options.startUs;
  }

  /** @throws LivedubError LIVEDUB_E_OUTPUT_NOT_WRITABLE, LIVEDUB_E_OUTPUT_DISK_FULL */
  static async start(options: ChannelRecorderOptions): Promise<ChannelRecorder> {
    const { folder, id, title, from, startedAt, dubNotice = true } = options;
    const state: RecordingState = {
      ...{
        id,
        title,
        from,
        dubNotice,
        startedAt,
        state: 'recording',
        durationMs: 0,
        parts: [],
        captions: [],
        faces: [],
      },
    };
    try {
      await mkdir(path.dirname(folder), { recursive: true });
      // One that is there already has another recording in it.
      await mkdir(folder);
    } catch (error) {
      throw recordingError(error, folder);
    }
    let text: FileHandle | undefined;
    try {
      text = await open(path.join(folder, TEXT_FILE), 'a');
      await writeState(folder, state);
      return new ChannelRecorder(options, state, text);
    } catch (error) {
      await text?.close().catch(() => {});
      await rm(folder, { recursive: true, force: true }).catch(() => {});
      throw recordingError(error, folder);
    }
  }

  get id(): string {
    return this.#state.id;
  }

  get state(): RecordingState['state'] {
    return this.#state.state;
  }

  /** All that is known of it, as its folder has it. */
  get recorded(): RecordingState {
    return this.#state;
  }

  get durationMs(): number {
    return this.#state.durationMs;
  }

  /** Bytes that wait for the disk. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** What is recorded, as the API shows it. @param href address of a file of this recording */
  view(href: (file: string) => string): RecordingView {
    return viewRecording(this.#state, href);
  }

  /** The next frame of a track, in media-time order. Its bytes must not be written to afterwards. */
  push(track: string, frame: EncodedFrame): void {
    if (this.#state.state !== 'recording') return;
    this.#startUs ??= frame.mediaTimeUs;
    const atUs = frame.mediaTimeUs - this.#startUs;
    if (atUs < 0) return;
    let known = this.#tracks.get(track);
    if (known === undefined) {
      known = {
        ...{ spool: undefined, part: undefined, formatKey: undefined },
        ...{ lastUs: -1, askedUs: Number.NEGATIVE_INFINITY, isBroken: false },
      };
      this.#tracks.set(track, known);
    }
    // A frame out of order cannot be shown any more.
    if (atUs <= known.lastUs) return;
    if (isOriginal(track)) this.#originalUs = Math.max(this.#originalUs ?? 0, atUs);
    else if (atUs > (this.#originalUs ?? Number.POSITIVE_INFINITY) + TAIL_US) return;
    const format = frame.codec === 'opus' ? { key: 'opus' } : pictureFormat(frame);
    // A stretch of pictures begins with a keyframe.
    const maxPendingBytes = this.#options.maxPendingBytes ?? 32 * 2 ** 20;
    const isBehind = isMoved(track) && this.#pendingBytes > maxPendingBytes / 2;
    if ((known.formatKey === undefined || known.isBroken) && format === undefined) {
      if (!isBehind && atUs - known.askedUs >= ASK_KEYFRAME_EVERY_US) {
        known.askedUs = atUs;
        this.#options.onKeyframeWanted?.();
      }
      return;
    }
    known.isBroken = isBehind;
    if (known.isBroken) return;
    if (this.#pendingBytes > maxPendingBytes) {
      const message = 'The disk is too slow for this recording.';
      this.#fail(new LivedubError('LIVEDUB_E_CHANNEL_OVERFLOW', message));
      return;
    }
    const isNewPart = format !== undefined && format.key !== known.formatKey;
    if (isNewPart) known.formatKey = format.key;
    known.lastUs = atUs;
    this.#state.durationMs = Math.max(this.#state.durationMs, Math.round((atUs + frame.durationUs) / 1000));
    this.#enqueue(frame.data.length, async () => {
      if (this.#faceOf(track)?.state === 'failed') return;
      try {
        await this.#write(track, known, frame, atUs, format, isNewPart);
      } catch (error) {
        if (!isMoved(track)) throw error;
        await this.#failFace(track, error);
      }
    });
  }

  /** Clauses, translations and what the voice made of them become captions; other events are passed over. */
  pushText(event: TextEvent): void {
    if (this.#state.state !== 'recording' || this.#startUs === undefined) return;
    if (event.kind === 'hypothesis') return;
    const startUs = event.startUs - this.#startUs;
    const endUs = event.endUs - this.#startUs;
    if (endUs <= 0) return;
    const line = `${JSON.stringify({ ...event, startUs: Math.max(0, startUs), endUs })}\n`;
    this.#enqueue(line.length, async () => {
      await this.#text.appendFile(line);
    });
  }

  /**
   * Stops recording: everything pushed is on disk, ready to be finished, now or after the next start of the server. The same result
   * for every call.
   */
  close(): Promise<RecordingState> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<RecordingState> {
    if (this.#state.state === 'recording') this.#state = { ...this.#state, state: 'finishing' };
    await this.#work;
    for (const track of this.#tracks.values()) {
      await track.spool?.close().catch(() => {});
      track.spool = undefined;
    }
    await this.#text.close().catch(() => {});
    // It has failed to go on; what there is can be finished.
    this.#state = { ...this.#state, state: 'finishing' };
    await writeState(this.folder, this.#state).catch(() => {});
    return this.#state;
  }

  #enqueue(bytes: number, work: () => Promise<void>): void {
    this.#pendingBytes += bytes;
    this.#work = this.#work.then(async () => {
      try {
        if (this.#state.state !== 'failed') await work();
      } catch (error) {
        this.#fail(error);
      } finally {
        this.#pendingBytes -= bytes;
      }
    });
  }

  async #write(
    name: string,
    track: Track,
    frame: EncodedFrame,
    atUs: number,
    format: PictureFormat | undefined,
    isNewPart: boolean,
  ): Promise<void> {
    if (isNewPart) {
      await track.spool?.close();
      const file = `${String(this.#parts++).padStart(3, '0')}-${name.replaceAll(':', '-')}.mkv`;
      track.spool = await TrackSpool.create({
        ...format,
        file: path.join(this.folder, file),
        codec: frame.codec,
      });
      track.part = { track: name, codec: frame.codec, file };
      this.#state.parts.push(track.part);
      if (isMoved(name) && this.#faceOf(name) === undefined) {
        this.#state = withFace(this.#state, { language: languageOf(name), state: 'pending' });
        this.#options.onChange?.();
      }
    }
    const { part } = track;
    const grows =
      (format?.widthPx ?? 0) > (part?.widthPx ?? 0) || (format?.heightPx ?? 0) > (part?.heightPx ?? 0);
    if (part !== undefined && grows) {
      part.widthPx = Math.max(part.widthPx ?? 0, format?.widthPx ?? 0);
      part.heightPx = Math.max(part.heightPx ?? 0, format?.heightPx ?? 0);
    }
    if (isNewPart || grows) await writeState(this.folder, this.#state);
    await track.spool!.write(frame, atUs);
  }

  #faceOf(track: string): RecordedFace | undefined {
    return this.#state.faces.find(({ language }) => isMoved(track) && language === languageOf(track));
  }

  /** Nothing more of a moved picture is recorded; everything else is. */
  async #failFace(track: string, error: unknown): Promise<void> {
    const problem = recordingProblem(error, this.folder);
    this.#state = withFace(this.#state, { language: languageOf(track), state: 'failed', error: problem });
    this.#options.onChange?.();
    await writeState(this.folder, this.#state);
  }

  #fail(error: unknown): void {
    if (this.#state.state === 'failed') return;
    const { message, ...problem } = recordingProblem(error, this.folder);
    const cut = { ...problem, message: `It ends early. ${message}` };
    this.#state = { ...this.#state, state: 'failed', cut };
    // What was written so far can be finished, also when nobody ends it.
    const kept: RecordingState = { ...this.#state, state: 'finishing' };
    this.#work = this.#work.then(() => writeState(this.folder, kept).catch(() => {}));
    this.#options.onChange?.();
  }
}

function isOriginal(track: string): boolean {
  return track.startsWith('live:') || track.startsWith('delayed:');
}

function languageOf(track: string): string {
  return track.split(':')[1]!;
}

/** A recording as the API shows it. @param href address of a file of this recording */
export function viewRecording(state: RecordingState, href: (file: string) => string): RecordingView {
  /** A file that was to be made of a recording that failed never will be. */
  const pending = state.state === 'done' ? 'finishing' : state.state;
  const error = state.error ?? state.cut;
  return {
    id: state.id,
    startedAt: state.startedAt,
    state: state.state,
    durationMs: state.durationMs,
    ...(state.state === 'done' ? { download: href(RESULT_FILE) } : undefined),
    captions: state.captions.map((language) => ({
      language,
      vtt: href(`${language}.vtt`),
      srt: href(`${language}.srt`),
    })),
    faces: state.faces.map(({ language, state, movedMs, error }) => ({
      language,
      state: state === 'pending' ? pending : state,
      ...(movedMs === undefined ? undefined : { movedMs }),
      ...(state === 'done' ? { download: href(faceFile(language)) } : undefined),
      ...(error === undefined ? undefined : { error }),
    })),
    ...(error === undefined ? undefined : { error }),
  };
}
