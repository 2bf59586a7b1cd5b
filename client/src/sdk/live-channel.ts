import type {
  ChannelView,
  Notice,
  TextEvent,
  TickEvent,
  TrackKey,
  ViewerEvent,
} from '../../../server/live/contract.ts';
import { BackOff, pause } from './back-off.ts';
import { asProblem, type LiveProblem } from './problem.ts';
import { ReceiveMeter, type ReceiveStats } from './receive-stats.ts';
import { RestClient } from './rest-client.ts';
import { isDelayed, ORIGINAL, type Selection, sameSelection, selectedTracks } from './selection.ts';
import { TypedEvents } from './typed-events.ts';
import { ViewerConnection } from './viewer-connection.ts';

export type LiveChannelState =
  /** Not connected yet. */
  | 'connecting'
  | 'connected'
  /** Was connected, or could not be: tries again by itself. */
  | 'reconnecting'
  /** Will not try again by itself: `problem` says why. */
  | 'failed'
  | 'closed';

export interface LiveChannelEvents {
  state: { readonly state: LiveChannelState; readonly problem?: LiveProblem };
  /** The channel as it is now. */
  channel: ChannelView;
  /** Tracks came, went, or were chosen. */
  tracks: ReadonlyMap<TrackKey, MediaStreamTrack>;
  text: TextEvent;
  tick: TickEvent;
  notice: Notice;
  /** Once a second while connected. */
  stats: ReceiveStats;
}

export interface LiveChannelOptions {
  readonly channelId: string;
  /** Address of the server. Default: where the page came from. */
  readonly baseUrl?: string;
  /** Token with scope `watch`, for private channels. Default none. */
  readonly token?: string | undefined;
  /** What is wanted from the start. Default: the original with picture, no captions. */
  readonly selection?: Partial<Selection>;
  /** Ends it all, as `close` does. */
  readonly signal?: AbortSignal;
}

/** Asked again at once by a person, not by a machine. */
const FINAL_STATUS: ReadonlySet<number> = new Set([400, 401, 403, 404]);

/**
 * A viewer of one live channel, without any user interface. All tracks are received by consumers that exist from the
 * start; choosing a language pauses and resumes them. Reconnects by itself with growing waits.
 */
export class LiveChannel extends TypedEvents<LiveChannelEvents> {
  readonly #options: LiveChannelOptions;
  readonly #rest: RestClient;
  readonly #controller = new AbortController();
  readonly #backOff = new BackOff();
  #meter = new ReceiveMeter();
  #connection: ViewerConnection | undefined;
  #tracks: ReadonlyMap<TrackKey, MediaStreamTrack> = new Map();
  #selection: Selection;
  #selecting: Promise<void> | undefined;
  #state: LiveChannelState = 'connecting';
  #channel: ChannelView | undefined;
  #statsTimer: ReturnType<typeof setInterval> | undefined;
  #wake = new AbortController();

