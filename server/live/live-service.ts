import { randomBytes } from 'node:crypto';
import type { Engines } from '../../models/registry.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import { WhipIngest } from '../../sfu/ingest-session.ts';
import { WhepSession } from '../../sfu/whep-session.ts';
import type { SfuWorkerPool } from '../../sfu/worker-pool.ts';
import type { EdgeSocket } from '../http/edge-socket.ts';
import type { SocketOwner } from '../http/socket-route.ts';
import type { Marker } from '../marks/marker.ts';
import { ChannelListeners } from './channel-listeners.ts';
import type { ChannelRecord, ChannelStore } from './channel-store.ts';
import type {
  ChannelView,
  DeskEvent,
  LivePairs,
  OperatorChannel,
  RecordingView,
  RenditionControl,
  ViewerEvent,
} from './contract.ts';
import type {
  ChannelChange,
  ChannelOrder,
  IceServer,
  LiveApi,
  PlayOrder,
  PublishOrder,
  RecordingFile,
  SessionAnswer,
  SessionApi,
} from './live-api.ts';
import { LiveChannel } from './live-channel.ts';
import { operatorView } from './live-channel-views.ts';
import type { LiveWorkers } from './live-workers.ts';
import { type Publisher, webRtcHealth } from './publishers.ts';
import { FinishingQueue } from './recording/finishing-queue.ts';
import { RtcSessions } from './rtc-sessions.ts';
import { ViewerSession } from './viewer-session.ts';
import { type Selection, tracksOf, wantsOf } from './viewer-wants.ts';

export interface LiveServiceOptions {
  store: ChannelStore;
  sfu: () => Promise<SfuWorkerPool>;
  workers: LiveWorkers;
  /** Marks what is dubbed. */
  marker: Marker;
  /** Folder with the keys of marks. */
  dataDir: string;
  /** What can be dubbed with the engines installed. */
  pairs: () => Promise<LivePairs>;
  /** A publish token for a channel. */
  publishToken: (channelId: string) => Promise<string>;
  iceServers?: readonly IceServer[];
  /** Captions of a dub begin with a notice that AI made it. Default true. */
  dubNotice?: boolean | undefined;
  /** Address that SRT and RTMP listen on. Default 127.0.0.1. */
  listenHost?: string;
  /** Host that encoders are told. Default: `listenHost`. */
  announcedHost?: string | undefined;
  /** First of the ports for SRT and RTMP, two a channel. Default 0: any that are free, kept from then on. */
  ingestPort?: number | undefined;
  onNotice?: (line: string) => void;
}

/** Channels one server keeps. */
const MAX_CHANNELS = 200;

/** All live channels of a server: what the routes call. */
export class LiveService implements LiveApi {
  readonly iceServers: readonly IceServer[];
  readonly whip: SessionApi<PublishOrder>;
  readonly whep: SessionApi<PlayOrder>;
  readonly #o: LiveServiceOptions;
  readonly #channels = new Map<string, LiveChannel>();
  /** Ids of channels whose files are still there. */
  readonly #removing = new Set<string>();
  readonly #listeners: ChannelListeners;
  readonly #ingests = new RtcSessions<WhipIngest>();
  readonly #players = new RtcSessions<WhepSession>();
  readonly #finishing = new FinishingQueue();
  #tokens = new Map<string, Promise<string>>();
  #closing: Promise<void> | undefined;
  /** Every channel on disk is known. */
  #isOpen = false;

