import { html, nothing } from 'lit';
import type { ChannelPatch, LivePairs, RenditionSettings } from '../../../server/live/contract.ts';
import { asProblem } from '../sdk/problem.ts';
import { DeskCard } from './desk-card.ts';
import './language-choice.ts';

/** What was chosen when the channel was made, and can be changed: title, languages and voices, source, recording, listeners. */
export class SetupCard extends DeskCard {
  static override properties = {
    ...DeskCard.properties,
    pairs: { state: true },
    chosen: { state: true },
    told: { state: true },
  };

  declare pairs: LivePairs['pairs'] | undefined;
  /** Languages as they are chosen here; undefined until something is changed. */
  declare chosen: readonly RenditionSettings[] | undefined;
  declare told: string;

  constructor() {
    super();
    this.told = '';
  }

  override render() {
    const { settings } = this.channel;
    const onAir = this.channel.state !== 'idle';
    return html`<section class="card grid" aria-labelledby="setup">
      <details @toggle=${this.#onToggle}>
        <summary><h2 id="setup">Channel</h2></summary>
        <form class="grid" @submit=${this.#save}>
          <label class="field">Title
            <input name="title" required maxlength="120" pattern=".*\\S.*" title="A few words" autocomplete="off" .value=${settings.title} />
          </label>
          <language-choice .pairs=${this.pairs} .from=${settings.from} .chosen=${this.chosen ?? settings.languages}
            @chosen=${this.#onChosen}></language-choice>
          <label class="field">What is dubbed${onAir ? ' (not to be changed on air)' : ''}
            <select name="dubbingSource" ?disabled=${onAir}>
              <option value="programme" ?selected=${settings.dubbingSource === 'programme'}>The programme’s sound</option>
              <option value="speech" ?selected=${settings.dubbingSource === 'speech'}>A second track of clean speech</option>
            </select>
          </label>
          <label class="check"><input type="checkbox" name="record" .checked=${settings.record} />Record every programme</label>
          <label class="check"><input type="checkbox" name="listeners" .checked=${settings.listeners} />Also take SRT and RTMP</label>
          ${onAir ? html`<p class="small muted">On air, other languages or voices interrupt all dubs for some seconds.</p>` : nothing}
          <div class="row">
            <button ?disabled=${this.busy}>Save</button>
            <span role="status" class="small muted">${this.told}</span>
          </div>
        </form>
      </details>
      ${this.problemLine()}
    </section>`;
  }

  readonly #onToggle = async (event: Event) => {
    if (!(event.target as HTMLDetailsElement).open || this.pairs) return;
    try {
      this.pairs = (await this.rest.get<LivePairs>('/v1/live/languages')).pairs;
    } catch (error) {
      this.problem = asProblem(error);
    }
  };

  readonly #onChosen = (event: CustomEvent<RenditionSettings[]>) => {
    this.chosen = event.detail;
    this.told = '';
  };

  /** Sends what differs only: whatever is sent is done anew. */
  readonly #save = async (event: SubmitEvent) => {
    event.preventDefault();
    const { settings } = this.channel;
    const form = new FormData(event.target as HTMLFormElement);
    const wished: Required<
      Pick<ChannelPatch, 'title' | 'languages' | 'dubbingSource' | 'record' | 'listeners'>
    > = {
      title: String(form.get('title')).trim(),
      // Faces are switched elsewhere, at once.
      languages: (this.chosen ?? settings.languages).map(withoutFace),
      dubbingSource:
        (form.get('dubbingSource') ?? settings.dubbingSource) === 'speech' ? 'speech' : 'programme',
      record: form.has('record'),
      listeners: form.has('listeners'),
    };
    const kept = { ...settings, languages: settings.languages.map(withoutFace) };
    const changed = Object.entries(wished).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(kept[key as keyof typeof wished]),
    );
    if (changed.length === 0) {
      this.told = 'Nothing has changed.';
      return;
    }
    const saved = await this.act('PATCH', this.path(), Object.fromEntries(changed));
    if (saved) this.chosen = undefined;
    this.told = saved ? 'Saved.' : '';
  };
}

function withoutFace({ face: _face, ...language }: RenditionSettings) {
  return language;
}

customElements.define('setup-card', SetupCard);