  constructor(options: LiveChannelOptions) {
    super();
    this.#options = options;
    this.#selection = { ...ORIGINAL, ...options.selection };
    this.#rest = new RestClient({
      ...(options.baseUrl ? { baseUrl: options.baseUrl } : {}),
      token: options.token,
    });
    const { signal } = options;
    if (signal?.aborted) this.close();
    else {
      signal?.addEventListener('abort', () => this.close(), { signal: this.#controller.signal });
      // A network that has come back is used at once.
      globalThis.addEventListener?.('online', () => this.#wake.abort(), { signal: this.#controller.signal });
      this.#connect();
    }
  }

  get state(): LiveChannelState {
    return this.#state;
  }

  get channel(): ChannelView | undefined {
    return this.#channel;
  }

  get selection(): Selection {
    return this.#selection;
  }

  /** Every track that can be received; those not chosen are silent. */
  get tracks(): ReadonlyMap<TrackKey, MediaStreamTrack> {
    return this.#tracks;
  }

  /**
   * The chosen picture and sound as one stream, for a plain media element; with a dub, choose `premixed`, or the stream
   * holds voice and original side by side.
   */
  stream(): MediaStream {
    const { picture, sound, voice } = selectedTracks(this.#selection, this.#tracks);
    const tracks = [picture, sound, voice].flatMap((key) => (key && this.#tracks.get(key)) || []);
    return new MediaStream(tracks);
  }

  /**
   * Changes what is wanted. Resolves when the server has switched; at once while there is no connection, as the choice is
   * told with the next one. A choice made while another is under way replaces it.
   * @throws LiveProblem what the server says against it
   */
  async select(change: Partial<Selection>): Promise<void> {
    const next = { ...this.#selection, ...change };
    if (sameSelection(next, this.#selection)) return;
    this.#selection = next;
    if (this.#state === 'connected') await this.#tellSelection();
  }

  /** Tries again at once after `failed` or while waiting. */
  retry(): void {
    if (this.#state === 'failed') {
      this.#setState('connecting');
      this.#connect();
    } else this.#wake.abort();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#controller.abort();
    this.#wake.abort();
    this.#dropConnection();
    this.#setState('closed');
  }

  #connect(): void {
    const address = this.#rest.socketAddress(`/v1/channels/${this.#options.channelId}/watch`);
    this.#meter = new ReceiveMeter();
    const connection = new ViewerConnection({
      address,
      onEvent: (event) => this.#forward(event),
      onTracks: (tracks) => {
        this.#tracks = tracks;
        this.emit('tracks', tracks);
      },
      onReady: () => this.#onReady(),
      onLost: (problem) => void this.#onLost(connection, problem),
    });
    this.#connection = connection;
  }

  #onReady(): void {
    this.#backOff.reset();
    this.#setState('connected');
    this.#tellSelection().catch((error: unknown) => this.#refused(asProblem(error)));
    clearInterval(this.#statsTimer);
    this.#statsTimer = setInterval(() => void this.#readStats(), 1000);
  }

  async #onLost(connection: ViewerConnection, problem: LiveProblem | undefined): Promise<void> {
    if (connection !== this.#connection || this.#state === 'closed') return;
    this.#dropConnection();
    this.#setState('reconnecting');
    // A browser does not tell why a WebSocket was refused; the same question over HTTP does.
    const reason = problem ?? (connection.welcomed ? undefined : await this.#whyRefused());
    if (this.#controller.signal.aborted) return;
    if (reason && (FINAL_STATUS.has(reason.status) || reason.code === 'LIVEDUB_E_BROWSER')) {
      return this.#setState('failed', reason);
    }
    if (reason) this.#setState('reconnecting', reason);
    this.#wake = new AbortController();
    await pause(this.#backOff.nextMs(), this.#wake.signal);
    if (!this.#controller.signal.aborted) this.#connect();
  }

  async #whyRefused(): Promise<LiveProblem | undefined> {
    try {
      const path = `/v1/channels/${this.#options.channelId}`;
      this.#channel = await this.#rest.get<ChannelView>(path, this.#controller.signal);
      this.emit('channel', this.#channel);
      return undefined;
    } catch (error) {
      return asProblem(error);
    }
  }

  #forward(event: ViewerEvent): void {
    switch (event.kind) {
      case 'channel':
        this.#channel = event.channel;
        this.emit('channel', event.channel);
        break;
      case 'tick':
        this.emit('tick', event);
        break;
      case 'notice':
        this.emit('notice', event);
        break;
      case 'hypothesis':
      case 'clause':
      case 'translation':
      case 'dub-notice':
      case 'utterance':
        this.emit('text', event);
        break;
      default:
      // Answers and tracks are the connection's.
    }
  }

  /** Tells the newest choice; one request at a time. */
  #tellSelection(): Promise<void> {
    this.#selecting ??= (async () => {
      try {
        let told: Selection;
        do {
          told = this.#selection;
          await this.#connection?.select(told);
        } while (!sameSelection(told, this.#selection));
      } finally {
        this.#selecting = undefined;
      }
    })();
    return this.#selecting;
  }

  /** A language that the channel no longer has: back to the original, and a word about it. */
  #refused(problem: LiveProblem): void {
    if (this.#state !== 'connected' || problem.code === 'LIVEDUB_E_UNREACHABLE') return;
    this.emit('notice', { kind: 'notice', level: 'warning', code: problem.code, message: problem.message });
    if (this.#selection.language === null && this.#selection.captions === null) return;
    this.select({ language: null, captions: null }).catch(() => {});
  }

  async #readStats(): Promise<void> {
    const read = await this.#connection?.stats().catch(() => undefined);
    if (!read || this.#state !== 'connected') return;
    const report = read.report as unknown as ReadonlyMap<string, unknown>;
    const stats = this.#meter.read(report, read.keys, read.played);
    if (isDelayed(this.#selection)) {
      this.#connection?.bringTogether(
        new Map(
          stats.tracks.flatMap(({ track, aheadMs }) => (aheadMs === undefined ? [] : [[track, aheadMs]])),
        ),
      );
    }
    this.emit('stats', stats);
  }

  #dropConnection(): void {
    clearInterval(this.#statsTimer);
    this.#connection?.close();
    this.#connection = undefined;
  }

  #setState(state: LiveChannelState, problem?: LiveProblem): void {
    if (state === this.#state && !problem) return;
    this.#state = state;
    this.emit('state', { state, ...(problem ? { problem } : {}) });
  }
}
