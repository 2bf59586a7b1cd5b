import { css, html, LitElement, nothing } from 'lit';
import type { DeskEvent, IngestHealth, Notice, OperatorChannel } from '../../../server/live/contract.ts';
import { ownName } from '../languages.ts';
import { asProblem, type LiveProblem } from '../sdk/problem.ts';
import type { RestClient } from '../sdk/rest-client.ts';
import { icon } from '../ui/icons.ts';
import { brand, problemBox, stateTag } from '../ui/parts.ts';
import { sharedStyles } from '../ui/shared-styles.ts';
import { refuse } from './desk-card.ts';
import { DeskSocket } from './desk-socket.ts';
import { dialogStyles } from './dialog-styles.ts';
import './health-card.ts';
import './languages-card.ts';
import './publish-card.ts';
import './recordings-card.ts';
import './settings-card.ts';
import './setup-card.ts';
import './share-card.ts';
import './transcript-card.ts';
import { addToTranscript, type TranscriptView } from './transcript.ts';

const KEPT_NOTICES = 4;
const NOTICE_LASTS_MS = 30_000;

/** The desk of one channel. */
export class ChannelDesk extends LitElement {
  static override properties = {
    rest: { attribute: false },
    channel: {},
    view: { state: true },
    health: { state: true },
    transcript: { state: true },
    lagMs: { state: true },
    notices: { state: true },
    connected: { state: true },
    problem: { state: true },
  };

  declare rest: RestClient;
  /** Id. */
  declare channel: string;
  declare view: OperatorChannel | undefined;
  declare health: IngestHealth | undefined;
  declare transcript: TranscriptView | undefined;
  declare lagMs: Readonly<Record<string, number>>;
  declare notices: readonly Notice[];
  declare connected: boolean;
  declare problem: LiveProblem | undefined;
  #socket: DeskSocket | undefined;

  constructor() {
    super();
    this.lagMs = {};
    this.notices = [];
    this.connected = true;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener('channel', this.#onChanged);
    void this.#open();
  }

  override disconnectedCallback(): void {
    this.removeEventListener('channel', this.#onChanged);
    this.#socket?.close();
    super.disconnectedCallback();
  }

  override render() {
    const { view, rest } = this;
    return html`<div class="page">
      <header class="top">
        ${brand()}
        <h1>${view?.title ?? this.channel}</h1>
        ${view ? html`${stateTag(view.state)}<span class="muted small">${summary(view)}</span>` : nothing}
        <nav><a class="plain" href="/desk">All channels</a><a class="plain" href="/verify">Check a clip</a></nav>
      </header>
      ${this.connected ? nothing : html`<p class="problem" role="status">The server does not answer. This page comes back by itself when it does.</p>`}
      ${problemBox(this.problem)}
      <div class="notices" role="status" aria-live="polite">
        ${this.notices.map((one) => html`<p class="notice ${one.level}">${one.language ? `${ownName(one.language)}: ` : ''}${one.message}</p>`)}
      </div>
      ${
        view
          ? html`<main class="columns">
              <div class="column">
                <publish-card .channel=${view} .rest=${rest}></publish-card>
                <health-card .health=${this.health}></health-card>
                <share-card .channel=${view} .rest=${rest}></share-card>
              </div>
              <div class="column">
                <transcript-card .channel=${view} .transcript=${this.transcript}></transcript-card>
                <recordings-card .channel=${view} .rest=${rest}></recordings-card>
              </div>
              <div class="column">
                <languages-card .channel=${view} .rest=${rest} .lagMs=${this.lagMs}></languages-card>
                <settings-card .channel=${view} .rest=${rest}></settings-card>
                <setup-card .channel=${view} .rest=${rest}></setup-card>
                <div class="end"><button class="danger" @click=${this.#askDelete}>${icon('bin')}Delete channel …</button></div>
              </div>
            </main>
            <dialog aria-labelledby="delete">
              <h2 id="delete">Delete “${view.title}”?</h2>
              <p>Ends the programme for everybody and deletes the channel with its recordings. This cannot be undone.</p>
              <form method="dialog" class="row">
                <button value="" autofocus>Keep it</button>
                <button value="delete" class="danger" @click=${this.#delete}>Delete</button>
              </form>
            </dialog>`
          : this.problem
            ? nothing
            : html`<p class="muted" role="status">Loading …</p>`
      }
    </div>`;
  }

  async #open(): Promise<void> {
    try {
      // Over HTTP first: a WebSocket does not say why it is refused.
      this.view = await this.rest.get<OperatorChannel>(`/v1/channels/${this.channel}`);
      if (!('settings' in this.view)) {
        this.view = undefined;
        refuse(this, asProblem(new Error('A token with the scope “manage” is needed for this desk.')));
        return;
      }
    } catch (error) {
      this.problem = asProblem(error);
      if (this.problem.status === 401 || this.problem.status === 403) refuse(this, this.problem);
      return;
    }
    this.#socket = new DeskSocket({
      rest: this.rest,
      channelId: this.channel,
      onEvent: (event) => this.#take(event),
      onConnection: (connected) => {
        this.connected = connected;
      },
    });
  }

  #take(event: DeskEvent): void {
    switch (event.kind) {
      case 'channel':
        if (this.view?.startedAt !== event.channel.startedAt) this.transcript = undefined;
        this.view = event.channel;
        document.title = `${event.channel.title} · desk · livedub`;
        break;
      case 'health':
        this.health = event.health;
        break;
      case 'tick':
        this.lagMs = event.lagMs;
        break;
      case 'notice':
        this.#notify(event);
        break;
      default:
        this.transcript = addToTranscript(this.transcript, event);
    }
  }

