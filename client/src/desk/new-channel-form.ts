import { css, html, LitElement, nothing } from 'lit';
import type {
  LivePairs,
  NewChannel,
  OperatorChannel,
  RenditionSettings,
} from '../../../server/live/contract.ts';
import { byName, ownName } from '../languages.ts';
import { asProblem, type LiveProblem } from '../sdk/problem.ts';
import type { RestClient } from '../sdk/rest-client.ts';
import { problemBox } from '../ui/parts.ts';
import { sharedStyles } from '../ui/shared-styles.ts';
import { refuse } from './desk-card.ts';
import './language-choice.ts';

type Pair = LivePairs['pairs'][number];

/** Makes a channel: only what can be dubbed with the installed engines is offered. */
export class NewChannelForm extends LitElement {
  static override properties = {
    rest: { attribute: false },
    cancellable: { type: Boolean },
    pairs: { state: true },
    from: { state: true },
    chosen: { state: true },
    delayMs: { state: true },
    problem: { state: true },
    busy: { state: true },
  };

  declare rest: RestClient;
  declare cancellable: boolean;
  declare pairs: readonly Pair[] | undefined;
  declare from: string;
  declare chosen: readonly RenditionSettings[];
  declare delayMs: number;
  declare problem: LiveProblem | undefined;
  declare busy: boolean;

  constructor() {
    super();
    this.cancellable = false;
    this.from = 'en';
    this.chosen = [];
    this.delayMs = 6000;
    this.busy = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#ask();
  }

  override render() {
    const sources = byName([...new Set(this.pairs?.map((pair) => pair.from))], (code) => code);
    return html`<form class="card grid" @submit=${this.#submit}>
      <h2>New channel</h2>
      <label class="field">Title<input name="title" required maxlength="120" pattern=".*\\S.*" title="A few words" autocomplete="off" /></label>
      <label class="field">Language spoken
        <select @change=${(event: Event) => this.#setFrom((event.target as HTMLSelectElement).value)}>
          ${sources.map((code) => html`<option value=${code} ?selected=${code === this.from}>${ownName(code)}</option>`)}
        </select>
      </label>
      <language-choice .pairs=${this.pairs} .from=${this.from} .chosen=${this.chosen}
        @chosen=${(event: CustomEvent<RenditionSettings[]>) => this.#choose(event.detail)}></language-choice>
      <label class="field">Delay of “in sync”: ${this.delayMs / 1000} s behind live
        <input type="range" min="2000" max="15000" step="500" .value=${String(this.delayMs)}
          aria-valuetext=${`${this.delayMs / 1000} seconds`}
          @input=${(event: Event) => this.#setDelay(Number((event.target as HTMLInputElement).value))} />
      </label>
      <div class="checks">
        <label class="check"><input type="checkbox" name="isPublic" checked />Anyone with the address may watch</label>
        <label class="check"><input type="checkbox" name="record" />Record, with all languages</label>
        <label class="check"><input type="checkbox" name="listeners" />Also take SRT and RTMP</label>
      </div>
      <details>
        <summary>More</summary>
        <div class="grid">
          <label class="field">Name in addresses (a-z, 0-9 and -; made up when empty)
            <input name="id" pattern="[a-z0-9][a-z0-9\\-]{2,39}" autocomplete="off" spellcheck="false" />
          </label>
          <label class="field">What is dubbed
            <select name="dubbingSource">
              <option value="programme">The programme’s sound</option>
              <option value="speech">A second track of clean speech; the programme is background</option>
            </select>
          </label>
        </div>
      </details>
      ${problemBox(this.problem)}
      <div class="row">
        <button class="main" ?disabled=${this.busy}>Make the channel</button>
        ${this.cancellable ? html`<button type="button" @click=${this.#cancel}>Cancel</button>` : nothing}
      </div>
    </form>`;
  }

  #setFrom(from: string): void {
    this.from = from;
    this.chosen = [];
  }

  #setDelay(delayMs: number): void {
    this.delayMs = delayMs;
  }

  #choose(chosen: readonly RenditionSettings[]): void {
    this.chosen = chosen;
  }

  async #ask(): Promise<void> {
    try {
      this.pairs = (await this.rest.get<LivePairs>('/v1/live/languages')).pairs;
      if (!this.pairs.some((pair) => pair.from === this.from)) this.from = this.pairs[0]?.from ?? 'en';
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  readonly #cancel = () => this.dispatchEvent(new CustomEvent('cancel'));

  readonly #submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const id = String(form.get('id') ?? '').trim();
    const order: NewChannel = {
      title: String(form.get('title')),
      from: this.from,
      languages: [...this.chosen],
      delayMs: this.delayMs,
      isPublic: form.has('isPublic'),
      record: form.has('record'),
      listeners: form.has('listeners'),
      dubbingSource: form.get('dubbingSource') === 'speech' ? 'speech' : 'programme',
      ...(id ? { id } : {}),
    };
    this.busy = true;
    this.problem = undefined;
    try {
      const channel = await this.rest.send<OperatorChannel>('POST', '/v1/channels', order);
      location.assign(`/desk/${channel.id}`);
    } catch (error) {
      this.problem = asProblem(error);
      if (this.problem.status === 401) refuse(this, this.problem);
      this.busy = false;
    }
  };

  static override styles = [
    sharedStyles,
    css`
      h2 {
        margin: 0;
      }
      .checks {
        display: flex;
        flex-wrap: wrap;
        gap: 0 1.5rem;
      }
    `,
  ];
}

customElements.define('new-channel-form', NewChannelForm);
