import { readdir, realpath, rename, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ERRORS, type ErrorCode, LivedubError } from '../../pipeline/errors.ts';
import type { EncodedFrame } from '../../pipeline/frames.ts';
import type { ChannelSettings, Notice, RecordingView, TextEvent, TrackKey } from './contract.ts';
import type { DemandBook } from './demand.ts';
import type { RecordingFile } from './live-api.ts';
import type { Programme } from './programme.ts';
import { ChannelRecorder, viewRecording } from './recording/channel-recorder.ts';
import { finishRecording, release } from './recording/finish-recording.ts';
import type { FinishingQueue } from './recording/finishing-queue.ts';
import { recordingError } from './recording/recording-problem.ts';
import {
  again,
  faceFile,
  isUnfinished,
  RESULT_FILE,
  type RecordingState,
  readState,
  removeStray,
} from './recording/recording-state.ts';

export interface ChannelRecordingsOptions {
  channelId: string;
  /** Folder of this channel's recordings. */
  folder: string;
  settings: () => ChannelSettings;
  /** What is on the air. */
  programme: () => Programme | undefined;
  /** In which files are made, of all channels. */
  finishing: FinishingQueue;
  /** What is recorded has to be made. */
  demand: DemandBook;
  /** Captions of a dub begin with a notice that AI made it. Default true. */
  dubNotice?: boolean | undefined;
  onChange: () => void;
  onNotice: (notice: Omit<Notice, 'kind'>) => void;
}

interface Running {
  readonly recorder: ChannelRecorder;
  /** Media time at which it ends; later frames are left out. */
  endUs: number;
  timer: NodeJS.Timeout | undefined;
}

/** Files of an ended recording are being made, or wait for that. */
interface Making {
  /** Ends it. */
  readonly stop: AbortController;
  /** How many files come first, while it waits. */
  filesAhead: number | undefined;
  /** Never rejects. */
  done: Promise<void>;
}

/** What helps where nothing is on the air. */
const NOT_ON_AIR = { remedy: 'Try again when the channel is live.' };
const FILE_PATTERN = /^(recording(\.[a-z]{2,3}\.face)?\.mp4|[a-z]{2,3}\.(vtt|srt))$/;
/** What a deleted recording's folder is called until it is gone. */
const DELETED_SUFFIX = '.deleted';
/** How much longer than the delay a dubbed track may take. */
const DRAIN_MARGIN_MS = 1500;

/** The recordings of one channel: at most one running, the others on disk. */
export class ChannelRecordings {
  readonly #o: ChannelRecordingsOptions;
  readonly #stop = new AbortController();
  /** Recordings that were ended. */
  readonly #ended = new Map<string, RecordingState>();
  readonly #making = new Map<string, Making>();
  #running: Running | undefined;
  #starting: Promise<unknown> | undefined;

  constructor(options: ChannelRecordingsOptions) {
    this.#o = options;
  }

  get isRecording(): boolean {
    return this.#running !== undefined;
  }

  /** Reads what there is, finishes what a crash left, and tries again what may not fail any more. */
  async open(): Promise<void> {
    for (const name of await readdir(this.#o.folder).catch(() => [])) {
      const folder = join(this.#o.folder, name);
      if (name.endsWith(DELETED_SUFFIX)) await rm(folder, { recursive: true, force: true }).catch(() => {});
      const read = await readState(folder).catch(() => undefined);
      if (read?.id !== name) continue;
      const state = again(read, (error) => ERRORS[error?.code as ErrorCode]?.retryable);
      // Nothing of it is recorded any more.
      this.#ended.set(name, state.state === 'recording' ? { ...state, state: 'finishing' } : state);
      if (isUnfinished(state)) this.#make(name, async () => state);
      else await removeStray(folder, state).catch(() => {});
    }
  }

  /** Newest first. */
  views(): RecordingView[] {
    const views = [...this.#ended.keys()].map((id) => this.#endedView(id));
    if (this.#running) views.push(this.#runningView(this.#running));
    return views.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  }

  /**
   * Records what is on the air from now on.
   * @throws LivedubError LIVEDUB_E_CONFLICT when one runs or nothing is on the air, LIVEDUB_E_OUTPUT_NOT_WRITABLE,
   *   LIVEDUB_E_OUTPUT_DISK_FULL
   */
  async start(): Promise<RecordingView> {
    const programme = this.#o.programme();
    if (!programme)
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'Nothing is on the air to be recorded.', NOT_ON_AIR);
    const view = await this.#start(programme.nowUs);
    if (this.#o.programme() !== programme) {
      this.stop(Number.POSITIVE_INFINITY, 0);
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'The programme has just ended.', NOT_ON_AIR);
    }
    programme.requestKeyframes();
    this.want();
    return view;
  }

  /** A running recording has every language there is now, whoever listens; with its lips moved, where they may be. */
  want(): void {
    if (!this.#running) return;
    this.#o.demand.set(
      this,
      this.#o.settings().languages.flatMap(({ language }) => [
        { language, what: 'captions' as const },
        { language, what: 'mix:synced' as const },
        { language, what: 'face' as const },
      ]),
    );
  }

