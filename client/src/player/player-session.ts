import type { ChannelView, Notice, RenditionView, TrackKey } from '../../../server/live/contract.ts';
import { areLipsMoved } from '../face-text.ts';
import { DEFAULT_BALANCE } from '../sdk/balance.ts';
import { CaptionTimeline, type CaptionView } from '../sdk/caption-timeline.ts';
import { LiveChannel, type LiveChannelState } from '../sdk/live-channel.ts';
import type { LiveProblem } from '../sdk/problem.ts';
import type { ReceiveStats } from '../sdk/receive-stats.ts';
import { isDelayed, type Selection, selectedTracks } from '../sdk/selection.ts';
import { SoundMixer } from '../sdk/sound-mixer.ts';
import { keepPreferences, type Preferences, preferencesKey, readPreferences } from './preferences.ts';

export interface PlayerSessionOptions {
  readonly channelId: string;
  readonly baseUrl: string;
  readonly token: string | undefined;
  /** What the page that embeds the player wants, unless the viewer has chosen otherwise before. */
  readonly wish: Pick<Selection, 'language' | 'mode' | 'captions'>;
  /** Something that is shown has changed. */
  readonly onChange: () => void;
  readonly onNotice: (notice: Notice) => void;
}

/** Reports, one a second, without a packet of the picture before it counts as gone. */
const PICTURE_MISSED_AFTER = 4;

/** What a player knows and does, apart from how it looks: the channel, the sound, the captions, the kept choices. */
export class PlayerSession {
  readonly #options: PlayerSessionOptions;
  readonly #key: string;
  readonly #live: LiveChannel;
  readonly #mixer: SoundMixer | undefined;
  readonly #captions = new CaptionTimeline();
  /** The chosen picture; the stream stays, its track changes. */
  readonly picture = new MediaStream();
  preferences: Preferences;
  state: LiveChannelState = 'connecting';
  problem: LiveProblem | undefined;
  channel: ChannelView | undefined;
  stats: ReceiveStats | undefined;
  lagMs: Readonly<Record<string, number>> = {};
  audible = false;
  paused = false;
  muted = false;
  #picturelessReports = 0;
  /** Languages whose lips were moved in what was sent last: in sync it is shown later, when there may be no picture any more. */
  readonly #moved = new Set<string>();
  #closed = false;

