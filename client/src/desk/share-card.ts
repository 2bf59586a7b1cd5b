import { html, nothing } from 'lit';
import '../ui/copy-field.ts';
import { asProblem } from '../sdk/problem.ts';
import { icon } from '../ui/icons.ts';
import { embedSnippet } from '../ui/parts.ts';
import { DeskCard } from './desk-card.ts';

const HOURS: readonly (readonly [number, string])[] = [
  [4, '4 hours'],
  [24, 'a day'],
  [24 * 7, 'a week'],
  [24 * 30, '30 days'],
];

/** How others watch: link, private link, embed code, WHEP. */
export class ShareCard extends DeskCard {
  static override properties = { ...DeskCard.properties, privateLink: { state: true } };

  declare privateLink: string | undefined;
  #hours = 24;

  override render() {
    const { watch, isPublic, id } = this.channel;
    return html`<section class="card grid" aria-labelledby="share">
      <h2 id="share">Watch</h2>
      <copy-field label=${isPublic ? 'Link for viewers' : 'Link (viewers need a token besides)'} .value=${watch.page}></copy-field>
      <div class="row">
        <a class="button" href=${this.privateLink ?? watch.page} target="_blank" rel="noopener">${icon('open')}Open</a>
        <label class="check"><input type="checkbox" .checked=${isPublic} ?disabled=${this.busy}
          @change=${() => this.act('PATCH', this.path(), { isPublic: !isPublic })} />Anyone with the address may watch</label>
      </div>
      ${isPublic ? nothing : this.#private()}
      <details>
        <summary>Embed, and other players</summary>
        <div class="grid">
          <copy-field label="Embed code" .value=${embedSnippet(this.rest.address('/').origin, id)}></copy-field>
          <copy-field label="WHEP address (?lang=es&mode=interpret for a dub)" .value=${watch.whep}></copy-field>
        </div>
      </details>
      ${this.problemLine()}
    </section>`;
  }

  #private() {
    return html`<div class="row">
        <label class="field">Private link that lasts
          <select @change=${(event: Event) => {
            this.#hours = Number((event.target as HTMLSelectElement).value);
          }}>
            ${HOURS.map(([hours, text]) => html`<option value=${hours} ?selected=${hours === this.#hours}>${text}</option>`)}
          </select>
        </label>
        <button ?disabled=${this.busy} @click=${this.#makeLink}>Make a private link</button>
      </div>
      ${this.privateLink ? html`<copy-field label="Private link: whoever has it may watch" .value=${this.privateLink}></copy-field>` : nothing}`;
  }

  readonly #makeLink = async () => {
    this.busy = true;
    this.problem = undefined;
    try {
      const { token } = await this.rest.send<{ token: string }>('POST', '/v1/tokens', {
        scope: ['watch'],
        channel: this.channel.id,
        expiresInSeconds: this.#hours * 3600,
      });
      this.privateLink = `${this.channel.watch.page}#token=${token}`;
    } catch (error) {
      this.problem = asProblem(error);
    } finally {
      this.busy = false;
    }
  };
}

customElements.define('share-card', ShareCard);
