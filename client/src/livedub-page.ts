import { css, html, LitElement, nothing } from 'lit';
import type { DubView } from '../../server/contract.ts';
import type { ChannelView } from '../../server/live/contract.ts';
import './dub-player.ts';
import './dub-progress.ts';
import { LiveDubs } from './events.ts';
import { ownName } from './languages.ts';
import { RestClient } from './sdk/rest-client.ts';

const ASK_CHANNELS_EVERY_MS = 10_000;

/** The first page: one dub to play with, or how far it is. */
export class LivedubPage extends LitElement {
  static override properties = {
    dubs: { state: true },
    chosen: { state: true },
    connected: { state: true },
    channels: { state: true },
  };

  declare dubs: readonly DubView[] | undefined;
  declare chosen: string | undefined;
  declare connected: boolean;
  /** Those that are on air now. */
  declare channels: readonly ChannelView[];
  #live: LiveDubs | undefined;
  readonly #rest = new RestClient();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.connected = true;
    this.channels = [];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#live = new LiveDubs({
      onDubs: (dubs) => {
        this.dubs = dubs;
      },
      onConnection: (connected) => {
        this.connected = connected;
      },
    });
    void this.#askChannels();
    this.#timer = setInterval(() => void this.#askChannels(), ASK_CHANNELS_EVERY_MS);
  }

  override disconnectedCallback(): void {
    this.#live?.close();
    clearInterval(this.#timer);
    super.disconnectedCallback();
  }

  override render() {
    const dub = this.dubs?.find((one) => one.id === this.chosen) ?? this.dubs?.[0];
    return html`
      <header>
        <h1><img src="/icon.svg" alt="" width="36" height="36" />livedub</h1>
        <p>Hear a video in another language: the words are recognised, translated and spoken again, in time with the picture.</p>
        <nav class="ways" aria-label="Pages"><a href="/desk">Live channels</a><a href="/verify">Check a clip</a></nav>
      </header>
      <main>
        <p class="offline" role="status" ?hidden=${this.connected}>
          The server does not answer. This page comes back by itself when it does.
        </p>
        ${this.#liveNow()}
        ${dub ? this.#dub(dub) : html`<p class="empty" role="status">${this.dubs ? 'Nothing is dubbed yet.' : 'Loading …'}</p>`}
        ${this.#others(dub)}
      </main>
      <footer>
        Every dub here is made by a machine and marked as such, also by a watermark in its sound that nobody hears. The original is
        what plays until you choose.
      </footer>
    `;
  }

  #dub(dub: DubView) {
    return html`
      <article aria-labelledby="title">
        <div class="head">
          <h2 id="title">${dub.title}</h2>
          ${dub.synthetic ? html`<span class="tag">Synthetic sample: computer voice, drawn face</span>` : nothing}
        </div>
        ${
          dub.tracks.length > 0
            ? html`<dub-player .dub=${dub}></dub-player>`
            : html`<dub-progress .dub=${dub}></dub-progress>`
        }
      </article>
    `;
  }

  #liveNow() {
    if (this.channels.length === 0) return nothing;
    return html`
      <nav class="live" aria-label="Live now">
        <ul>
          ${this.channels.map(
            (channel) => html`<li>
              <a href="/watch/${channel.id}">
                <span><strong>Live</strong> ${channel.title}</span>
                <span class="state">${[channel.from, ...channel.renditions.map((one) => one.language)].map(ownName).join(', ')}</span>
              </a>
            </li>`,
          )}
        </ul>
      </nav>
    `;
  }

  async #askChannels(): Promise<void> {
    const answer = await this.#rest.get<{ channels: ChannelView[] }>('/v1/channels').catch(() => undefined);
    this.channels = answer?.channels.filter((one) => one.state !== 'idle') ?? [];
  }

  #others(current: DubView | undefined) {
    if (!this.dubs || this.dubs.length < 2) return nothing;
    return html`
      <nav aria-label="Dubs on this server">
        <h2>All dubs</h2>
        <ul>
          ${this.dubs.map(
            (dub) => html`<li>
              <button aria-current=${dub.id === current?.id} @click=${() => this.#choose(dub.id)}>
                <span>${dub.title}</span><span class="state">${dub.to.join(', ')} · ${dub.state}</span>
              </button>
            </li>`,
          )}
        </ul>
      </nav>
    `;
  }

  #choose(id: string): void {
    this.chosen = id;
  }

  static override styles = css`
    :host {
      display: block;
      box-sizing: border-box;
      /* So that picture and buttons fit a laptop's screen without scrolling. */
      max-width: clamp(40rem, 98vh, 60rem);
      margin: 0 auto;
      padding: clamp(1rem, 3vw, 2rem);
    }
    header {
      margin-bottom: 1.25rem;
    }
    h1 {
      display: flex;
      align-items: center;
      gap: 0.6rem;
      margin: 0;
      font-size: 1.75rem;
      letter-spacing: -0.02em;
      line-height: 1.2;
    }
    header p {
      margin: 0.4rem 0 0;
      color: var(--muted);
      max-width: 42rem;
    }
    article {
      background: var(--card);
      border: 1px solid var(--line);
      border-radius: var(--radius);
      overflow: hidden;
    }
    .head {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 0.4rem 0.8rem;
      padding: 0.8rem 1.1rem;
    }
    h2 {
      margin: 0;
      font-size: 1.05rem;
      overflow-wrap: anywhere;
    }
    .tag {
      font-size: 0.82rem;
      padding: 0.1rem 0.6rem;
      border-radius: 10px;
      color: var(--accent);
      background: var(--accent-soft);
    }
    .offline {
      margin: 0 0 1rem;
      padding: 0.7rem 1.1rem;
      border-radius: var(--radius);
      color: var(--bad);
      background: var(--bad-soft);
    }
    .empty {
      padding: 4rem 1rem;
      text-align: center;
      color: var(--muted);
    }
    nav {
      margin-top: 1.5rem;
    }
    ul {
      list-style: none;
      margin: 0.6rem 0 0;
      padding: 0;
      display: grid;
      gap: 0.4rem;
    }
    .live {
      margin: 0 0 1.25rem;
    }
    .live strong {
      margin-inline-end: 0.6rem;
      padding: 0.1rem 0.6rem;
      border-radius: 99px;
      font-size: 0.82rem;
      color: #fff;
      background: #c02a22;
    }
    .ways {
      display: flex;
      gap: 1.5rem;
      margin: 0;
    }
    .ways a {
      display: inline-flex;
      align-items: center;
      min-height: 44px;
      color: var(--accent);
    }
    .live a {
      text-decoration: none;
    }
    button,
    .live a {
      box-sizing: border-box;
      display: flex;
      flex-wrap: wrap;
      justify-content: space-between;
      gap: 0.2rem 1rem;
      width: 100%;
      min-height: 44px;
      align-items: center;
      padding: 0.5rem 1rem;
      font: inherit;
      text-align: start;
      color: var(--text);
      background: var(--card);
      border: 1px solid var(--line);
      border-radius: 10px;
      cursor: pointer;
      overflow-wrap: anywhere;
    }
    button[aria-current='true'] {
      border-color: var(--accent);
    }
    :is(button, a):focus-visible {
      outline: 3px solid var(--accent);
      outline-offset: 2px;
    }
    .state {
      color: var(--muted);
    }
    footer {
      margin-top: 1.5rem;
      font-size: 0.88rem;
      color: var(--muted);
    }
  `;
}

customElements.define('livedub-page', LivedubPage);