  constructor(options: PlayerSessionOptions) {
    this.#options = options;
    this.#key = preferencesKey(options.baseUrl, options.channelId);
    this.preferences = readPreferences(this.#key);
    const { wish } = options;
    const { preferences } = this;
    const { language = wish.language, mode = wish.mode, captions = wish.captions, face = true } = preferences;
    this.#mixer = openMixer((audible) => {
      this.audible = audible;
      options.onChange();
    });
    this.audible = this.#mixer?.audible ?? true;
    this.#mixer?.setBalance(this.balance);
    this.#mixer?.setVolume(this.volume, false);
    this.#live = new LiveChannel({
      channelId: options.channelId,
      baseUrl: options.baseUrl,
      token: options.token,
      selection: { language, mode, captions, face, premixed: this.#mixer === undefined },
    });
    this.#listen();
    void this.#mixer?.resume();
  }

  /** The viewer underneath. */
  get live(): LiveChannel {
    return this.#live;
  }

  /** Page that tells whether a clip was dubbed by this server. */
  get verifyAddress(): string {
    return new URL('/verify', this.#options.baseUrl).href;
  }

  get selection(): Selection {
    return this.#live.selection;
  }

  /** The rendition that is chosen, if a dub is. */
  get rendition(): RenditionView | undefined {
    const { language } = this.selection;
    return this.channel?.renditions.find((one) => one.language === language);
  }

  /** Language of the dub that may be heard. */
  get dub(): string | undefined {
    return this.#isOn ? (this.selection.language ?? undefined) : undefined;
  }

  /** Whether a picture is shown whose lips may be moved to the dub. */
  get lipsMoved(): boolean {
    const { picture } = selectedTracks(this.selection, this.#live.tracks);
    const isMoved = this.dub !== undefined && this.#moved.has(this.dub);
    return isMoved && this.hasPicture && picture.startsWith('face:');
  }

  get balance(): number {
    return this.preferences.balance ?? DEFAULT_BALANCE;
  }

  get volume(): number {
    return this.preferences.volume ?? 1;
  }

  /** False also while a channel that has had a picture sends none; one that is delayed still comes when no newer one does. */
  get hasPicture(): boolean {
    if (!this.#isOn) return false;
    return this.channel?.hasVideo ? this.#picturelessReports < PICTURE_MISSED_AFTER : hasVideo(this.stats);
  }

  /** Whether a picture comes that was sent some seconds ago: who sent it may be gone. */
  get isDelayedShown(): boolean {
    return isDelayed(this.selection) && hasVideo(this.stats);
  }

  /** Something of the programme is played. */
  get #isOn(): boolean {
    return this.state === 'connected' && this.channel !== undefined && this.channel.state !== 'idle';
  }

  /** How far what is played is behind live, ms; undefined while unknown. */
  get behindMs(): number | undefined {
    const { language } = this.selection;
    if (language === null) return 0;
    return isDelayed(this.selection) ? this.channel?.delayMs : this.lagMs[language];
  }

  /** Loudness of what is heard, dBFS. */
  get levelDbfs(): number {
    return this.#mixer?.levelDbfs ?? -120;
  }

  captionsNow(): CaptionView | undefined {
    const { captions: language } = this.selection;
    if (language === null || !this.channel) return undefined;
    const delayMs = isDelayed(this.selection) ? this.channel.delayMs : 0;
    return this.#captions.at({ language, source: this.channel.from, delayMs }, performance.now());
  }

  /** Chooses, and remembers the choice for this channel. */
  choose(change: Partial<Pick<Selection, 'language' | 'mode' | 'captions' | 'face'>>): void {
    this.keep(change);
    this.#live.select(change).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : 'The choice was not taken.';
      this.#options.onNotice({ kind: 'notice', level: 'warning', code: 'refused', message });
    });
    this.#playTracks();
    this.#options.onChange();
  }

  keep(change: Preferences): void {
    this.preferences = { ...this.preferences, ...change };
    keepPreferences(this.#key, change);
    if (change.balance !== undefined) this.#mixer?.setBalance(change.balance);
    if (change.volume !== undefined) this.muted = false;
    this.#mixer?.setVolume(this.volume, this.muted);
    this.#options.onChange();
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    this.#mixer?.setVolume(this.volume, muted);
    this.#options.onChange();
  }

  /** Stops the sound, or lets it out again at the live edge; call it from a click. */
  async setPaused(paused: boolean): Promise<void> {
    this.paused = paused;
    this.#options.onChange();
    await (paused ? this.#mixer?.suspend() : this.#mixer?.resume());
    this.#options.onChange();
  }

  async letSoundOut(): Promise<void> {
    if (!this.paused) await this.#mixer?.resume();
  }

  retry(): void {
    this.#live.retry();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#live.close();
    this.#mixer?.close();
  }

  #listen(): void {
    const live = this.#live;
    const { onChange, onNotice } = this.#options;
    live.on('state', ({ state, problem }) => {
      this.state = state;
      this.problem = problem;
      // It was deleted: nobody will tell any more.
      if (problem?.status === 404 && this.channel) this.channel = { ...this.channel, state: 'idle' };
      if (state !== 'connected') this.stats = undefined;
      this.#picturelessReports = 0;
      onChange();
    });
    live.on('channel', (channel) => {
      if (this.channel?.startedAt !== channel.startedAt) this.#captions.clear();
      this.channel = channel;
      this.#noteLips(channel);
      this.#dropWhatIsGone(channel);
      onChange();
    });
    live.on('tracks', () => {
      this.#playTracks();
      onChange();
    });
    live.on('text', (event) => this.#captions.push(event, this.channel?.from ?? '', performance.now()));
    live.on('tick', (tick) => {
      this.#captions.tick(tick.mediaTimeUs, performance.now());
      this.lagMs = tick.lagMs;
      onChange();
    });
    live.on('notice', onNotice);
    live.on('stats', (stats) => {
      this.stats = stats;
      this.#picturelessReports = hasVideo(stats) ? 0 : this.#picturelessReports + 1;
      onChange();
    });
  }

  #noteLips({ renditions }: ChannelView): void {
    for (const { language, face } of renditions) {
      if (areLipsMoved(face)) this.#moved.add(language);
      else if (face.state !== 'no-picture') this.#moved.delete(language);
    }
  }

  /** A remembered language that the channel does not have is not asked for. */
  #dropWhatIsGone(channel: ChannelView): void {
    const has = (language: string) => channel.renditions.some((one) => one.language === language);
    const { language, captions } = this.selection;
    if (language !== null && !has(language)) this.#live.select({ language: null }).catch(() => {});
    if (captions !== null && captions !== channel.from && !has(captions)) {
      this.#live.select({ captions: null }).catch(() => {});
    }
  }

  #playTracks(): void {
    if (this.#closed) return;
    const { tracks } = this.#live;
    const chosen = selectedTracks(this.selection, tracks);
    const track = (key: TrackKey | undefined) => (key ? tracks.get(key) : undefined);
    this.#mixer?.keepOnly(tracks.values());
    this.#mixer?.play(track(chosen.sound), track(chosen.voice));
    const wanted = [track(chosen.picture), this.#mixer ? undefined : track(chosen.sound)].filter(
      (one) => one !== undefined,
    );
    for (const old of this.picture.getTracks()) if (!wanted.includes(old)) this.picture.removeTrack(old);
    for (const one of wanted) this.picture.addTrack(one);
  }
}

function hasVideo(stats: ReceiveStats | undefined): boolean {
  return stats?.tracks.some(({ kind }) => kind === 'video') ?? false;
}

/** Without Web Audio the server mixes. */
function openMixer(onAudible: (audible: boolean) => void): SoundMixer | undefined {
  try {
    return new SoundMixer({ onAudible });
  } catch {
    return undefined;
  }
}
