import type { LiveProblem } from '../sdk/problem.ts';
import { asProblem } from '../sdk/problem.ts';
import { LevelWatch } from './level-watch.ts';
import type { SendStats } from './send-stats.ts';
import { openSource, openSpeech, QUALITIES, type Source, type SourceOptions, stopTracks } from './source.ts';
import { WhipClient, type WhipState } from './whip-client.ts';

export interface GoLiveOptions {
  readonly endpoint: URL;
  readonly token: string | undefined;
  readonly takeOver: boolean;
  readonly videoCodec: 'VP8' | 'H264';
}

/** What is open for publishing and what is on air: the source, its level, one or two WHIP sessions. */
export class PublishSession {
  readonly #onChange: () => void;
  source: Source | undefined;
  state: WhipState = 'idle';
  problem: LiveProblem | undefined;
  stats: SendStats | undefined;
  levelDbfs: number | undefined;
  speechDbfs: number | undefined;
  liveSince: Date | undefined;
  #quality: SourceOptions['quality'] = 'high';
  #speech: MediaStream | undefined;
  #clients: WhipClient[] = [];
  #levels: LevelWatch[] = [];
  #opening = 0;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get onAir(): boolean {
    return this.state === 'live' || this.state === 'reconnecting' || this.state === 'connecting';
  }

  /** Opens what the options name, instead of what was open. @param speechId microphone of clean speech, '' for none */
  async open(options: SourceOptions, speechId: string): Promise<void> {
    const turn = ++this.#opening;
    this.closeSource();
    this.problem = undefined;
    try {
      const source = await openSource(options);
      if (turn !== this.#opening) return source.close();
      this.source = source;
      this.#quality = options.quality;
      if (speechId) this.#speech = await openSpeech(speechId);
      this.#watchLevels();
      // A device that is pulled out, a screen that is no longer shared, a file that has ended.
      for (const track of source.stream.getTracks())
        track.addEventListener('ended', () => this.#onEnded(source));
      source.element?.addEventListener('ended', () => this.#onEnded(source));
    } catch (error) {
      if (turn === this.#opening) this.problem = asProblem(error);
    }
    this.#onChange();
  }

  closeSource(): void {
    for (const level of this.#levels) level.close();
    this.#levels = [];
    this.source?.close();
    this.source = undefined;
    if (this.#speech) stopTracks(this.#speech);
    this.#speech = undefined;
    this.levelDbfs = undefined;
    this.speechDbfs = undefined;
  }

  async goLive(options: GoLiveOptions): Promise<void> {
    if (!this.source || this.onAir) return;
    this.problem = undefined;
    const videoBitrateBps = QUALITIES[this.#quality].bitrateBps;
    const main = new WhipClient({ ...options, stream: this.source.stream, videoBitrateBps });
    this.#clients = [main];
    main.on('state', ({ state, problem }) => {
      if (!this.#clients.includes(main)) return;
      this.state = state;
      this.problem = problem;
      if (state === 'live') this.liveSince ??= new Date();
      if (state === 'failed') void this.stop(state);
      this.#onChange();
    });
    main.on('stats', (stats) => {
      this.stats = stats;
      this.#onChange();
    });
    await main.start();
    if (this.#speech && main.state === 'live') await this.#publishSpeech(options, this.#speech);
  }

  /** Ends the programme; the preview stays. @param as state that is shown afterwards */
  async stop(as: WhipState = 'idle'): Promise<void> {
    const clients = this.#clients;
    this.#clients = [];
    this.state = as;
    this.stats = undefined;
    this.liveSince = undefined;
    this.#onChange();
    await Promise.all(clients.map((client) => client.stop()));
  }

  close(): void {
    this.#opening += 1;
    for (const client of this.#clients) client.stopNow();
    this.#clients = [];
    this.closeSource();
  }

  async #publishSpeech(options: GoLiveOptions, stream: MediaStream): Promise<void> {
    const endpoint = new URL(options.endpoint);
    endpoint.searchParams.set('track', 'speech');
    const client = new WhipClient({ ...options, endpoint, stream });
    client.on('state', ({ problem }) => {
      if (!problem) return;
      this.problem = problem;
      this.#onChange();
    });
    this.#clients.push(client);
    await client.start();
  }

  #watchLevels(): void {
    const watch = (stream: MediaStream | undefined, tell: (dbfs: number) => void) => {
      if (!stream?.getAudioTracks().length) return;
      this.#levels.push(
        new LevelWatch(stream, (dbfs) => {
          tell(dbfs);
          this.#onChange();
        }),
      );
    };
    watch(this.source?.stream, (dbfs) => {
      this.levelDbfs = dbfs;
    });
    watch(this.#speech, (dbfs) => {
      this.speechDbfs = dbfs;
    });
  }

  #onEnded(source: Source): void {
    if (source !== this.source) return;
    this.closeSource();
    if (this.onAir) void this.stop();
    this.#onChange();
  }
}
