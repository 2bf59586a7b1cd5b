import { Device } from 'mediasoup-client';
import type { Consumer, ConsumerOptions, Transport, TransportOptions } from 'mediasoup-client/types';
import type { ConsumerView, TrackKey, ViewerEvent } from '../../../server/live/contract.ts';
import { LipSync } from './lip-sync.ts';
import { LiveProblem } from './problem.ts';
import type { Played } from './receive-stats.ts';
import { isDelayed, type Selection } from './selection.ts';
import { ViewerSocket } from './viewer-socket.ts';

export interface ViewerConnectionOptions {
  readonly address: URL;
  /** channel, text, tick, notice. */
  readonly onEvent: (event: ViewerEvent) => void;
  /** Tracks have come or gone. */
  readonly onTracks: (tracks: ReadonlyMap<TrackKey, MediaStreamTrack>) => void;
  /** The server has said welcome and the tracks are there. */
  readonly onReady: () => void;
  /** Once: the connection is of no use any more. */
  readonly onLost: (problem: LiveProblem | undefined) => void;
}

export interface ConnectionStats {
  readonly report: RTCStatsReport;
  /** Track of each `trackIdentifier`. */
  readonly keys: ReadonlyMap<string, TrackKey>;
  readonly played: ReadonlyMap<TrackKey, Played>;
}

/** One connection of a viewer: socket, transport and a consumer for each track. Never comes back once lost. */
export class ViewerConnection {
  readonly #options: ViewerConnectionOptions;
  readonly #socket: ViewerSocket;
  readonly #consumers = new Map<TrackKey, Consumer>();
  #transport: Transport | undefined;
  readonly #lipSync = new LipSync();
  #welcomed = false;
  #restartTimer: ReturnType<typeof setTimeout> | undefined;
  #restarts = 0;
  #closed = false;

