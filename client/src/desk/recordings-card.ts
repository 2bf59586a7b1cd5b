import { css, html, nothing } from 'lit';
import type { RecordingView } from '../../../server/live/contract.ts';
import { clock, ownName } from '../languages.ts';
import { icon } from '../ui/icons.ts';
import { DeskCard } from './desk-card.ts';

/** Recordings of the channel: begin, end, download. */
export class RecordingsCard extends DeskCard {
  override render() {
    const { recordings } = this.channel;
    const running = recordings.some((one) => one.state === 'recording');
    return html`<section class="card" aria-labelledby="recordings">
      <div class="row">
        <h2 id="recordings">Recordings</h2>
        <span class="push"></span>
        ${
          running
            ? html`<button class="danger" ?disabled=${this.busy} @click=${() => this.act('DELETE', this.path('/recordings/current'))}>Stop recording</button>`
            : html`<button ?disabled=${this.busy} @click=${() => this.act('POST', this.path('/recordings'))}>${icon('record')}Record</button>`
        }
      </div>
      ${
        recordings.length === 0
          ? html`<p class="muted small">A recording holds picture, original and every language, with captions; where lips are moved, a file with them, too.</p>`
          : html`<ul class="plain">${recordings.map((one) => this.#row(one))}</ul>`
      }
      ${this.problemLine()}
    </section>`;
  }

  #row(one: RecordingView) {
    const when = new Date(one.startedAt).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
    return html`<li>
      <div class="row">
        <span>${when}</span>
        <span class="muted small">${clock(one.durationMs * 1000)}</span>
        ${one.state === 'recording' ? html`<span class="state live">Recording</span>` : nothing}
        ${one.state === 'finishing' ? html`<span class="state">Being finished …</span>` : nothing}
      </div>
      ${one.error ? html`<p class="bad small">${one.error.message} ${one.error.remedy}</p>` : nothing}
      <div class="row">
        ${one.download ? html`<a class="plain" href=${this.#address(one.download)} download>MP4 with all languages</a>` : nothing}
        ${one.faces.map((face) => this.#face(face))}
        ${one.captions.map(
          (captions) => html`<span class="small muted">${ownName(captions.language)}:
            <a class="plain" href=${this.#address(captions.vtt)} download aria-label=${`Captions ${ownName(captions.language)}, VTT`}>VTT</a>
            <a class="plain" href=${this.#address(captions.srt)} download aria-label=${`Captions ${ownName(captions.language)}, SRT`}>SRT</a></span>`,
        )}
      </div>
    </li>`;
  }

  /** The file of one language whose lips were moved. */
  #face({ language, state, download, error }: RecordingView['faces'][number]) {
    const name = `${ownName(language)} with moved lips`;
    if (download) return html`<a class="plain" href=${this.#address(download)} download>${name}</a>`;
    if (state === 'failed')
      return html`<span class="bad small">${name}: not made. ${error?.message} ${error?.remedy}</span>`;
    return html`<span class="small muted">${name}: ${state === 'recording' ? 'recording' : 'being made …'}</span>`;
  }

  /** A download cannot send a header: the token goes into its address. */
  #address(path: string): string {
    const address = this.rest.address(path);
    if (this.rest.token) address.searchParams.set('token', this.rest.token);
    return address.href;
  }

  static override styles = [
    ...[DeskCard.styles].flat(),
    css`
      h2 {
        margin: 0 !important;
      }
      li {
        padding: 0.5rem 0;
      }
      li + li {
        border-top: 1px solid var(--line);
      }
      li .row {
        gap: 0.2rem 1rem;
      }
    `,
  ];
}

customElements.define('recordings-card', RecordingsCard);