  #notify(notice: Notice): void {
    // The same again says nothing new, and lasts longer.
    const same = (one: Notice) => one.message === notice.message && one.language === notice.language;
    this.notices = [...this.notices.filter((one) => !same(one)), notice].slice(-KEPT_NOTICES);
    setTimeout(() => {
      this.notices = this.notices.filter((one) => one !== notice);
    }, NOTICE_LASTS_MS);
  }

  readonly #onChanged = (event: Event) => {
    this.view = (event as CustomEvent<OperatorChannel>).detail;
  };

  readonly #askDelete = () => this.renderRoot.querySelector('dialog')?.showModal();

  readonly #delete = async () => {
    try {
      await this.rest.send('DELETE', `/v1/channels/${this.channel}`);
      location.assign('/desk');
    } catch (error) {
      this.problem = asProblem(error);
    }
  };

  static override styles = [
    sharedStyles,
    dialogStyles,
    css`
      .page {
        max-width: 90rem;
      }
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 1fr) minmax(0, 1.25fr) minmax(0, 1fr);
        gap: 1rem;
        align-items: start;
      }
      .column {
        display: grid;
        gap: 1rem;
        min-width: 0;
      }
      .end {
        justify-self: end;
      }
      .notice {
        margin: 0 0 0.6rem;
        padding: 0.5rem 1rem;
        border-radius: 10px;
        background: var(--accent-soft);
      }
      .notice.warning {
        color: var(--bad);
        background: var(--bad-soft);
      }
      @media (max-width: 72rem) {
        .columns {
          grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
        }
        .column:nth-child(2) {
          grid-column: 2;
          grid-row: 1 / span 2;
        }
      }
      @media (max-width: 46rem) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
        .column:nth-child(2) {
          grid-column: 1;
          grid-row: auto;
        }
      }
    `,
  ];
}

function summary(view: OperatorChannel): string {
  const viewers = `${view.viewers} ${view.viewers === 1 ? 'viewer' : 'viewers'}`;
  return `${ownName(view.from)} · ${viewers}${view.isPublic ? '' : ' · private'}`;
}

customElements.define('channel-desk', ChannelDesk);
