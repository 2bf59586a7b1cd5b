import { css, html, nothing } from 'lit';
import type { RenditionControl, RenditionView } from '../../../server/live/contract.ts';
import { faceText } from '../face-text.ts';
import { ownName } from '../languages.ts';
import { DeskCard } from './desk-card.ts';

const CONTROLS: readonly (readonly [RenditionControl, string, string])[] = [
  ['on', 'On', 'The dub runs'],
  ['mute', 'Mute', 'The voice is silent at once; captions go on'],
  ['hold', 'Hold', 'The voice ends after what it says now; what is said meanwhile is left out'],
  ['stop', 'Stop', 'Nothing is made for this language'],
];

const STATES: Readonly<Record<RenditionView['state'], string>> = {
  idle: 'nobody listens, nothing is made',
  active: 'being made',
  off: 'no dubbing at this moment',
};

/** What is made of a language now; an order of the desk comes before demand. */
function stateText({ control, state }: RenditionView): string {
  if (state === 'off') return STATES.off;
  if (control === 'stop') return 'stopped, nothing is made';
  if (control === 'hold') return 'held, the original is heard';
  if (control === 'mute' && state === 'active') return 'muted, captions go on';
  return STATES[state];
}

/** Each language: who listens, how far the voice trails, and what the desk does to it at once. */
export class LanguagesCard extends DeskCard {
  static override properties = { ...DeskCard.properties, lagMs: { attribute: false } };

  /** From the last tick, by language. */
  declare lagMs: Readonly<Record<string, number>>;

  override render() {
    const { renditions, dub, state } = this.channel;
    return html`<section class="card" aria-labelledby="languages">
      <h2 id="languages">Languages</h2>
      ${dub === 'starting' ? html`<p class="muted small" role="status">The dubbing engines are being loaded …</p>` : nothing}
      ${dub === 'off' && state === 'live' && renditions.length > 0 ? html`<p class="bad small" role="alert">Dubbing is off at this moment. The original goes on.</p>` : nothing}
      ${renditions.length === 0 ? html`<p class="muted">This channel is not dubbed.</p>` : nothing}
      <ul class="plain">${renditions.map((one) => this.#row(one))}</ul>
      ${renditions.length === 0 ? nothing : this.#consent()}
      ${
        renditions.length === 0
          ? nothing
          : html`<p class="muted small marks">Every dubbed voice carries a watermark, and so does a picture whose lips are moved.
              The picture as filmed is passed on as it comes and has none. <a href="/verify" target="_blank" rel="noopener">Check a clip</a></p>`
      }
      ${this.problemLine()}
    </section>`;
  }

  #row(one: RenditionView) {
    const lagMs = this.lagMs?.[one.language] ?? one.lagMs;
    const name = ownName(one.language);
    const isOn = this.channel.settings.languages.some(
      ({ language, face }) => language === one.language && face,
    );
    return html`<li>
      <div class="row">
        <strong>${name}</strong>
        ${one.tier ? html`<span class="muted small">${one.tier}</span>` : nothing}
        <span class="muted small push">${one.viewers} ${one.viewers === 1 ? 'listener' : 'listeners'}</span>
      </div>
      <p class="small muted">${this.channel.state === 'live' ? stateText(one) : 'not on air'}${one.voice ? ` · voice ${one.voice}` : ''}</p>
      ${one.degraded ? html`<p class="small bad">${one.degraded}</p>` : nothing}
      <div class="lag">
        <meter min="0" max="8" low="4" high="6" optimum="1" .value=${(lagMs ?? 0) / 1000} aria-label=${`Lag of ${name}`}></meter>
        <span class="small">${lagMs === undefined ? 'lag –' : `${(lagMs / 1000).toFixed(1)} s behind`}</span>
      </div>
      <div class="controls" role="group" aria-label=${name}>
        ${CONTROLS.map(
          ([control, text, title]) =>
            html`<button title=${title} aria-pressed=${one.control === control} ?disabled=${this.busy}
              @click=${() => this.act('POST', this.path(`/languages/${one.language}`), { control })}>${text}</button>`,
        )}
      </div>
      <label class="check"><input type="checkbox" .checked=${isOn} ?disabled=${this.busy}
          @change=${(event: Event) => this.#switchFace(event, one.language)} />Move lips to the dub, in sync</label>
      ${isOn && this.channel.state !== 'interrupted' ? html`<p class="small muted">${faceText(one.face)}</p>` : nothing}
    </li>`;
  }

  #consent() {
    const { faceConsent, languages } = this.channel.settings;
    const isAsked = languages.some(({ face }) => face);
    return html`<div class="consent">
      <label class="check"><input type="checkbox" .checked=${faceConsent} ?disabled=${this.busy} @change=${this.#setConsent} />
        <span>I have the consent of the people shown to move their lips</span></label>
      ${isAsked && !faceConsent ? html`<p class="small bad">Without it everybody stays as filmed.</p>` : nothing}
    </div>`;
  }

  readonly #setConsent = (event: Event) =>
    this.#save(event, (faceConsent) => this.act('PATCH', this.path(), { faceConsent }));

  #switchFace(event: Event, language: string): Promise<void> {
    return this.#save(event, (on) => this.act('POST', this.path(`/languages/${language}/face`), { on }));
  }

  /** A box that could not be saved shows what still is. */
  async #save(event: Event, save: (checked: boolean) => Promise<boolean>): Promise<void> {
    const box = event.target as HTMLInputElement;
    if (!(await save(box.checked))) box.checked = !box.checked;
  }

  static override styles = [
    ...[DeskCard.styles].flat(),
    css`
      .marks {
        margin-top: 0.9rem;
      }
      li + li {
        margin-top: 0.9rem;
        padding-top: 0.9rem;
        border-top: 1px solid var(--line);
      }
      li p {
        margin: 0.1rem 0;
      }
      .lag {
        display: grid;
        grid-template-columns: 1fr 6.5rem;
        align-items: center;
        gap: 0.7rem;
        margin: 0.3rem 0 0.5rem;
        font-variant-numeric: tabular-nums;
      }
      .lag span {
        text-align: end;
      }
      meter {
        width: 100%;
        height: 0.8rem;
      }
      .controls {
        display: grid;
        grid-template-columns: repeat(4, 1fr);
        gap: 0.4rem;
      }
      li .check,
      .consent {
        margin-top: 0.4rem;
      }
      .consent {
        margin-top: 0.9rem;
        padding-top: 0.6rem;
        border-top: 1px solid var(--line);
      }
      .consent p {
        margin: 0.1rem 0;
      }
      .controls button {
        padding: 0.4rem;
      }
    `,
  ];
}

customElements.define('languages-card', LanguagesCard);
