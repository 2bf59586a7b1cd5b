import type { types } from 'mediasoup';
import { LivedubError } from '../../pipeline/errors.ts';
import { DUB_NOTICE_MS, dubNotice } from '../../pipeline/text/dub-notice.ts';
import type { SfuRouter } from '../../sfu/router.ts';
import { type ViewerTrack, ViewerTransport } from '../../sfu/viewer-transport.ts';
import type { EdgeSocket } from '../http/edge-socket.ts';
import type { SocketOwner } from '../http/socket-route.ts';
import { check, problemOf } from '../problem.ts';
import {
  type ChannelView,
  type ConsumerView,
  type Notice,
  type TextEvent,
  type TickEvent,
  type TrackKey,
  type ViewerEvent,
  type ViewerRequest,
  ViewerRequestSchema,
} from './contract.ts';
import type { DemandBook } from './demand.ts';
import type { IceServer } from './live-api.ts';
import { concerns, type Selection, tracksOf, wantsOf } from './viewer-wants.ts';

export interface ViewerSessionOptions {
  socket: EdgeSocket<ViewerEvent>;
  /** The channel's router; waits while it is being made. */
  router: Promise<SfuRouter>;
  view: () => ChannelView;
  /** Language spoken. */
  from: () => string;
  /** Whether the channel is dubbed into a language. */
  hasLanguage: (language: string) => boolean;
  /** Tracks there are now. */
  tracks: () => ReadonlyMap<TrackKey, types.Producer>;
  demand: DemandBook;
  iceServers: readonly IceServer[];
  /** Captions of a dub begin with a notice that AI made it. Default true. */
  dubNotice?: boolean | undefined;
  onEnd: () => void;
}

/** A viewer who asks faster than it is answered is no viewer. */
const MAX_WAITING_REQUESTS = 64;

const NOTHING_CHOSEN: Selection = {
  language: null,
  mode: 'interpret',
  captions: null,
  video: true,
  premixed: false,
  face: true,
};

/** One viewer: requests by WebSocket, media by a transport on which every track is ready and what is chosen plays. */
export class ViewerSession implements SocketOwner {
  readonly #o: ViewerSessionOptions;
  readonly #opening: Promise<ViewerTransport>;
  #joined = false;
  #selection: Selection = NOTHING_CHOSEN;
  /** Requests are answered one after the other. */
  #queue: Promise<void> = Promise.resolve();
  #waitingRequests = 0;
  #ended = false;
  /** Languages of which this viewer was told that a machine dubs. */
  readonly #noticed = new Set<string>();

