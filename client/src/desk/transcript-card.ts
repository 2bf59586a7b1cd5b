import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import type { OperatorChannel } from '../../../server/live/contract.ts';
import { clock, ownName } from '../languages.ts';
import { sharedStyles } from '../ui/shared-styles.ts';
import type { TranscriptLine, TranscriptView } from './transcript.ts';

const OUTCOMES: Readonly<Record<string, string>> = {
  'skipped-lag': 'left out: too late',
  'skipped-held': 'left out: held',
  failed: 'left out: failed',
};

/** What is said and what it becomes, as it comes. */
export class TranscriptCard extends LitElement {
  static override properties = {
    channel: { attribute: false },
    transcript: { attribute: false },
    language: { state: true },
  };

  declare channel: OperatorChannel;
  declare transcript: TranscriptView | undefined;
  /** Translations that are shown; '' for the first language. */
  declare language: string;

  constructor() {
    super();
    this.language = '';
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('transcript')) return;
    const box = this.renderRoot.querySelector('.lines');
    // Whoever has scrolled up to read is left there.
    if (box && box.scrollHeight - box.scrollTop - box.clientHeight < 160) box.scrollTop = box.scrollHeight;
  }

  override render() {
    const { renditions } = this.channel;
    const language = renditions.some((one) => one.language === this.language)
      ? this.language
      : (renditions[0]?.language ?? '');
    const { lines = [], partial } = this.transcript ?? {};
    return html`<section class="card" aria-labelledby="said">
      <div class="row head">
        <h2 id="said">Transcript</h2>
        ${
          renditions.length > 1
            ? html`<select class="push" aria-label="Translations shown" @change=${this.#onLanguage}>
                ${renditions.map((one) => html`<option value=${one.language} ?selected=${one.language === language}>${ownName(one.language)}</option>`)}
              </select>`
            : nothing
        }
      </div>
      <div class="lines" tabindex="0" role="log" aria-live="off" aria-label="Transcript">
        ${lines.length === 0 && !partial ? html`<p class="muted">What is said appears here, with its translations once somebody wants them.</p>` : nothing}
        ${lines.map((line) => this.#line(line, language))}
        ${partial ? html`<p class="source" lang=${this.channel.from}>${partial.stable} <span class="unstable">${partial.unstable}</span></p>` : nothing}
      </div>
    </section>`;
  }

  #line(line: TranscriptLine, language: string) {
    const outcome = OUTCOMES[line.outcomes.get(language) ?? ''];
    const translation = line.translations.get(language);
    return html`<div class="line">
      <span class="time">${clock(line.startUs)}</span>
      <p class="source" lang=${this.channel.from}>${line.text}</p>
      ${translation ? html`<p class="translation" lang=${language}>${translation}</p>` : nothing}
      ${outcome ? html`<p class="bad small">${outcome}</p>` : nothing}
    </div>`;
  }

  readonly #onLanguage = (event: Event) => {
    this.language = (event.target as HTMLSelectElement).value;
  };

  static override styles = [
    sharedStyles,
    css`
      .head {
        margin-bottom: 0.5rem;
      }
      h2 {
        margin: 0 !important;
      }
      select {
        width: auto !important;
      }
      .lines {
        height: clamp(18rem, 62vh, 38rem);
        overflow-y: auto;
        overscroll-behavior: contain;
      }
      .line {
        display: grid;
        grid-template-columns: 3.2rem 1fr;
        gap: 0 0.6rem;
        padding: 0.3rem 0;
      }
      .line p {
        grid-column: 2;
        margin: 0;
      }
      .time {
        color: var(--muted);
        font-size: 0.8rem;
        line-height: 1.9;
        font-variant-numeric: tabular-nums;
      }
      .line .source {
        grid-row: 1;
      }
      .translation {
        color: var(--accent);
      }
      .lines > .source {
        margin: 0.3rem 0 0.3rem 3.8rem;
      }
      .unstable {
        color: var(--muted);
        opacity: 0.75;
      }
    `,
  ];
}

customElements.define('transcript-card', TranscriptCard);
