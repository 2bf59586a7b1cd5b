import { LivedubError } from '../../pipeline/errors.ts';
import type { EdgeSocket } from '../http/edge-socket.ts';
import type { SocketOwner } from '../http/socket-route.ts';
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
  PatchAnswer,
  PlayOrder,
  PublishOrder,
  RecordingFile,
  SessionAnswer,
  SessionApi,
  SessionRef,
} from './live-api.ts';

/** Sessions without media. An offer that starts with an error code fails with it. */
export class FakeSessions<Order extends { channelId: string; offer: string }> implements SessionApi<Order> {
  readonly orders: Order[] = [];
  readonly etags = new Map<string, string>();

  async create(order: Order): Promise<SessionAnswer> {
    const code = /^LIVEDUB_E_\w+/.exec(order.offer)?.[0];
    if (code) throw new LivedubError(code as 'LIVEDUB_E_SDP_INVALID', 'The offer says so.');
    this.orders.push(order);
    const sessionId = `session-${this.orders.length}-0123456789`;
    this.etags.set(`${order.channelId}/${sessionId}`, 'ice-1');
    return { sessionId, answer: `v=0 answer to ${order.offer}`, etag: 'ice-1' };
  }

  etagOf({ channelId, sessionId }: SessionRef): string {
    const etag = this.etags.get(`${channelId}/${sessionId}`);
    if (etag === undefined) throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is no such session.');
    return etag;
  }

  async patch(session: SessionRef & { fragment: string }): Promise<PatchAnswer> {
    if (!session.fragment.includes('a=ice-ufrag:new')) return { kind: 'trickled' };
    this.etags.set(`${session.channelId}/${session.sessionId}`, 'ice-2');
    return { kind: 'restarted', fragment: 'a=ice-ufrag:ours\r\n', etag: 'ice-2' };
  }

  async remove(session: SessionRef): Promise<void> {
    this.etagOf(session);
    this.etags.delete(`${session.channelId}/${session.sessionId}`);
  }
}

/** Channels in memory, for tests of the routes. */
export class FakeLiveApi implements LiveApi {
  readonly channels = new Map<string, OperatorChannel>();
  readonly whip = new FakeSessions<PublishOrder>();
  readonly whep = new FakeSessions<PlayOrder>();
  readonly changes: ChannelChange[] = [];
  readonly heard: string[] = [];
  /** Recordings, and files of them, that were deleted. */
  readonly removed: string[] = [];
  /** Path of the file of every recording. */
  recordingPath = '';
  iceServers: readonly IceServer[] = [
    { urls: ['stun:stun.example.net'] },
    { urls: ['turn:turn.example.net?transport=udp'], username: 'me', credential: 'a "b"' },
  ];

  list(): readonly ChannelView[] {
    return [...this.channels.values()].map(publicPart);
  }

  view(id: string): ChannelView {
    return publicPart(this.#get(id));
  }

  async operatorView(id: string): Promise<OperatorChannel> {
    return this.#get(id);
  }

  async create({ id = 'made-up', ...settings }: ChannelOrder): Promise<OperatorChannel> {
    if (this.channels.has(id)) throw new LivedubError('LIVEDUB_E_CONFLICT', 'This id is taken.');
    const channel: OperatorChannel = {
      id,
      title: settings.title,
      state: 'idle',
      createdAt: '2026-01-01T00:00:00.000Z',
      from: settings.from,
      renditions: settings.languages.map(({ language }) => ({
        language,
        control: 'on',
        state: 'idle',
        viewers: 0,
        face: { state: 'off' },
      })),
      delayMs: settings.delayMs,
      isPublic: settings.isPublic,
      hasVideo: false,
      hasAudio: false,
      viewers: 0,
      dub: 'off',
      settings,
      publish: {
        whip: `/v1/channels/${id}/whip`,
        token: 't',
        page: `/publish/${id}`,
        streamKey: 'key',
      },
      watch: { page: `/watch/${id}`, whep: `/v1/channels/${id}/whep` },
      recordings: [],
    };
    this.channels.set(id, channel);
    return channel;
  }

  async patch(id: string, change: ChannelChange): Promise<OperatorChannel> {
    this.changes.push(change);
    const channel = { ...this.#get(id) };
    if (change.title !== undefined) channel.title = change.title;
    this.channels.set(id, channel);
    return channel;
  }

  async remove(id: string): Promise<void> {
    this.#get(id);
    this.channels.delete(id);
  }

  async control(id: string, language: string, control: RenditionControl): Promise<OperatorChannel> {
    const rendition = this.#get(id).renditions.find((one) => one.language === language);
    if (!rendition) throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is no such language.');
    rendition.control = control;
    return this.#get(id);
  }

  async switchFace(id: string, language: string, on: boolean): Promise<OperatorChannel> {
    const chosen = this.#get(id).settings.languages.find((one) => one.language === language);
    if (!chosen) throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is no such language.');
    chosen.face = on;
    return this.#get(id);
  }

  async startRecording(id: string): Promise<RecordingView> {
    this.#get(id);
    return {
      id: 'r1',
      startedAt: '2026-01-01T00:00:00.000Z',
      state: 'recording',
      durationMs: 0,
      captions: [],
      faces: [],
    };
  }

  async stopRecording(id: string): Promise<RecordingView> {
    return { ...(await this.startRecording(id)), state: 'finishing' };
  }

  async retryRecording(id: string, recordingId: string): Promise<RecordingView> {
    await this.recordingFile(id, recordingId, 'recording.mp4');
    return await this.stopRecording(id);
  }

  async removeRecording(id: string, recordingId: string): Promise<void> {
    await this.recordingFile(id, recordingId, 'recording.mp4');
    this.removed.push(recordingId);
  }

  async removeRecordingFile(id: string, recordingId: string, file: string): Promise<RecordingView> {
    await this.recordingFile(id, recordingId, file);
    this.removed.push(`${recordingId}/${file}`);
    return { ...(await this.startRecording(id)), state: 'done' };
  }

  async recordingFile(id: string, recordingId: string, file: string): Promise<RecordingFile> {
    this.#get(id);
    if (recordingId !== 'r1') throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is no such recording.');
    return { path: this.recordingPath, downloadName: file };
  }

  async pairs(): Promise<LivePairs> {
    return { pairs: [] };
  }

  watch(id: string, socket: EdgeSocket<ViewerEvent>): SocketOwner {
    socket.send({ kind: 'channel', channel: this.view(id) });
    return { onMessage: (text) => this.heard.push(text), onClose: () => this.heard.push('closed') };
  }

  desk(id: string, socket: EdgeSocket<DeskEvent>): SocketOwner {
    socket.send({ kind: 'channel', channel: this.#get(id) });
    return { onClose: () => this.heard.push('desk closed') };
  }

  #get(id: string): OperatorChannel {
    const channel = this.channels.get(id);
    if (!channel) throw new LivedubError('LIVEDUB_E_NOT_FOUND', `There is no channel ${id}.`);
    return channel;
  }
}

function publicPart(channel: OperatorChannel): ChannelView {
  const { settings: _, publish: __, watch: ___, recordings: ____, ...view } = channel;
  return view;
}
