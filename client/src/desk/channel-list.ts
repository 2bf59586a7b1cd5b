import { css, html, LitElement, nothing } from 'lit';
import type { ChannelView } from '../../../server/live/contract.ts';
import { ownName } from '../languages.ts';
import { asProblem, type LiveProblem } from '../sdk/problem.ts';
import type { RestClient } from '../sdk/rest-client.ts';
import { brand, problemBox, stateTag } from '../ui/parts.ts';
import { sharedStyles } from '../ui/shared-styles.ts';
import { refuse } from './desk-card.ts';
import './new-channel-form.ts';

const ASK_EVERY_MS = 5000;

/** All channels of the server, and a form for a new one. */
export class ChannelList extends LitElement {
  static override properties = {
    rest: { attribute: false },
    channels: { state: true },
    problem: { state: true },
    adding: { state: true },
  };

  declare rest: RestClient;
  declare channels: readonly ChannelView[] | undefined;
  declare problem: LiveProblem | undefined;
  declare adding: boolean;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.adding = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#ask();
    this.#timer = setInterval(() => void this.#ask(), ASK_EVERY_MS);
  }

  override disconnectedCallback(): void {
    clearInterval(this.#timer);
    super.disconnectedCallback();
  }

  override render() {
    const { channels } = this;
    const empty = channels?.length === 0;
    return html`<div class="page narrow">
      <header class="top">
        ${brand()}
        <h1>Live channels</h1>
        <nav><a class="plain" href="/">Dubbed files</a><a class="plain" href="/verify">Check a clip</a></nav>
      </header>
      <main class="grid">
        ${problemBox(this.problem)}
        ${
          !channels
            ? html`<p class="muted" role="status">Loading …</p>`
            : empty
              ? html`<p class="muted">No channel yet. A channel is one programme: what goes in live, and the languages that come out.</p>`
              : html`<ul class="plain list">${channels.map((channel) => this.#row(channel))}</ul>`
        }
        ${
          this.adding || empty
            ? html`<new-channel-form .rest=${this.rest} ?cancellable=${!empty} @cancel=${() => this.#setAdding(false)}></new-channel-form>`
            : channels
              ? html`<p><button class="main" @click=${() => this.#setAdding(true)}>New channel</button></p>`
              : nothing
        }
      </main>
    </div>`;
  }

  #row(channel: ChannelView) {
    const languages = channel.renditions.map((one) => ownName(one.language)).join(', ');
    return html`<li class="card">
      <a class="title" href="/desk/${channel.id}">${channel.title}</a>
      ${stateTag(channel.state)}
      <span class="muted small">${ownName(channel.from)} → ${languages || 'no dub'}</span>
      <span class="muted small push">${channel.viewers} ${channel.viewers === 1 ? 'viewer' : 'viewers'}${channel.isPublic ? '' : ' · private'}</span>
    </li>`;
  }

  #setAdding(adding: boolean): void {
    this.adding = adding;
  }

  async #ask(): Promise<void> {
    try {
      const { channels } = await this.rest.get<{ channels: ChannelView[] }>('/v1/channels');
      this.channels = channels;
      this.problem = undefined;
    } catch (error) {
      this.problem = asProblem(error);
      if (this.problem.status === 401) refuse(this, this.problem);
    }
  }

  static override styles = [
    sharedStyles,
    css`
      .narrow {
        max-width: 56rem;
      }
      .list {
        display: grid;
        gap: 0.6rem;
      }
      .list li {
        position: relative;
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.3rem 1rem;
      }
      .list li:hover {
        border-color: var(--accent);
      }
      .title {
        font-weight: 600;
        color: var(--text);
        text-decoration: none;
        overflow-wrap: anywhere;
      }
      /* The whole row leads to the desk. */
      .title::after {
        content: '';
        position: absolute;
        inset: 0;
        border-radius: var(--radius);
      }
    `,
  ];
}

customElements.define('channel-list', ChannelList);
