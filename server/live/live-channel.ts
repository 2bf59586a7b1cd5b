import type { types } from 'mediasoup';
import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import type { EncodedFrame } from '../../pipeline/frames.ts';
import type { SfuRouter } from '../../sfu/router.ts';
import { Throttle } from '../../sfu/throttle.ts';
import type { Marker } from '../marks/marker.ts';
import { ChannelEvents } from './channel-events.ts';
import { ChannelFaces } from './channel-faces.ts';
import { channelOrder, termsOf } from './channel-order.ts';
import { ChannelRecordings } from './channel-recordings.ts';
import { ChannelRouter } from './channel-router.ts';
import type { ChannelRecord } from './channel-store.ts';
import type { ChannelState, ChannelView, Notice, RenditionControl, TrackKey } from './contract.ts';
import { DemandBook } from './demand.ts';
import { DubLink, type DubLinkState } from './dub-link.ts';
import { DubReports } from './dub-reports.ts';
import { channelView } from './live-channel-views.ts';
import type { LiveWorkers } from './live-workers.ts';
import { Programme } from './programme.ts';
import { ProgrammeMarks } from './programme-marks.ts';
import { PublisherWatch } from './publisher-watch.ts';
import { type PublishedAs, type Publisher, Publishers } from './publishers.ts';
import type { FinishingQueue } from './recording/finishing-queue.ts';
import { SourceBacklog } from './source-backlog.ts';

export interface LiveChannelOptions {
  record: ChannelRecord;
  workers: LiveWorkers;
  createRouter: (signal: AbortSignal) => Promise<SfuRouter>;
  /** Marks what is dubbed. */
  marker: Marker;
  /** Folder with the keys of marks. */
  dataDir: string;
  /** Absolute path of a programme's clause log. */
  clauseLogOf: (programmeId: string) => string;
  recordingsFolder: string;
  /** In which files of recordings are made. */
  finishing: FinishingQueue;
  /** Captions of a dub begin with a notice that AI made it. Default true. */
  dubNotice?: boolean | undefined;
  save: (record: ChannelRecord) => Promise<void>;
  /** Viewers and desks are to be told what the channel is like now. */
  onChange: (channel: LiveChannel) => void;
  /** Only the desks are: a recording grew. */
  onDeskChange: (channel: LiveChannel) => void;
  onNotice?: (line: string) => void;
}

/** A publisher that is gone for less than this goes on in the same programme. */
const RETURN_WITHIN_MS = 30_000;
/** A publisher that sends nothing for so long is shown as interrupted. */
const SILENT_AFTER_MS = 3000;
const TICK_MS = 1000;
/** What changes in quick succession (a thousand viewers come) is told at most so often, ms. */
const TELL_EVERY_MS = 200;