  constructor(options: ViewerSessionOptions) {
    this.#o = options;
    this.#opening = this.#open();
    this.#opening.catch((error: unknown) => {
      this.#o.socket.send({ kind: 'error', problem: problemOf(error) });
      this.end(1011, 'no media');
    });
  }

  onMessage(text: string): void {
    const request = check(ViewerRequestSchema, parseJson(text), 'message');
    if (this.#waitingRequests >= MAX_WAITING_REQUESTS) {
      this.end(1008, 'too many requests at once');
      return;
    }
    this.#waitingRequests += 1;
    void this.#inTurn(async () => {
      this.#waitingRequests -= 1;
      await this.#answer(request);
    });
  }

  onClose(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#o.demand.set(this, []);
    void this.#opening.then((transport) => transport.close()).catch(() => undefined);
    this.#o.onEnd();
  }

  /** Ends the connection; the client comes back by itself. */
  end(code: number, reason: string): void {
    this.#o.socket.close(code, reason);
    this.onClose();
  }

  text(event: TextEvent): void {
    if (!concerns(event, this.#selection, this.#o.from())) return;
    if (event.kind === 'translation') this.#noticeDub(event.language, event.startUs);
    if (event.kind === 'hypothesis') this.#o.socket.sendLatest('hypothesis', event);
    else this.#o.socket.sendDroppable(event);
  }

  /** A programme begins: what this viewer was told was another one's. */
  forget(): void {
    this.#noticed.clear();
  }

  tick(event: TickEvent): void {
    this.#o.socket.sendLatest('tick', event);
  }

  notice(event: Notice): void {
    const { language, captions } = this.#selection;
    if (event.language === undefined || event.language === language || event.language === captions)
      this.#o.socket.sendDroppable(event);
  }

  channel(channel: ChannelView): void {
    this.#o.socket.sendLatest('channel', { kind: 'channel', channel });
  }

  /** Tracks came. */
  added(tracks: ReadonlyMap<TrackKey, types.Producer>): void {
    void this.#inTurn(async () => {
      if (!this.#joined || this.#ended) return;
      const transport = await this.#opening;
      const known = new Set(transport.tracks.map(({ producerId }) => producerId));
      const made = await Promise.all(
        [...tracks]
          .filter(([, producer]) => !known.has(producer.id))
          .map(([key, producer]) => transport.addProducer(key, producer)),
      );
      // A codec that this browser does not know is left out.
      const consumers = made.flatMap((track) => (track === undefined ? [] : [viewOf(track)]));
      await this.#switch(transport);
      if (consumers.length > 0) this.#o.socket.send({ kind: 'tracks', consumers });
    });
  }

  /** Tracks are gone. */
  removed(keys: readonly TrackKey[]): void {
    void this.#inTurn(async () => {
      if (!this.#joined || this.#ended) return;
      const transport = await this.#opening;
      for (const key of keys) transport.removeProducer(key);
      await this.#switch(transport);
      this.#o.socket.send({ kind: 'tracks-gone', tracks: [...keys] });
    });
  }

  #noticeDub(language: string, startUs: number): void {
    if (this.#o.dubNotice === false || this.#noticed.has(language)) return;
    this.#noticed.add(language);
    const endUs = startUs + DUB_NOTICE_MS * 1000;
    const text = dubNotice(language);
    this.#o.socket.sendDroppable({ kind: 'dub-notice', language, text, startUs, endUs });
  }

  /** One thing after the other; what fails is told the viewer, and ends nothing but itself. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(act).catch((error: unknown) => {
      this.#o.socket.send({ kind: 'error', problem: problemOf(error) });
    });
    return this.#queue;
  }

  async #open(): Promise<ViewerTransport> {
    const router = await this.#o.router;
    const transport = await ViewerTransport.create({ router });
    if (this.#ended) {
      transport.close();
      throw new LivedubError('LIVEDUB_E_CLOSED', 'The viewer has gone.');
    }
    this.#o.socket.send({
      kind: 'welcome',
      channel: this.#o.view(),
      routerRtpCapabilities: { ...router.router.rtpCapabilities },
      transport: transport.parameters,
      iceServers: this.#o.iceServers.map((server) => ({ ...server })),
    });
    return transport;
  }

  /** Plays what is selected, of the tracks there are now. */
  async #switch(transport: ViewerTransport): Promise<void> {
    const made = new Set(transport.tracks.map(({ key }) => key));
    await transport.select(tracksOf(this.#selection, (key) => made.has(key)));
  }

  async #answer(request: ViewerRequest): Promise<void> {
    if (this.#ended) return;
    try {
      await this.#act(request, await this.#opening);
    } catch (error) {
      this.#o.socket.send({ kind: 'error', request: request.request, problem: problemOf(error) });
    }
  }

  async #act(request: ViewerRequest, transport: ViewerTransport): Promise<void> {
    const { socket, demand } = this.#o;
    switch (request.kind) {
      case 'join': {
        const made = await transport.join(request.rtpCapabilities, this.#o.tracks());
        this.#joined = true;
        socket.send({ kind: 'tracks', request: request.request, consumers: made.map(viewOf) });
        return;
      }
      case 'connect':
        await transport.connect(request.dtlsParameters as unknown as types.DtlsParameters);
        socket.send({ kind: 'ok', request: request.request });
        return;
      case 'restart-ice': {
        const iceParameters = await transport.restartIce();
        socket.send({ kind: 'ok', request: request.request, iceParameters: { ...iceParameters } });
        return;
      }
      case 'select': {
        const { kind: _kind, request: number, ...selection } = request;
        for (const language of [selection.language, selection.captions])
          if (language !== null && language !== this.#o.from() && !this.#o.hasLanguage(language))
            throw new LivedubError('LIVEDUB_E_NOT_FOUND', `This channel is not dubbed into ${language}.`);
        this.#selection = selection;
        // Demand first: the worker starts while the consumers are being switched.
        demand.set(this, wantsOf(selection, this.#o.from()));
        await this.#switch(transport);
        socket.send({ kind: 'ok', request: number });
      }
    }
  }
}

function viewOf({ key, id, producerId, kind, rtpParameters }: ViewerTrack): ConsumerView {
  return { track: key, id, producerId, kind, rtpParameters: { ...rtpParameters } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
