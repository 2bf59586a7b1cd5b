import { html, LitElement, nothing, type PropertyValues } from 'lit';
import type { ChannelView, Mode, Notice } from '../../../server/live/contract.ts';
import { ownName } from '../languages.ts';
import { icon } from '../ui/icons.ts';
import { actionOf, KEY_HELP, type PlayerAction } from './keys.ts';
import { captionControls, dubControls, languagePicker } from './panel-parts.ts';
import { PlayerSession } from './player-session.ts';
import { playerStyles } from './player-styles.ts';
import { stageMessage } from './stage-message.ts';
import { captionLine, chips, stageMessageView, statsPanel } from './stage-parts.ts';
import { stageStyles } from './stage-styles.ts';

const NOTICE_LASTS_MS = 6000;
const IDLE_AFTER_MS = 3000;
const LOAD_WITHIN_MS = 3000;
const VOLUME_STEP = 0.1;

/**
 * Where this script came from, when a page of somebody else embeds it. A page that loads it as a module does not say which
 * script runs: then by its name.
 */
const scriptOrigin = (() => {
  if (typeof document === 'undefined') return undefined;
  const running = document.currentScript instanceof HTMLScriptElement ? document.currentScript : undefined;
  const script = running ?? document.querySelector<HTMLScriptElement>('script[src$="/player.js"]');
  return script?.src ? new URL(script.src, location.href).origin : undefined;
})();

/**
 * Plays a live channel: `<livedub-player channel="my-show" lang="es" mode="interpret" captions="es">`. The original is
 * heard until the viewer, or the page that embeds it, chooses a dub; a dub is always marked as one.
 */
export class LivedubPlayer extends LitElement {
  static override properties = {
    src: {},
    channel: {},
    lang: {},
    mode: {},
    captions: {},
    token: {},
    notices: { state: true },
    showStats: { state: true },
    panelOpen: { state: true },
    fullscreen: { state: true },
    idle: { state: true },
  };