/** One channel: its settings, its broadcast of this moment, and all who publish to it, watch it and run it. */
export class LiveChannel {
  readonly events = new ChannelEvents();
  readonly demand: DemandBook;
  readonly publishers = new Publishers();
  readonly recordings: ChannelRecordings;
  readonly #o: LiveChannelOptions;
  #record: ChannelRecord;
  readonly #router: ChannelRouter;
  readonly #faces: ChannelFaces;
  #programme: Programme | undefined;
  #starting: Promise<Programme> | undefined;
  #marks: ProgrammeMarks | undefined;
  #link: DubLink | undefined;
  #backlog = new SourceBacklog();
  readonly #reports: DubReports;
  readonly #telling: Throttle;
  #state: ChannelState = 'idle';
  #endTimer: NodeJS.Timeout | undefined;
  readonly #tick: NodeJS.Timeout;
  /** Publishers are put on the air one after the other. */
  #publishing: Promise<void> = Promise.resolve();
  /** Settles when the programmes before are over on the worker, too. */
  #ending: Promise<unknown> = Promise.resolve();
  readonly #watch = new PublisherWatch({
    tickMs: TICK_MS,
    silentAfterMs: SILENT_AFTER_MS,
    goneAfterMs: SILENT_AFTER_MS + RETURN_WITHIN_MS,
  });
  readonly #stop = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(options: LiveChannelOptions) {
    this.#o = options;
    this.#record = options.record;
    this.#router = new ChannelRouter({
      create: options.createRouter,
      onLost: (why) => this.#routerLost(why),
    });
    this.demand = new DemandBook((language) => {
      this.#faces.demandChanged(language);
      this.changed();
    });
    this.#faces = new ChannelFaces({
      channelId: options.record.id,
      settings: () => this.#record.settings,
      control: (language) => this.#record.controls[language] ?? 'on',
      demand: this.demand,
      programme: () => this.#programme,
      link: () => this.#link,
      onNotice: (notice) => this.notice(notice),
      onChange: () => this.changed(),
    });
    this.recordings = new ChannelRecordings({
      channelId: options.record.id,
      folder: options.recordingsFolder,
      finishing: options.finishing,
      dubNotice: options.dubNotice,
      settings: () => this.#record.settings,
      programme: () => this.#programme,
      demand: this.demand,
      onChange: () => this.changed(),
      onNotice: (notice) => this.notice(notice),
    });
    this.#reports = new DubReports({
      onText: (event) => {
        this.events.text(event);
        this.recordings.text(event);
      },
      onNotice: (notice) => this.notice(notice),
      onChange: () => this.changed(),
    });
    this.#telling = new Throttle({ intervalMs: TELL_EVERY_MS, run: () => options.onChange(this) });
    this.#tick = setInterval(() => void this.#onTick(), TICK_MS);
  }

  get id(): string {
    return this.#record.id;
  }

  get record(): ChannelRecord {
    return this.#record;
  }

  get state(): ChannelState {
    return this.#state;
  }

  get programme(): Programme | undefined {
    return this.#programme;
  }

  get dubState(): DubLinkState {
    return this.#link?.state ?? 'off';
  }

  /** Tracks that can be received now. */
  get tracks(): ReadonlyMap<TrackKey, types.Producer> {
    return this.#programme?.tracks ?? new Map();
  }

  view(): ChannelView {
    return channelView({
      record: this.#record,
      state: this.#state,
      startedAt: this.#programme?.startedAt,
      dub: this.dubState,
      demand: this.demand,
      recorder: this.recordings,
      facts: this.#reports.facts,
      faces: this.#faces,
      hasVideo: this.#programme?.hasVideo ?? false,
      hasAudio: this.#programme?.hasAudio ?? false,
      viewers: this.events.viewers.size,
    });
  }

  /** @throws LivedubError LIVEDUB_E_CLOSED, LIVEDUB_E_SFU_FAILED */
  router(): Promise<SfuRouter> {
    return this.#router.get();
  }

  /** @throws LivedubError LIVEDUB_E_CONFLICT when somebody is on the air who is not to be ended */
  checkFree(as: PublishedAs, takeOver: boolean): void {
    if (this.publishers.get(as) && !takeOver && this.#state === 'live')
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'Somebody publishes to this channel already.', {
        remedy: 'End the other publisher, or add ?takeover=1 to take its place.',
      });
  }

  /**
   * Puts a publisher on the air; a programme begins, or goes on.
   * @throws LivedubError LIVEDUB_E_CONFLICT as checkFree, LIVEDUB_E_CLOSED when it went away meanwhile, LIVEDUB_E_SFU_FAILED
   */
  publish(as: PublishedAs, publisher: Publisher, takeOver: boolean): Promise<void> {
    const published = this.#publishing.then(() => this.#publish(as, publisher, takeOver));
    this.#publishing = published.catch(() => undefined);
    return published;
  }

  async #publish(as: PublishedAs, publisher: Publisher, takeOver: boolean): Promise<void> {
    this.checkFree(as, takeOver);
    const programme = await this.#begin();
    this.publishers.set(as, publisher);
    try {
      await programme.attach(publisher.tracks);
      if (this.#programme !== programme || this.publishers.get(as) !== publisher)
        throw new LivedubError('LIVEDUB_E_CLOSED', 'The publisher, or the programme, has ended meanwhile.');
    } catch (error) {
      this.unpublish(as, publisher);
      throw error;
    }
    clearTimeout(this.#endTimer);
    this.#endTimer = undefined;
    this.#watch.begin();
    this.#goOn();
    this.#setState('live');
    // Who takes another one's place may have a picture where that one had none, or the other way round.
    this.changed();
    if (this.#record.settings.dubbingSource === 'speech' && !programme.hasSpeech)
      this.notice({
        level: 'warning',
        code: 'ingest',
        message: 'This channel dubs a second sound, and none is published: nothing is dubbed until it is.',
      });
  }

  /** A publisher is gone, by itself or not. One that was replaced already changes nothing. */
  unpublish(as: PublishedAs, publisher: Publisher): void {
    publisher.close();
    if (!this.publishers.remove(as, publisher) || this.publishers.count > 0 || !this.#programme) return;
    this.#interrupt('The publisher is gone; the programme goes on when it comes back.');
    this.#endTimer ??= setTimeout(() => void this.endProgramme(), RETURN_WITHIN_MS);
  }

  /**
   * Ends the broadcast: the recording is finished, the next publisher begins another. Never rejects.
   * @returns resolves when the worker has been told, too
   */
  async endProgramme(): Promise<void> {
    clearTimeout(this.#endTimer);
    this.#endTimer = undefined;
    const programme = this.#programme;
    const link = this.#link;
    const marked = this.#marks
      ?.end(programme?.nowUs ?? 0)
      .catch((error: unknown) =>
        this.#o.onNotice?.(
          `channel ${this.id}: the end of its marks is not noted: ${toLivedubError(error).message}`,
        ),
      );
    this.#programme = undefined;
    this.#link = undefined;
    this.#marks = undefined;
    this.publishers.closeAll();
    // Nothing has come for as long as the delay: there is nothing left to drain.
    this.recordings.stop(Number.POSITIVE_INFINITY, 0);
    programme?.close();
    this.#reports.clear();
    this.#faces.clear();
    this.#setState('idle');
    this.#ending = Promise.allSettled([this.#ending, link?.close(), marked]);
    await this.#ending;
  }

  async changeSettings(change: Partial<ChannelRecord['settings']>): Promise<void> {
    const before = this.#record.settings;
    const settings = { ...before, ...change };
    await this.#keep({ settings });
    if (change.delayMs !== undefined && change.delayMs !== before.delayMs) {
      this.#programme?.setDelay(settings.delayMs);
      this.#link?.send({ kind: 'delay', channelId: this.id, delayMs: settings.delayMs });
    }
    if (change.glossary || change.doNotTranslate)
      this.#link?.send({ kind: 'terms', channelId: this.id, terms: termsOf(settings) });
    if (dubsOf(settings) !== dubsOf(before)) {
      await this.#programme?.openDubTracks(settings.languages.map(({ language }) => language));
      this.#link?.restart();
      this.recordings.want();
    }
    await this.#faces.settingsChanged(before);
    if (change.record !== undefined && change.record !== before.record && this.#programme) {
      if (change.record) await this.recordings.start();
      else this.recordings.end();
    }
    this.changed();
  }

  /** Where encoders find the channel; the same after the next start. */
  async keepPorts(ports: { readonly srt: number; readonly rtmp: number }): Promise<void> {
    if (JSON.stringify(this.#record.ports) === JSON.stringify(ports)) return;
    await this.#keep({ ports });
  }

  async control(language: string, control: RenditionControl): Promise<void> {
    if (!this.#record.settings.languages.some((one) => one.language === language))
      throw new LivedubError('LIVEDUB_E_NOT_FOUND', `This channel is not dubbed into ${language}.`);
    this.#link?.send({ kind: 'control', channelId: this.id, language, control });
    const kept = this.#keep({ controls: { ...this.#record.controls, [language]: control } });
    this.#faces.demandChanged(language);
    this.changed();
    await kept;
  }

  notice(event: Omit<Notice, 'kind'>): void {
    this.events.notice({ kind: 'notice', ...event });
  }

  /** Tells everybody what the channel is like now. */
  changed(): void {
    if (!this.#closing) this.#telling.request();
  }

  /** Ends everything; waits for nothing that has not begun. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stop.abort(new LivedubError('LIVEDUB_E_CLOSED', 'The channel is closed.'));
    this.#router.stop();
    clearInterval(this.#tick);
    this.#telling.close();
    const ended = this.endProgramme();
    this.events.closeAll(1001, 'the channel is closed');
    await Promise.all([ended, this.recordings.close()]);
    this.#router.close();
  }

  /** Keeps what was changed. One that is closed may have been deleted, and is not written again. */
  async #keep(change: Partial<ChannelRecord>): Promise<void> {
    this.#stop.signal.throwIfAborted();
    this.#record = { ...this.#record, ...change };
    await this.#o.save(this.#record);
  }

  /** Its media worker died: everybody connects anew. */
  #routerLost(why: unknown): void {
    this.#o.onNotice?.(`channel ${this.id}: ${why instanceof Error ? why.message : 'its router is gone'}`);
    this.events.closeAll(1012, 'the media worker restarts');
    void this.endProgramme();
  }

  #begin(): Promise<Programme> {
    if (this.#programme) return Promise.resolve(this.#programme);
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<Programme> {
    // The worker opens a channel once.
    await this.#ending;
    const router = await this.router();
    const { settings } = this.#record;
    this.#backlog = new SourceBacklog();
    this.events.forget();
    const programme = new Programme({
      router,
      languages: settings.languages.map(({ language }) => language),
      delayMs: settings.delayMs,
      dubbingSource: settings.dubbingSource,
      onSource: (frame) => this.#onSource(frame),
      onBed: (frame) => this.#link?.pushBed(frame),
      onFrame: (key, frame) => this.recordings.push(key, frame),
      onTracks: (tracks) => {
        for (const viewer of this.events.viewers) viewer.added(tracks);
        this.#link?.pictureChanged();
        this.changed();
      },
      onTracksGone: (keys) => {
        for (const viewer of this.events.viewers) viewer.removed(keys);
        this.changed();
      },
    });
    this.#programme = programme;
    try {
      await programme.openDubTracks();
      await this.#faces.begin(programme);
      if (this.#programme !== programme)
        throw new LivedubError('LIVEDUB_E_CLOSED', 'The programme ended before it began.');
    } catch (error) {
      programme.close();
      if (this.#programme === programme) this.#programme = undefined;
      throw error;
    }
    this.#marks = new ProgrammeMarks({
      marker: this.#o.marker,
      dataDir: this.#o.dataDir,
      record: () => this.#record,
      programme,
    });
    this.#link = this.#dub(programme, this.#marks, router);
    // What cannot be recorded is still broadcast.
    if (settings.record)
      await this.recordings
        .start()
        .catch((error: unknown) =>
          this.notice({ level: 'warning', code: 'recording', message: toLivedubError(error).message }),
        );
    return programme;
  }

  #dub(programme: Programme, marks: ProgrammeMarks, router: SfuRouter): DubLink {
    return new DubLink({
      workers: this.#o.workers,
      router,
      backlog: this.#backlog,
      order: () =>
        channelOrder({
          record: this.#record,
          demandOf: (language) => this.#faces.demandOf(language),
          faces: this.#faces.order,
          originUs: programme.originUs,
          clauseLog: this.#o.clauseLogOf(programme.id),
        }),
      marks: (languages) => marks.of(languages),
      picture: () => this.#faces.picture,
      onTrack: (key, producerId) => {
        programme
          .attachDub(key, producerId)
          .catch((error: unknown) => this.#o.onNotice?.(`channel ${this.id}: ${key}: ${String(error)}`));
      },
      onOpened: (renditions) => this.#reports.opened(renditions),
      onMessage: (message) => {
        if (message.kind === 'face') this.#faces.receive(message);
        else this.#reports.receive(message);
      },
      onState: (state, why) => this.#onDubState(state, why),
    });
  }

  #onSource(frame: EncodedFrame): void {
    this.#backlog.push(frame);
    this.#link?.push(frame);
  }

  #onDubState(state: DubLinkState, why: LivedubError | undefined): void {
    if (why) this.#o.onNotice?.(`channel ${this.id}: dub interrupted: ${why.code}: ${why.message}`);
    if (state !== 'ready') this.#faces.clear();
    this.#reports.state(state, why);
  }

  async #onTick(): Promise<void> {
    const programme = this.#programme;
    if (!programme) return;
    this.events.tick({ kind: 'tick', mediaTimeUs: programme.nowUs, lagMs: this.#reports.lagMs });
    this.#watchMedia(programme);
    if (this.events.desks.size === 0) return;
    if (this.recordings.isRecording) this.#o.onDeskChange(this);
    this.events.health(await this.publishers.health(this.#reports.levelDbfs, programme.takePicture()));
  }

  #watchMedia(programme: Programme): void {
    const media = this.#watch.look(programme.ingestPackets);
    if (this.publishers.count === 0) return;
    if (media === 'gone') void this.endProgramme();
    else if (media === 'silent') this.#interrupt('Nothing comes from the publisher at this moment.');
    else if (media === 'sending') this.#goOn();
  }

  #interrupt(message: string): void {
    if (this.#state !== 'live') return;
    this.notice({ level: 'warning', code: 'publisher-lost', message });
    this.#setState('interrupted');
  }

  #goOn(): void {
    if (this.#state !== 'interrupted') return;
    this.notice({ level: 'info', code: 'publisher-back', message: 'The programme goes on.' });
    this.#setState('live');
  }

  #setState(state: ChannelState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.changed();
  }
}

/** What a worker opens a channel with: a change of it opens the channel anew. */
function dubsOf({ from, languages }: ChannelRecord['settings']): string {
  return JSON.stringify([from, languages.map(({ language, voice }) => [language, voice])]);
}