  constructor(options: ViewerConnectionOptions) {
    this.#options = options;
    this.#socket = new ViewerSocket({
      address: options.address,
      onEvent: (event) => this.#handle(event),
      onClose: () => this.#lose(undefined),
    });
  }

  /** Whether the server took the viewer in at all; if not, it may be asked over HTTP why. */
  get welcomed(): boolean {
    return this.#welcomed;
  }

  async select(selection: Selection): Promise<void> {
    // The original is live whatever mode is kept for the next dub.
    const mode = isDelayed(selection) ? 'synced' : 'interpret';
    await this.#socket.ask({ kind: 'select', ...selection, mode });
  }

  /** What the browser counts for this connection. */
  async stats(): Promise<ConnectionStats | undefined> {
    if (!this.#transport || this.#transport.closed) return undefined;
    const report = await this.#transport.getStats();
    const keys = new Map([...this.#consumers].map(([key, consumer]) => [consumer.track.id, key]));
    const played = new Map<TrackKey, Played>();
    for (const [key, { rtpReceiver }] of this.#consumers) {
      const [newest] = rtpReceiver?.getSynchronizationSources() ?? [];
      if (newest) played.set(key, newest);
    }
    return { report, keys, played };
  }

  /** @param aheadMs how far each sound of synced mode is ahead of the picture */
  bringTogether(aheadMs: ReadonlyMap<string, number>): void {
    this.#lipSync.step(aheadMs);
    for (const [key, consumer] of this.#consumers) this.#holdBack(key, consumer);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#restartTimer);
    this.#socket.close();
    this.#transport?.close();
    this.#consumers.clear();
  }

  #lose(problem: LiveProblem | undefined): void {
    if (this.#closed) return;
    this.close();
    this.#options.onLost(problem);
  }

  #handle(event: ViewerEvent): void {
    switch (event.kind) {
      case 'welcome':
        this.#welcomed = true;
        this.#options.onEvent({ kind: 'channel', channel: event.channel });
        this.#join(event).catch((error: unknown) => this.#lose(joinProblem(error)));
        break;
      case 'tracks':
        this.#consume(event.consumers).catch((error: unknown) => this.#lose(joinProblem(error)));
        break;
      case 'tracks-gone':
        for (const key of event.tracks) this.#drop(key);
        this.#tellTracks();
        break;
      case 'ok':
      case 'error':
        break;
      default:
        this.#options.onEvent(event);
    }
  }

  async #join(welcome: Extract<ViewerEvent, { kind: 'welcome' }>): Promise<void> {
    const device = await Device.factory();
    await device.load({ routerRtpCapabilities: welcome.routerRtpCapabilities as never });
    if (this.#closed) return;
    const transport = device.createRecvTransport({
      ...(welcome.transport as unknown as TransportOptions),
      iceServers: welcome.iceServers as unknown as RTCIceServer[],
    });
    this.#transport = transport;
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.#socket.ask({ kind: 'connect', dtlsParameters: { ...dtlsParameters } }).then(() => done(), failed);
    });
    transport.on('connectionstatechange', (state) => this.#onTransportState(state));
    const answer = await this.#socket.ask({
      kind: 'join',
      rtpCapabilities: { ...device.recvRtpCapabilities },
    });
    if (answer.kind === 'tracks') await this.#consume(answer.consumers);
    if (!this.#closed) this.#options.onReady();
  }

  async #consume(views: readonly ConsumerView[]): Promise<void> {
    const transport = this.#transport;
    if (!transport || this.#closed) return;
    await Promise.all(
      views.map(async (view) => {
        this.#drop(view.track);
        const consumer = await transport.consume({
          ...(view as unknown as ConsumerOptions),
          streamId: syncGroup(view.track),
        });
        if (this.#closed) return consumer.close();
        this.#consumers.set(view.track, consumer);
        this.#holdBack(view.track, consumer);
      }),
    );
    this.#tellTracks();
  }

  #holdBack(key: TrackKey, { rtpReceiver, kind }: Consumer): void {
    if (!isSynced(key) || !rtpReceiver || !('jitterBufferTarget' in rtpReceiver)) return;
    const targetMs = kind === 'audio' ? this.#lipSync.soundMs(key) : this.#lipSync.pictureMs;
    rtpReceiver.jitterBufferTarget = Math.round(targetMs);
  }

  #drop(key: TrackKey): void {
    this.#consumers.get(key)?.close();
    this.#consumers.delete(key);
  }

  #tellTracks(): void {
    if (this.#closed) return;
    this.#options.onTracks(new Map([...this.#consumers].map(([key, { track }]) => [key, track])));
  }

  #onTransportState(state: string): void {
    clearTimeout(this.#restartTimer);
    if (state === 'connected') this.#restarts = 0;
    // A short loss mends itself; a longer one needs new candidates, as when a phone changes its network.
    else if (state === 'disconnected') this.#restartTimer = setTimeout(() => this.#restartIce(), 1000);
    else if (state === 'failed') this.#restartIce();
  }

  #restartIce(): void {
    this.#restarts += 1;
    if (this.#restarts > 2) {
      this.#lose(undefined);
      return;
    }
    this.#socket
      .ask({ kind: 'restart-ice' })
      .then(async (answer) => {
        if (answer.kind !== 'ok' || !answer.iceParameters || this.#closed) return;
        await this.#transport?.restartIce({ iceParameters: answer.iceParameters as never });
        this.#restartTimer = setTimeout(() => {
          if (this.#transport?.connectionState !== 'connected') this.#restartIce();
        }, 5000);
      })
      .catch(() => this.#lose(undefined));
  }
}

function isSynced(key: TrackKey): boolean {
  return key.startsWith('delayed:') || key.endsWith(':synced');
}

/**
 * The original is kept together by the browser, which does it for one sound a picture; synced mode has two sounds and is
 * brought together here.
 */
function syncGroup(key: TrackKey): string {
  return key.startsWith('live:') ? 'live' : key;
}

function joinProblem(error: unknown): LiveProblem | undefined {
  const name = error instanceof Error ? error.name : '';
  if (name === 'UnsupportedError' || typeof RTCPeerConnection === 'undefined') {
    return new LiveProblem({
      code: 'LIVEDUB_E_BROWSER',
      message: 'This browser cannot receive live video.',
      remedy: 'Use a current version of Chrome, Edge, Firefox or Safari.',
    });
  }
  return error instanceof LiveProblem && error.code !== 'LIVEDUB_E_UNREACHABLE' ? error : undefined;
}
