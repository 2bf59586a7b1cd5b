import { html, nothing } from 'lit';
import { ownName } from '../languages.ts';
import { DeskCard } from './desk-card.ts';
import { glossaryText, readGlossary, termLines } from './terms-text.ts';

/** What the server takes of a glossary, and of terms that stay. */
const MAX_TERMS = 200;

/** Delay, glossary and terms that stay as they are; all act on what is said next. */
export class SettingsCard extends DeskCard {
  static override properties = {
    ...DeskCard.properties,
    delayMs: { state: true },
    language: { state: true },
    told: { state: true },
  };

  /** While the slider is moved. */
  declare delayMs: number | undefined;
  declare language: string;
  declare told: string;

  constructor() {
    super();
    this.language = '';
    this.told = '';
  }

  override render() {
    const { settings, renditions } = this.channel;
    const delayMs = this.delayMs ?? this.channel.delayMs;
    const language = this.#language;
    return html`<section class="card grid" aria-labelledby="settings">
      <h2 id="settings">While it runs</h2>
      <label class="field">Delay of “in sync”: ${delayMs / 1000} s behind live
        <input type="range" min="2000" max="15000" step="500" .value=${String(delayMs)}
          aria-valuetext=${`${delayMs / 1000} seconds`} @input=${this.#onDelay} @change=${this.#saveDelay} />
      </label>
      <form class="grid" @submit=${this.#saveTerms}>
        ${
          language
            ? html`<div class="field">
                <span class="row"><label for="glossary">Glossary for</label>
                  <select aria-label="Language of the glossary" @change=${this.#onLanguage}>
                    ${renditions.map((one) => html`<option value=${one.language} ?selected=${one.language === language}>${ownName(one.language)}</option>`)}
                  </select></span>
                <textarea id="glossary" name="glossary" spellcheck="false" placeholder="board = junta"
                  .value=${glossaryText(settings.glossary, language)}></textarea>
                <span class="small">One term a line: as it is said = as it shall be.</span>
              </div>`
            : nothing
        }
        <label class="field">Names and terms that stay as they are
          <textarea name="keep" spellcheck="false" placeholder="One a line" .value=${settings.doNotTranslate.join('\n')}></textarea>
        </label>
        <div class="row">
          <button ?disabled=${this.busy}>Save terms</button>
          <span role="status" class="small muted">${this.told}</span>
        </div>
      </form>
      ${this.problemLine()}
    </section>`;
  }

  get #language(): string {
    const { renditions } = this.channel;
    return renditions.some((one) => one.language === this.language)
      ? this.language
      : (renditions[0]?.language ?? '');
  }

  readonly #onLanguage = (event: Event) => {
    this.language = (event.target as HTMLSelectElement).value;
  };

  readonly #onDelay = (event: Event) => {
    this.delayMs = Number((event.target as HTMLInputElement).value);
  };

  readonly #saveDelay = async () => {
    await this.act('PATCH', this.path(), { delayMs: this.delayMs });
    this.delayMs = undefined;
  };

  readonly #saveTerms = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const language = this.#language;
    const others = this.channel.settings.glossary.filter((one) => one.language !== language);
    const { entries, wrong } = readGlossary(String(form.get('glossary') ?? ''), language);
    if (wrong.length > 0) {
      this.told = `Not “term = term”: ${wrong.join(', ')}`;
      return;
    }
    const keep = termLines(String(form.get('keep') ?? ''));
    if (others.length + entries.length > MAX_TERMS || keep.length > MAX_TERMS) {
      this.told = `At most ${MAX_TERMS} terms, of all languages together.`;
      return;
    }
    const saved = await this.act('PATCH', this.path(), {
      ...(language ? { glossary: [...others, ...entries] } : {}),
      doNotTranslate: keep,
    });
    this.told = saved ? 'Saved: acts on the next clause.' : '';
  };
}

customElements.define('settings-card', SettingsCard);
