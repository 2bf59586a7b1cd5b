import { css, html, LitElement, nothing } from 'lit';
import type { LivePairs, RenditionSettings } from '../../../server/live/contract.ts';
import { byName, ownName } from '../languages.ts';
import { sharedStyles } from '../ui/shared-styles.ts';

type Pair = LivePairs['pairs'][number];

/**
 * Languages to dub into, each with a voice; only what the installed engines can do is offered. Tells a new choice as
 * `chosen` with the `RenditionSettings[]`.
 */
export class LanguageChoice extends LitElement {
  static override properties = {
    pairs: { attribute: false },
    from: {},
    chosen: { attribute: false },
  };

  /** undefined until they are known. */
  declare pairs: readonly Pair[] | undefined;
  /** Language spoken. */
  declare from: string;
  declare chosen: readonly RenditionSettings[];

  constructor() {
    super();
    this.from = 'en';
    this.chosen = [];
  }

  override render() {
    if (!this.pairs)
      return html`<p class="muted small" role="status">Looking which languages are installed …</p>`;
    const offered = this.pairs.filter((pair) => pair.from === this.from);
    if (offered.length === 0) {
      return html`<p class="small bad">No language can be dubbed from ${ownName(this.from)} with the installed engines. See <code>livedub models</code>.</p>`;
    }
    return html`<fieldset>
      <legend>Dub into</legend>
      <ul class="plain languages">${byName(offered, (pair) => pair.to).map((pair) => this.#language(pair))}</ul>
    </fieldset>`;
  }

  #language(pair: Pair) {
    const chosen = this.chosen.find((one) => one.language === pair.to);
    return html`<li>
      <label class="check"><input type="checkbox" .checked=${chosen !== undefined}
        @change=${(event: Event) => this.#choose(pair.to, (event.target as HTMLInputElement).checked, '')} />
        <span>${ownName(pair.to)} <span class="muted small">${pair.tier}</span></span></label>
      ${
        chosen === undefined || pair.voices.length === 0
          ? nothing
          : html`<select aria-label=${`Voice for ${ownName(pair.to)}`}
              @change=${(event: Event) => this.#choose(pair.to, true, (event.target as HTMLSelectElement).value)}>
              <option value="">Best that keeps up</option>
              ${pair.voices.map((one) => html`<option value=${one.id} ?selected=${one.id === chosen.voice}>${one.name}${one.slow ? ' (slow)' : ''}</option>`)}
            </select>`
      }
    </li>`;
  }

  #choose(language: string, wanted: boolean, voice: string): void {
    const known = this.chosen.find((one) => one.language === language);
    const choice: RenditionSettings = {
      language,
      face: known?.face ?? false,
      ...(voice ? { voice } : {}),
    };
    const others = (one: RenditionSettings) => (one.language === language ? choice : one);
    const detail = !wanted
      ? this.chosen.filter((one) => one.language !== language)
      : known
        ? this.chosen.map(others)
        : [...this.chosen, choice];
    this.dispatchEvent(new CustomEvent<RenditionSettings[]>('chosen', { detail }));
  }

  static override styles = [
    sharedStyles,
    css`
      .languages {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr));
        gap: 0 1.5rem;
      }
      .languages li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: 0.2rem 1rem;
      }
      .languages select {
        width: auto;
        max-width: 15rem;
      }
    `,
  ];
}

customElements.define('language-choice', LanguageChoice);