  /** Address of the server. Default: where this script came from. */
  declare src: string | undefined;
  declare channel: string;
  /** Language to begin with, unless the viewer chose one before. */
  declare lang: string;
  declare mode: Mode | undefined;
  declare captions: string | undefined;
  /** Token with scope `watch`, for private channels. */
  declare token: string | undefined;
  declare notices: readonly Notice[];
  declare showStats: boolean;
  declare panelOpen: boolean;
  declare fullscreen: boolean;
  declare idle: boolean;
  #session: PlayerSession | undefined;
  #frame = 0;
  #turn = 0;
  #told: ChannelView | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.channel = '';
    this.notices = [];
    this.showStats = false;
    this.panelOpen = false;
    this.fullscreen = false;
    this.idle = false;
  }

  /** The channel's viewer underneath, for pages that build on it. */
  get session(): PlayerSession | undefined {
    return this.#session;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener('keydown', this.#onKey);
    this.addEventListener('pointerdown', this.#onPointer);
    this.addEventListener('pointermove', this.#stir);
    document.addEventListener('fullscreenchange', this.#onFullscreen);
    if (this.hasUpdated) void this.#open();
  }

  override disconnectedCallback(): void {
    this.#close();
    this.removeEventListener('keydown', this.#onKey);
    this.removeEventListener('pointerdown', this.#onPointer);
    this.removeEventListener('pointermove', this.#stir);
    document.removeEventListener('fullscreenchange', this.#onFullscreen);
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('channel') || changed.has('src') || changed.has('token')) void this.#open();
  }

  protected override updated(): void {
    this.#tellChannel();
    this.#nameForBrowser();
    const session = this.#session;
    const video = this.#video;
    if (session && video && video.srcObject !== session.picture) video.srcObject = session.picture;
    if (session && video && !session.paused && video.paused && this.#hasPicture) video.play().catch(() => {});
  }

  override render() {
    const session = this.#session;
    if (!session) {
      const message = this.channel
        ? { title: 'Connecting …', text: '', busy: true }
        : { title: 'No channel', text: 'The page names no channel to play.' };
      return html`<div class="root"><div class="stage">${stageMessageView(message, this.#actions)}</div></div>`;
    }
    const { state, problem, channel, audible, paused, selection, isDelayedShown } = session;
    const classes = `root ${this.idle ? 'idle' : ''}`;
    const message = stageMessage({ state, problem, channel, audible, paused, isDelayedShown });
    // What lies under a message that covers the picture would only be in its way.
    const covered = message !== undefined && message.action !== 'sound' && message.action !== 'play';
    return html`<div class=${classes} lang="en">
      <div class="stage ${message?.action === 'token' ? 'tall' : ''}" role="region" tabindex="0" aria-label=${`Player: ${channel?.title ?? this.channel}`}>
        <video muted autoplay playsinline disableremoteplayback ?hidden=${!this.#hasPicture} .muted=${session.selection.premixed ? session.muted : true}
          aria-label=${channel?.title ?? this.channel}></video>
        ${this.#hasPicture || covered ? nothing : this.#soundOnly()}
        ${covered ? nothing : captionLine(session.captionsNow(), session.preferences, selection.captions)}
        ${chips(session)}
        <div role="status">${stageMessageView(message, this.#actions)}</div>
        ${this.showStats ? statsPanel(session.stats) : nothing}
        <div class="toasts" role="status" aria-live="polite">
          ${this.notices.map((one) => html`<div class="toast ${one.level}">${one.message}</div>`)}
        </div>
        ${channel && state !== 'failed' ? this.#bar(session) : nothing}
      </div>
      <div class="panel ${this.panelOpen ? 'open' : ''}" ?hidden=${!channel || state === 'failed'} role="group" aria-label="Language, mode and captions">
        ${languagePicker(session)} ${dubControls(session)} ${captionControls(session)}
      </div>
      ${this.#help()}
    </div>`;
  }

  get #video(): HTMLVideoElement | null {
    return this.renderRoot.querySelector('video');
  }

  get #hasPicture(): boolean {
    return this.#session?.hasPicture ?? false;
  }

  /** Where the browser shows the picture alone, its name still says that a dub is heard. */
  #nameForBrowser(): void {
    const session = this.#session;
    if (!session?.channel || !('mediaSession' in navigator) || document.pictureInPictureElement !== this)
      return;
    const { dub, lipsMoved } = session;
    const title = `${dub === undefined ? '' : `AI dub${lipsMoved ? ' with moved lips' : ''}, ${ownName(dub)}: `}${session.channel.title}`;
    if (navigator.mediaSession.metadata?.title === title) return;
    navigator.mediaSession.metadata = new MediaMetadata({ title });
  }

  /** The page around may want to show what the channel is: event `livedub-channel`. */
  #tellChannel(): void {
    const channel = this.#session?.channel;
    if (!channel || channel === this.#told) return;
    this.#told = channel;
    this.dispatchEvent(
      new CustomEvent('livedub-channel', { detail: channel, bubbles: true, composed: true }),
    );
  }

  #soundOnly() {
    return html`<div class="sound-only">
      <div class="bars" aria-hidden="true"><i></i><i></i><i></i><i></i><i></i></div>
      <span>${this.#session?.channel?.hasVideo ? 'No picture at this moment' : 'Sound only'}</span>
    </div>`;
  }

  #bar(session: PlayerSession) {
    const { paused, muted, volume, selection } = session;
    const button = (
      action: PlayerAction,
      name: Parameters<typeof icon>[0],
      label: string,
      pressed?: boolean,
      className = '',
    ) =>
      html`<button class=${className} title=${label} aria-label=${label} aria-pressed=${pressed ?? nothing}
        @click=${() => this.#act(action)}>${icon(name)}</button>`;
    return html`<div class="bar" role="group" aria-label="Controls">
      ${button('play', paused ? 'play' : 'pause', paused ? 'Go on live (K)' : 'Pause (K)')}
      ${button('mute', muted || volume === 0 ? 'muted' : 'sound', muted ? 'Sound on (M)' : 'Mute (M)')}
      <input type="range" min="0" max="100" aria-label="Volume" .value=${String(Math.round((muted ? 0 : volume) * 100))}
        @input=${(event: Event) => session.keep({ volume: Number((event.target as HTMLInputElement).value) / 100 })} />
      <span class="gap"></span>
      ${button('captions', 'captions', 'Captions (C)', selection.captions !== null)}
      ${button('language', 'language', 'Languages (L)')}
      ${button('stats', 'stats', 'Figures (I)', this.showStats)}
      ${document.pictureInPictureEnabled && this.#hasPicture ? button('picture-in-picture', 'pip', 'Picture in picture (P)', undefined, 'wide') : nothing}
      ${button('help', 'help', 'Keys (?)', undefined, 'wide')}
      ${document.fullscreenEnabled ? button('fullscreen', this.fullscreen ? 'windowed' : 'fullscreen', 'Full screen (F)') : nothing}
    </div>`;
  }

  #help() {
    return html`<dialog aria-label="Keys">
      <h2>Keys</h2>
      <dl>${KEY_HELP.map(([keys, what]) => html`<dt>${keys}</dt><dd>${what}</dd>`)}</dl>
      <form method="dialog"><button>Close</button></form>
    </dialog>`;
  }

  async #open(): Promise<void> {
    this.#close();
    const turn = ++this.#turn;
    await pageLoaded();
    if (turn !== this.#turn || !this.channel || !this.isConnected) return;
    this.notices = [];
    this.#session = new PlayerSession({
      channelId: this.channel,
      baseUrl: this.src || scriptOrigin || location.origin,
      token: this.token || undefined,
      wish: {
        language: this.lang || null,
        mode: this.mode === 'synced' ? 'synced' : 'interpret',
        captions: this.captions && this.captions !== 'off' ? this.captions : null,
      },
      onChange: () => this.requestUpdate(),
      onNotice: (notice) => this.#notify(notice),
    });
    this.#frame = requestAnimationFrame(this.#animate);
    this.requestUpdate();
  }

  #close(): void {
    cancelAnimationFrame(this.#frame);
    this.#session?.close();
    this.#session = undefined;
  }

  readonly #actions = {
    retry: () => this.#session?.retry(),
    play: () => this.#resume(),
    token: (token: string) => {
      this.token = token;
    },
  };

  /** Captions roll and the level moves between the server's events. */
  #lastAnimatedMs = 0;
  readonly #animate = (nowMs: number) => {
    this.#frame = requestAnimationFrame(this.#animate);
    if (nowMs - this.#lastAnimatedMs < 100) return;
    this.#lastAnimatedMs = nowMs;
    const session = this.#session;
    if (!session) return;
    if (session.selection.captions !== null) this.requestUpdate();
    const bars = this.renderRoot.querySelector<HTMLElement>('.bars');
    bars?.style.setProperty('--level', String(Math.max(0, Math.min(1, (session.levelDbfs + 50) / 45))));
  };

  #resume(): void {
    void this.#session?.setPaused(false);
    this.#video?.play().catch(() => {});
  }

  #act(action: PlayerAction): void {
    const session = this.#session;
    if (!session) return;
    switch (action) {
      case 'play':
        if (session.paused) this.#resume();
        else {
          this.#video?.pause();
          void session.setPaused(true);
        }
        break;
      case 'mute':
        session.setMuted(!session.muted);
        break;
      case 'louder':
      case 'quieter': {
        const step = action === 'louder' ? VOLUME_STEP : -VOLUME_STEP;
        session.keep({ volume: Math.round(Math.min(1, Math.max(0, session.volume + step)) * 100) / 100 });
        break;
      }
      case 'captions': {
        const { captions, language } = session.selection;
        session.choose({ captions: captions === null ? (language ?? session.channel?.from ?? null) : null });
        break;
      }
      case 'language':
        this.panelOpen = !this.panelOpen || !this.fullscreen;
        void this.updateComplete.then(() => {
          const chosen = this.renderRoot.querySelector<HTMLElement>('.languages input:checked');
          chosen?.focus();
          chosen?.closest('fieldset')?.scrollIntoView({ block: 'nearest' });
        });
        break;
      case 'fullscreen':
        void this.#toggleFullscreen();
        break;
      case 'picture-in-picture':
        void this.#togglePictureInPicture();
        break;
      case 'stats':
        this.showStats = !this.showStats;
        break;
      case 'help':
        this.renderRoot.querySelector('dialog')?.showModal();
        break;
      case 'close':
        this.showStats = false;
        this.panelOpen = false;
        break;
    }
  }

  async #toggleFullscreen(): Promise<void> {
    const root = this.renderRoot.querySelector('.root');
    await (this.fullscreen ? document.exitFullscreen() : root?.requestFullscreen())?.catch(() => {});
  }

  async #togglePictureInPicture(): Promise<void> {
    try {
      if (document.pictureInPictureElement) return await document.exitPictureInPicture();
      await this.#video?.requestPictureInPicture();
    } catch {
      this.#notify({
        kind: 'notice',
        level: 'info',
        code: 'pip',
        message: 'The browser does not allow picture in picture here.',
      });
    }
  }

  #notify(notice: Notice): void {
    // The same again says nothing new, and lasts longer.
    const others = this.notices.filter((one) => one.message !== notice.message);
    this.notices = [...others.slice(-2), notice];
    setTimeout(() => {
      this.notices = this.notices.filter((one) => one !== notice);
    }, NOTICE_LASTS_MS);
  }

  readonly #onKey = (event: KeyboardEvent) => {
    this.#stir();
    void this.#session?.letSoundOut();
    const target = event.composedPath()[0];
    const name = target instanceof HTMLInputElement && target.type === 'text' ? 'text' : undefined;
    const action = actionOf(event, name ?? (target instanceof Element ? target.localName : ''));
    if (!action || this.renderRoot.querySelector('dialog')?.open) return;
    if (action !== 'close') event.preventDefault();
    this.#act(action);
  };

  readonly #onPointer = () => {
    void this.#session?.letSoundOut();
  };

  readonly #onFullscreen = () => {
    // Between shadow roots only the host is told of.
    this.fullscreen = (this.renderRoot as ShadowRoot).fullscreenElement !== null;
    if (!this.fullscreen) this.panelOpen = false;
  };

  readonly #stir = () => {
    this.idle = false;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      this.idle = true;
    }, IDLE_AFTER_MS);
  };

  static override styles = [stageStyles, playerStyles];
}

/** A media element that waits for a broadcast would keep the page “loading”. Not waited for longer than a slow page deserves. */
function pageLoaded(): Promise<void> {
  if (document.readyState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    addEventListener('load', () => resolve(), { once: true });
    setTimeout(resolve, LOAD_WITHIN_MS);
  });
}

if (!customElements.get('livedub-player')) customElements.define('livedub-player', LivedubPlayer);
