import { mkdir, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import type { EncodedFrame } from '../../pipeline/frames.ts';
import type { ChannelSettings, Notice, RecordingView, TextEvent, TrackKey } from './contract.ts';
import type { DemandBook } from './demand.ts';
import type { RecordingFile } from './live-api.ts';
import type { Programme } from './programme.ts';
import { ChannelRecorder, viewRecording } from './recording/channel-recorder.ts';
import { finishRecording } from './recording/finish-recording.ts';
import { isUnfinished, RESULT_FILE, type RecordingState, readState } from './recording/recording-state.ts';

export interface ChannelRecordingsOptions {
  channelId: string;
  /** Folder of this channel's recordings. */
  folder: string;
  settings: () => ChannelSettings;
  /** What is on the air. */
  programme: () => Programme | undefined;
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

const FILE_PATTERN = /^(recording(\.[a-z]{2,3}\.face)?\.mp4|[a-z]{2,3}\.(vtt|srt))$/;
/** How much longer than the delay a dubbed track may take. */
const DRAIN_MARGIN_MS = 1500;

/** The recordings of one channel: at most one running, the others on disk. */
export class ChannelRecordings {
  readonly #o: ChannelRecordingsOptions;
  readonly #stop = new AbortController();
  readonly #finished = new Map<string, RecordingState>();
  /** Recordings whose files are being made. */
  readonly #finishing = new Map<string, { recorder: ChannelRecorder | undefined; done: Promise<void> }>();
  #running: Running | undefined;
  #isStarting = false;
  #isClosed = false;

  constructor(options: ChannelRecordingsOptions) {
    this.#o = options;
  }

  get isRecording(): boolean {
    return this.#running !== undefined;
  }

  /** Reads what there is, and finishes what a crash left. */
  async open(): Promise<void> {
    for (const name of await readdir(this.#o.folder).catch(() => [])) {
      const folder = join(this.#o.folder, name);
      const state = await readState(folder).catch(() => undefined);
      if (state?.id !== name) continue;
      this.#finished.set(name, state);
      if (!isUnfinished(state)) continue;
      const onState = (made: RecordingState): void => {
        this.#finished.set(name, made);
        this.#o.onChange();
      };
      const done = finishRecording({ folder, state, signal: this.#stop.signal, onState }).then(
        (finished) => this.#settled(name, finished),
        (error: unknown) => this.#failed(name, error),
      );
      this.#track(name, undefined, done);
    }
  }

  /** Newest first. */
  views(): RecordingView[] {
    const views = [...this.#finished].map(([id, state]) =>
      viewRecording(state, (file) => this.#href(id, file)),
    );
    for (const { recorder } of this.#finishing.values()) if (recorder) views.push(this.#view(recorder));
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
    if (!programme) throw new LivedubError('LIVEDUB_E_CONFLICT', 'Nothing is on the air to be recorded.');
    const view = await this.#start(programme.nowUs);
    if (this.#o.programme() !== programme) {
      this.stop(Number.POSITIVE_INFINITY, 0);
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'The programme has just ended.');
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
    if (this.#running || this.#isStarting)
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'This channel is being recorded already.');
    this.#isStarting = true;
    try {
      const recorder = await this.#open(startUs);
      this.#running = { recorder, endUs: Number.POSITIVE_INFINITY, timer: undefined };
      this.#o.onChange();
      return this.#view(recorder);
    } finally {
      this.#isStarting = false;
    }
  }

  async #open(startUs: number): Promise<ChannelRecorder> {
    const startedAt = new Date().toISOString();
    const id = startedAt.replace(/[-:.]/g, '').toLowerCase();
    await mkdir(this.#o.folder, { recursive: true });
    const recorder = await ChannelRecorder.start({
      folder: join(this.#o.folder, id),
      id,
      title: this.#o.settings().title,
      from: this.#o.settings().from,
      startedAt,
      startUs,
      dubNotice: this.#o.dubNotice,
      onChange: () => this.#o.onChange(),
      onKeyframeWanted: () => this.#o.programme()?.requestKeyframes(),
    });
    if (!this.#isClosed) return recorder;
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
    if (!view) throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'Nothing is being recorded.');
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
    const state = this.#finished.get(recordingId) ?? this.#finishing.get(recordingId)?.recorder?.recorded;
    const missing = () => new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is no such file of this recording.');
    if (!state || !FILE_PATTERN.test(file)) throw missing();
    const folder = await realpath(join(this.#o.folder, recordingId)).catch(() => undefined);
    const path = await realpath(join(this.#o.folder, recordingId, file)).catch(() => undefined);
    // A link in the folder must not lead out of it.
    if (folder === undefined || path === undefined || !path.startsWith(folder + sep)) throw missing();
    const title = state.title.replace(/[\p{C}/\\]+/gu, '_');
    const suffix = file === RESULT_FILE ? '.mp4' : ` ${file.replace(/^recording\./, '')}`;
    return { path, downloadName: `${title} ${state.startedAt.slice(0, 10)}${suffix}` };
  }

  /** Leaves what runs as a crash would: the next start finishes it. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#isClosed = true;
    clearTimeout(running?.timer);
    this.#stop.abort(new LivedubError('LIVEDUB_E_ABORTED', 'The server is stopping.'));
    await running?.recorder.close();
    await Promise.all([...this.#finishing.values()].map(({ done }) => done));
  }

  #finish(running: Running): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    clearTimeout(running.timer);
    // It has everything: nothing has to be made for it any more.
    this.#o.demand.set(this, []);
    const { recorder } = running;
    const done = recorder.finish(this.#stop.signal).then(
      (state) => this.#settled(recorder.id, state),
      (error: unknown) => this.#failed(recorder.id, error),
    );
    this.#track(recorder.id, recorder, done);
  }

  /** Everything is made of a recording that can be. */
  #settled(id: string, state: RecordingState): void {
    this.#finished.set(id, state);
    for (const { language, error } of state.faces)
      if (error) this.#warn(`The file with moved lips (${language}) was not made: ${error.message}`);
  }

  #track(id: string, recorder: ChannelRecorder | undefined, done: Promise<void>): void {
    const settled = done.finally(() => {
      this.#finishing.delete(id);
      this.#o.onChange();
    });
    this.#finishing.set(id, { recorder, done: settled });
    this.#o.onChange();
  }

  async #failed(id: string, thrown: unknown): Promise<void> {
    const state = await readState(join(this.#o.folder, id)).catch(() => undefined);
    if (state) this.#finished.set(id, state);
    const error = toLivedubError(thrown);
    if (error.code === 'LIVEDUB_E_ABORTED') return;
    this.#warn(error.message);
  }

  #warn(message: string): void {
    this.#o.onNotice({ level: 'warning', code: 'recording', message: `Recording: ${message}` });
  }

  #view(recorder: ChannelRecorder): RecordingView {
    return recorder.view((file) => this.#href(recorder.id, file));
  }

  /** One that was ended is being finished, though it still takes in the last of its dubs. */
  #runningView({ recorder, timer }: Running): RecordingView {
    const { recorded } = recorder;
    if (timer === undefined || recorded.state !== 'recording') return this.#view(recorder);
    return viewRecording({ ...recorded, state: 'finishing' }, (file) => this.#href(recorder.id, file));
  }

  #href(id: string, file: string): string {
    return `/v1/channels/${this.#o.channelId}/recordings/${id}/${file}`;
  }
}

/** What goes into a recording: the original, and each language as it is heard and seen in sync. */
const RECORDED = /^(live:(audio|video)|(mix|face):[a-z]{2,3}:synced)$/;