  async #start(startUs: number): Promise<RecordingView> {
    if (this.#running?.timer !== undefined)
      throw new LivedubError(
        'LIVEDUB_E_CONFLICT',
        'The recording before is still taking in its last seconds.',
        {
          remedy: 'Try again in a few seconds.',
        },
      );
    if (this.#running || this.#starting)
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'This channel is being recorded already.', {
        remedy: 'End that recording first.',
      });
    const starting = this.#open(startUs);
    this.#starting = starting.catch(() => {});
    try {
      const recorder = await starting;
      this.#running = { recorder, endUs: Number.POSITIVE_INFINITY, timer: undefined };
      this.#o.onChange();
      return this.#runningView(this.#running);
    } finally {
      this.#starting = undefined;
    }
  }

  async #open(startUs: number): Promise<ChannelRecorder> {
    let startedAt = new Date();
    // Two that begin at once, or after the clock was set back, must not meet in one folder.
    while (this.#ended.has(idOf(startedAt))) startedAt = new Date(startedAt.getTime() + 1);
    const id = idOf(startedAt);
    const recorder = await ChannelRecorder.start({
      folder: join(this.#o.folder, id),
      id,
      title: this.#o.settings().title,
      from: this.#o.settings().from,
      startedAt: startedAt.toISOString(),
      startUs,
      dubNotice: this.#o.dubNotice,
      onChange: () => {
        // One that cannot go on is ended: another may be begun when that is mended.
        if (this.#running?.recorder.state === 'failed') this.#finish(this.#running);
        this.#o.onChange();
      },
      onKeyframeWanted: () => this.#o.programme()?.requestKeyframes(),
    });
    if (!this.#stop.signal.aborted) return recorder;
    await recorder.close();
    throw new LivedubError('LIVEDUB_E_CLOSED', 'The channel is closed.');
  }

  /** One frame of a track that may be recorded. */
  push(key: TrackKey, frame: EncodedFrame): void {
    const running = this.#running;
    if (running && RECORDED.test(key) && frame.mediaTimeUs < running.endUs) running.recorder.push(key, frame);
  }

  text(event: TextEvent): void {
    if (this.#running && event.startUs < this.#running.endUs) this.#running.recorder.pushText(event);
  }

  /**
   * Ends the running recording now.
   * @throws LivedubError LIVEDUB_E_NOT_FOUND when none is running
   */
  end(): RecordingView {
    const endUs = this.#o.programme()?.nowUs ?? Number.POSITIVE_INFINITY;
    const view = this.stop(endUs, this.#o.settings().delayMs);
    if (!view)
      throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'Nothing is being recorded.', {
        remedy: 'Start a recording first.',
      });
    return view;
  }

  /**
   * Ends the running recording at a media time. Dubbed tracks run behind: what belongs before the end is still taken in for
   * `drainMs`.
   */
  stop(endUs: number, drainMs: number): RecordingView | undefined {
    const running = this.#running;
    if (!running) return undefined;
    if (running.timer === undefined || drainMs === 0) {
      clearTimeout(running.timer);
      running.endUs = Math.min(running.endUs, endUs);
      if (drainMs === 0) this.#finish(running);
      else {
        running.timer = setTimeout(() => this.#finish(running), drainMs + DRAIN_MARGIN_MS);
        this.#o.onChange();
      }
    }
    return this.#runningView(running);
  }

  /** @throws LivedubError LIVEDUB_E_NOT_FOUND */
  async file(recordingId: string, file: string): Promise<RecordingFile> {
    const state = this.#ended.get(recordingId);
    if (!state || !FILE_PATTERN.test(file)) throw noSuchFile();
    const folder = await realpath(join(this.#o.folder, recordingId)).catch(() => undefined);
    const path = await realpath(join(this.#o.folder, recordingId, file)).catch(() => undefined);
    // A link in the folder must not lead out of it.
    if (folder === undefined || path === undefined || !path.startsWith(folder + sep)) throw noSuchFile();
    const title = state.title.replace(/[\p{C}/\\]+/gu, '_');
    const suffix = file === RESULT_FILE ? '.mp4' : ` ${file.replace(/^recording\./, '')}`;
    return { path, downloadName: `${title} ${state.startedAt.slice(0, 10)}${suffix}` };
  }

  /**
   * Makes the files again that could not be made.
   * @throws LivedubError LIVEDUB_E_NOT_FOUND, LIVEDUB_E_CONFLICT when none failed or they are being made
   */
  retry(recordingId: string): RecordingView {
    const state = again(this.#settled(recordingId));
    if (!isUnfinished(state))
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'There is no file of this recording that was not made.', {
        remedy: 'There is nothing to do.',
      });
    this.#ended.set(recordingId, state);
    this.#make(recordingId, async () => state);
    return this.#endedView(recordingId);
  }

  /**
   * Deletes a recording that was ended, whatever is being made of it.
   * @throws LivedubError LIVEDUB_E_NOT_FOUND, LIVEDUB_E_CONFLICT while it runs, LIVEDUB_E_OUTPUT_NOT_WRITABLE
   */
  async remove(recordingId: string): Promise<void> {
    const running = this.#running;
    if (running?.recorder.id === recordingId) {
      if (running.timer === undefined)
        throw new LivedubError('LIVEDUB_E_CONFLICT', 'This recording runs.', { remedy: 'End it first.' });
      this.#finish(running);
    }
    if (!this.#ended.has(recordingId)) throw noSuchRecording();
    const making = this.#making.get(recordingId);
    making?.stop.abort(new LivedubError('LIVEDUB_E_ABORTED', 'The recording is deleted.'));
    await making?.done;
    const state = this.#ended.get(recordingId);
    if (!state) throw noSuchRecording();
    const folder = join(this.#o.folder, recordingId);
    // Nothing more can be asked of it.
    this.#ended.delete(recordingId);
    try {
      // A crash leaves all of it, or something that the next start knows for deleted.
      await rename(folder, folder + DELETED_SUFFIX);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#ended.set(recordingId, state);
        throw recordingError(error, folder);
      }
    }
    this.#o.onChange();
    await rm(folder + DELETED_SUFFIX, { recursive: true, force: true }).catch(() => {});
  }

  /**
   * Deletes the file with moved lips of one language, or gives it up when it was not made, with what it was to be made of.
   * @throws LivedubError LIVEDUB_E_NOT_FOUND, LIVEDUB_E_CONFLICT while files are being made, LIVEDUB_E_OUTPUT_…
   */
  async removeFile(recordingId: string, file: string): Promise<RecordingView> {
    const state = this.#settled(recordingId);
    const faces = state.faces.filter(({ language }) => faceFile(language) !== file);
    if (faces.length === state.faces.length) throw noSuchFile();
    const folder = join(this.#o.folder, recordingId);
    const released = release(folder, { ...state, faces });
    // Nothing else is to change its files meanwhile.
    const done = released.then(
      () => undefined,
      () => undefined,
    );
    this.#making.set(recordingId, { stop: new AbortController(), filesAhead: undefined, done });
    try {
      this.#ended.set(recordingId, await released);
    } catch (error) {
      throw recordingError(error, folder);
    } finally {
      this.#making.delete(recordingId);
    }
    this.#o.onChange();
    return this.#endedView(recordingId);
  }

  /** Leaves what runs as a crash would: the next start finishes it. */
  async close(): Promise<void> {
    this.#stop.abort(new LivedubError('LIVEDUB_E_ABORTED', 'The server is stopping.'));
    await this.#starting;
    const running = this.#running;
    this.#running = undefined;
    clearTimeout(running?.timer);
    await running?.recorder.close();
    await Promise.all([...this.#making.values()].map(({ done }) => done));
  }

  #finish(running: Running): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    clearTimeout(running.timer);
    // It has everything: nothing has to be made for it any more.
    this.#o.demand.set(this, []);
    const { recorder } = running;
    this.#ended.set(recorder.id, { ...recorder.recorded, state: 'finishing' });
    this.#make(recorder.id, () => recorder.close());
  }

  /** Makes what there is to make of a recording. @param recorded gives its state when all of it is on disk */
  #make(id: string, recorded: () => Promise<RecordingState>): void {
    const making: Making = { stop: new AbortController(), filesAhead: undefined, done: Promise.resolve() };
    making.done = this.#makeFiles(id, making, recorded).finally(() => {
      this.#making.delete(id);
      this.#o.onChange();
    });
    this.#making.set(id, making);
    this.#o.onChange();
  }

  async #makeFiles(id: string, making: Making, recorded: () => Promise<RecordingState>): Promise<void> {
    const folder = join(this.#o.folder, id);
    const signal = AbortSignal.any([this.#stop.signal, making.stop.signal]);
    const onAhead = (ahead: number | undefined): void => {
      making.filesAhead = ahead;
      this.#o.onChange();
    };
    try {
      const made = await finishRecording({
        ...{ folder, signal, state: await recorded() },
        inTurn: (work) => this.#o.finishing.inTurn({ signal, work, onAhead }),
        onState: (state) => {
          this.#ended.set(id, state);
          this.#o.onChange();
        },
      });
      const why = made.error ?? made.cut;
      if (why) this.#warn(why.message);
      for (const { language, error } of made.faces)
        if (error) this.#warn(`The file with moved lips (${language}) was not made: ${error.message}`);
    } catch (error) {
      // Stopped: it is as the next start will find it.
      if (!signal.aborted) this.#warn(recordingError(error, folder).message);
    }
  }

  #warn(message: string): void {
    this.#o.onNotice({ level: 'warning', code: 'recording', message: `Recording: ${message}` });
  }

  /** The state of a recording of which nothing is being made. */
  #settled(id: string): RecordingState {
    const state = this.#ended.get(id);
    if (!state) throw noSuchRecording();
    if (this.#making.has(id))
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'Files of this recording are being made.', {
        remedy: 'Try again when they are done.',
      });
    return state;
  }

  #endedView(id: string): RecordingView {
    const view = viewRecording(this.#ended.get(id)!, (file) => this.#href(id, file));
    const filesAhead = this.#making.get(id)?.filesAhead;
    return filesAhead === undefined ? view : { ...view, filesAhead };
  }

  /** One that was ended is being finished, though it still takes in the last of its dubs. */
  #runningView({ recorder, timer }: Running): RecordingView {
    const { recorded } = recorder;
    const state: RecordingState = timer === undefined ? recorded : { ...recorded, state: 'finishing' };
    return viewRecording(state, (file) => this.#href(recorder.id, file));
  }

  #href(id: string, file: string): string {
    return `/v1/channels/${this.#o.channelId}/recordings/${id}/${file}`;
  }
}

/** What goes into a recording: the original, and each language as it is heard and seen in sync. */
const RECORDED = /^(live:(audio|video)|(mix|face):[a-z]{2,3}:synced)$/;

function idOf(startedAt: Date): string {
  return startedAt.toISOString().replace(/[-:.]/g, '').toLowerCase();
}

function noSuchRecording(): LivedubError {
  return new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is no such recording.');
}

function noSuchFile(): LivedubError {
  return new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is no such file of this recording.');
}