  /** Serves no channel until it is opened. */
  constructor(options: LiveServiceOptions) {
    this.#o = options;
    this.iceServers = options.iceServers ?? [];
    this.#listeners = new ChannelListeners({
      host: options.listenHost ?? '127.0.0.1',
      announcedHost: options.announcedHost,
      firstPort: options.ingestPort,
      onNotice: (channelId, message) => {
        this.#channels.get(channelId)?.notice({ level: 'warning', code: 'ingest', message });
        options.onNotice?.(`channel ${channelId}: ${message}`);
      },
    });
    this.whip = this.#ingests.api((order) => this.#publish(order));
    this.whep = this.#players.api((order) => this.#play(order));
  }

  /** Takes up the channels there are, and finishes recordings that a crash left. Call it once, alone on its data. */
  async open(): Promise<void> {
    for (const record of await this.#o.store.load()) if (!this.#closing) await this.#add(record);
    this.#isOpen = true;
  }

  list(): readonly ChannelView[] {
    return [...this.#channels.values()].map((channel) => channel.view());
  }

  view(id: string): ChannelView {
    return this.#channel(id).view();
  }

  async operatorView(id: string): Promise<OperatorChannel> {
    return await this.#operatorView(this.#channel(id));
  }

  async create({ id: wanted, ...settings }: ChannelOrder): Promise<OperatorChannel> {
    if (this.#channels.size >= MAX_CHANNELS)
      throw new LivedubError('LIVEDUB_E_QUEUE_FULL', `This server keeps ${MAX_CHANNELS} channels already.`, {
        remedy: 'Delete channels that are not used any more.',
      });
    const id = wanted ?? this.#freeId(settings.title);
    if (this.#channels.has(id))
      throw new LivedubError('LIVEDUB_E_CONFLICT', `There is a channel ${id} already.`, {
        remedy: 'Choose another id.',
      });
    await this.#checkPairs(settings);
    if (this.#removing.has(id))
      throw new LivedubError('LIVEDUB_E_CONFLICT', `The channel ${id} before it is still being deleted.`, {
        remedy: 'Try again in a few seconds.',
      });
    const record: ChannelRecord = {
      id,
      createdAt: new Date().toISOString(),
      settings,
      streamKey: randomBytes(18).toString('base64url'),
      controls: {},
    };
    await this.#o.store.save(record);
    const channel = await this.#add(record);
    return await this.#operatorView(channel);
  }

  async patch(id: string, patch: ChannelChange): Promise<OperatorChannel> {
    const channel = this.#channel(id);
    const change = changeOf(patch, channel.record.settings);
    const settings = { ...channel.record.settings, ...change };
    const { from, languages } = channel.record.settings;
    if (settings.from !== from || JSON.stringify(settings.languages) !== JSON.stringify(languages))
      await this.#checkPairs(settings);
    const isOther =
      settings.dubbingSource !== channel.record.settings.dubbingSource || settings.from !== from;
    if (channel.programme && isOther)
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'What is dubbed cannot be changed on the air.', {
        remedy: 'End the programme first.',
      });
    await channel.changeSettings(change);
    await this.#listeners.set(channel, channel.record.settings.listeners);
    return await this.#operatorView(channel);
  }

  async remove(id: string): Promise<void> {
    const channel = this.#channel(id);
    this.#channels.delete(id);
    this.#tokens.delete(id);
    this.#ingests.closeOf(id);
    this.#players.closeOf(id);
    this.#removing.add(id);
    try {
      await this.#listeners.set(channel, false);
      await channel.close();
      await this.#o.store.remove(id);
    } finally {
      this.#removing.delete(id);
    }
  }

  async control(id: string, language: string, control: RenditionControl): Promise<OperatorChannel> {
    const channel = this.#channel(id);
    await channel.control(language, control);
    return await this.#operatorView(channel);
  }

  async switchFace(id: string, language: string, on: boolean): Promise<OperatorChannel> {
    const channel = this.#channel(id);
    const { languages } = channel.record.settings;
    if (!languages.some((one) => one.language === language)) throw notDubbedInto(language);
    await channel.changeSettings({
      languages: languages.map((one) => (one.language === language ? { ...one, face: on } : one)),
    });
    return await this.#operatorView(channel);
  }

  async startRecording(id: string): Promise<RecordingView> {
    return await this.#channel(id).recordings.start();
  }

  async stopRecording(id: string): Promise<RecordingView> {
    return this.#channel(id).recordings.end();
  }

  async retryRecording(id: string, recordingId: string): Promise<RecordingView> {
    return this.#channel(id).recordings.retry(recordingId);
  }

  async removeRecording(id: string, recordingId: string): Promise<void> {
    await this.#channel(id).recordings.remove(recordingId);
  }

  async removeRecordingFile(id: string, recordingId: string, file: string): Promise<RecordingView> {
    return await this.#channel(id).recordings.removeFile(recordingId, file);
  }

  async recordingFile(id: string, recordingId: string, file: string): Promise<RecordingFile> {
    return this.#channel(id).recordings.file(recordingId, file);
  }

  pairs(): Promise<LivePairs> {
    return this.#o.pairs();
  }

  watch(id: string, socket: EdgeSocket<ViewerEvent>): SocketOwner {
    const channel = this.#channel(id);
    const session = new ViewerSession({
      socket,
      router: channel.router(),
      view: () => channel.view(),
      from: () => channel.record.settings.from,
      hasLanguage: (language) =>
        channel.record.settings.languages.some((rendition) => rendition.language === language),
      tracks: () => channel.tracks,
      dubNotice: this.#o.dubNotice,
      demand: channel.demand,
      iceServers: this.iceServers,
      onEnd: () => {
        channel.events.viewers.delete(session);
        channel.changed();
      },
    });
    channel.events.viewers.add(session);
    channel.changed();
    return session;
  }

  desk(id: string, socket: EdgeSocket<DeskEvent>): SocketOwner {
    const channel = this.#channel(id);
    let remove = () => {};
    this.#operatorView(channel).then(
      (view) => {
        if (socket.signal.aborted) return;
        socket.send({ kind: 'channel', channel: view });
        remove = channel.events.addDesk(socket);
      },
      () => socket.close(1011, 'no view'),
    );
    return { onClose: () => remove() };
  }

  /** Ends everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const channels = [...this.#channels.values()].map((channel) => channel.close());
      await Promise.all([this.#listeners.close(), this.#o.workers.close(), ...channels]);
    })();
    return this.#closing;
  }

  #channel(id: string): LiveChannel {
    const channel = this.#channels.get(id);
    // Who comes back to a server that starts again must not be told that the channel is gone.
    if (!channel && !this.#isOpen)
      throw new LivedubError('LIVEDUB_E_CLOSED', 'The server is starting.', {
        remedy: 'Try again in a few seconds.',
      });
    if (!channel)
      throw new LivedubError('LIVEDUB_E_NOT_FOUND', `There is no channel ${id}.`, {
        remedy: 'GET /v1/channels lists what there is.',
      });
    return channel;
  }

  async #add(record: ChannelRecord): Promise<LiveChannel> {
    const { store, workers, marker, dataDir, onNotice } = this.#o;
    const channel = new LiveChannel({
      record,
      workers,
      marker,
      dataDir,
      createRouter: async (signal) => await (await this.#o.sfu()).createRouter({ signal }),
      clauseLogOf: (programmeId) => store.clauseLogOf(record.id, programmeId),
      recordingsFolder: store.recordingsOf(record.id),
      finishing: this.#finishing,
      dubNotice: this.#o.dubNotice,
      save: (changed) => store.save(changed),
      onChange: (changed) => this.#onChange(changed),
      onDeskChange: (changed) => this.#tellDesks(changed),
      ...(onNotice ? { onNotice } : {}),
    });
    await channel.recordings.open();
    this.#channels.set(record.id, channel);
    await this.#listeners.set(channel, record.settings.listeners);
    return channel;
  }

  #onChange(channel: LiveChannel): void {
    const { events } = channel;
    const view = channel.view();
    for (const viewer of events.viewers) viewer.channel(view);
    this.#tellDesks(channel);
  }

  #tellDesks(channel: LiveChannel): void {
    if (channel.events.desks.size === 0) return;
    this.#operatorView(channel).then(
      (operator) => channel.events.toDesks(operator),
      (error: unknown) => this.#o.onNotice?.(`channel ${channel.id}: ${String(error)}`),
    );
  }

  async #operatorView(channel: LiveChannel): Promise<OperatorChannel> {
    const { id, record } = channel;
    let token = this.#tokens.get(id);
    if (!token) {
      token = this.#o.publishToken(id);
      this.#tokens.set(id, token);
    }
    const addresses = this.#listeners.addressesOf(id);
    return operatorView(channel.view(), record, {
      publishToken: await token,
      srt: addresses?.srt,
      rtmp: addresses?.rtmp,
      recordings: channel.recordings.views(),
    });
  }

  async #checkPairs({ from, languages }: ChannelRecord['settings']): Promise<void> {
    const { pairs } = await this.#o.pairs();
    for (const { language, voice } of languages) {
      const pair = pairs.find((one) => one.from === from && one.to === language);
      if (!pair)
        throw new LivedubError(
          'LIVEDUB_E_PAIR_UNSUPPORTED',
          `${from} cannot be dubbed into ${language} with the engines installed.`,
          { remedy: 'GET /v1/live/languages lists the pairs; `livedub models list` says how to get more.' },
        );
      if (voice !== undefined && !pair.voices.some(({ id }) => id === voice))
        throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `There is no voice ${voice} for ${language}.`, {
          remedy: `Choose one of ${pair.voices.map(({ id }) => id).join(', ')}.`,
        });
    }
    if (new Set(languages.map(({ language }) => language)).size < languages.length)
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'A language is named twice.');
  }

  async #publish(order: PublishOrder): Promise<{ answer: SessionAnswer }> {
    const channel = this.#channel(order.channelId);
    const as = order.track;
    channel.checkFree(as, order.takeOver);
    let publisher: Publisher | undefined;
    const required = channel.programme?.videoCodec;
    const session = await WhipIngest.create({
      router: await channel.router(),
      offer: order.offer,
      ...(required === undefined ? {} : { requireVideoCodec: required }),
      appData: { publisher: as },
      onConnectionState: (state) => {
        if (!publisher || (state !== 'disconnected' && state !== 'failed' && state !== 'closed')) return;
        if (state !== 'disconnected') this.#ingests.forget(session);
        // A connection that only stalls may come back by itself.
        if (state !== 'disconnected') channel.unpublish(as, publisher);
      },
    });
    const audio = session.audio?.producer;
    publisher = {
      protocol: 'whip',
      tracks: as === 'speech' ? { speech: audio } : { audio, video: session.video?.producer },
      health: async () => webRtcHealth(await session.stats(), session.video?.producer),
      close: () => session.close(),
    };
    try {
      await channel.publish(as, publisher, order.takeOver);
      return { answer: this.#ingests.register(order.channelId, session) };
    } catch (error) {
      session.close();
      throw error;
    }
  }

  async #play(order: PlayOrder): Promise<{ answer: SessionAnswer }> {
    const channel = this.#channel(order.channelId);
    const { language, mode, face } = order;
    const { programme } = channel;
    if (!programme)
      throw new LivedubError('LIVEDUB_E_CONFLICT', 'Nothing is on the air.', {
        remedy: 'Try again when the channel is live.',
      });
    const { settings } = channel.record;
    if (language !== null && !settings.languages.some((one) => one.language === language))
      throw notDubbedInto(language);
    const { tracks } = programme;
    const selection: Selection = { language, mode, face, captions: null, video: true, premixed: true };
    const chosen = [...tracksOf(selection, (key) => tracks.has(key))].flatMap((key) => tracks.get(key) ?? []);
    const wants = wantsOf(selection, settings.from);
    let session: WhepSession | undefined;
    session = await WhepSession.create({
      router: await channel.router(),
      offer: order.offer,
      producers: Object.fromEntries(chosen.map((producer) => [producer.kind, producer])),
      onConnectionState: (state) => {
        if (!session) return;
        // Whoever is not there hears nothing.
        channel.demand.set(session, state === 'connected' ? wants : []);
        if (state === 'failed' || state === 'closed') this.#players.forget(session);
      },
    });
    return { answer: this.#players.register(order.channelId, session) };
  }

  /** A readable id that is free, made of the title. */
  #freeId(title: string): string {
    const stem = title
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 28);
    const first = stem.length >= 3 ? stem : `channel-${randomBytes(3).toString('hex')}`;
    let id = first;
    while (this.#channels.has(id)) id = `${first}-${randomBytes(3).toString('hex')}`;
    return id;
  }
}

/** What a patch changes. A language of which it does not say whether faces are on keeps them as they are. */
function changeOf(
  { languages, ...patch }: ChannelChange,
  before: ChannelRecord['settings'],
): Partial<ChannelRecord['settings']> {
  const isOn = (language: string) => before.languages.find((one) => one.language === language)?.face ?? false;
  return {
    ...Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)),
    ...(languages && {
      languages: languages.map(({ face, ...one }) => ({ ...one, face: face ?? isOn(one.language) })),
    }),
  };
}

function notDubbedInto(language: string): LivedubError {
  return new LivedubError('LIVEDUB_E_NOT_FOUND', `This channel is not dubbed into ${language}.`);
}

/** What livedub's engines can dub live, from what is installed. */
export function livePairs(engines: Pick<Engines, 'pairs'>): LivePairs {
  return {
    pairs: engines.pairs().map(({ from, to, tier, speakers }) => ({
      from,
      to,
      tier,
      voices: speakers.map(({ adapter, voice }) => ({
        id: voice.id,
        name: voice.name,
        slow: adapter.slow === true,
      })),
    })),
  };
}
