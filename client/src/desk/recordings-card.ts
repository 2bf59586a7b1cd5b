import { css, html, nothing } from 'lit';
import type { RecordingView } from '../../../server/live/contract.ts';
import { clock, ownName } from '../languages.ts';
import { icon } from '../ui/icons.ts';
import { DeskCard } from './desk-card.ts';
import { dialogStyles } from './dialog-styles.ts';

type Face = RecordingView['faces'][number];

/** A file with moved lips in less of it says in how much. */
const MOSTLY = 0.8;

/** What is to be deleted, once that is confirmed. */
interface Doomed {
  readonly title: string;
  readonly text: string;
  /** Address below the channel's. */
  readonly path: string;
}

/** Recordings of the channel: begin, end, download, try again, delete. */
export class RecordingsCard extends DeskCard {
  static override properties = { ...DeskCard.properties, doomed: { state: true } };

  declare doomed: Doomed | undefined;

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
      <dialog aria-labelledby="delete">
        <h2 id="delete">${this.doomed?.title}</h2>
        <p>${this.doomed?.text} This cannot be undone.</p>
        <form method="dialog" class="row">
          <button value="" autofocus>Keep it</button>
          <button value="delete" class="danger" @click=${this.#delete}>Delete</button>
        </form>
      </dialog>
    </section>`;
  }

  #row(one: RecordingView) {
    const when = new Date(one.startedAt).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
    const path = `/recordings/${one.id}`;
    const doomed = { title: `Delete the recording of ${when}?`, text: 'All of its files are deleted.', path };
    return html`<li>
      <div class="head">
        <div class="row">
          <span>${when}</span>
          <span class="muted small">${clock(one.durationMs * 1000)}</span>
          ${one.state === 'recording' ? html`<span class="state live">Recording</span>` : nothing}
          ${one.state === 'finishing' ? html`<span class="state">${one.filesAhead ? waits(one.filesAhead) : 'Being finished …'}</span>` : nothing}
        </div>
        ${one.state === 'recording' ? nothing : this.#bin(`Delete the recording of ${when} …`, doomed)}
      </div>
      ${one.error ? html`<p class="bad small">${one.error.message} ${one.error.remedy}</p>` : nothing}
      <div class="row">
        ${one.download ? html`<a class="plain" href=${this.#address(one.download)} download>MP4 with all languages</a>` : nothing}
        ${one.faces.map((face) => this.#face(one, face))}
        ${one.captions.map(
          (captions) => html`<span class="small muted">${ownName(captions.language)}:
            <a class="plain" href=${this.#address(captions.vtt)} download aria-label=${`Captions ${ownName(captions.language)}, VTT`}>VTT</a>
            <a class="plain" href=${this.#address(captions.srt)} download aria-label=${`Captions ${ownName(captions.language)}, SRT`}>SRT</a></span>`,
        )}
        ${
          mayBeMadeNow(one)
            ? html`<button ?disabled=${this.busy} @click=${() => this.act('POST', this.path(`${path}/retry`))}>Try again</button>`
            : nothing
        }
      </div>
    </li>`;
  }

  /** The file of one language whose lips were moved. */
  #face(one: RecordingView, { language, state, download, movedMs, error }: Face) {
    const name = `${ownName(language)} with moved lips`;
    const path = `/recordings/${one.id}/recording.${language}.face.mp4`;
    const rest = 'everything else of the recording stays.';
    if (download) {
      const doomed = { title: `Delete “${name}”?`, text: `This file is deleted; ${rest}`, path };
      return html`<span class="file"><a class="plain" href=${this.#address(download)} download>${name}</a>
        ${movedMs !== undefined && movedMs < MOSTLY * one.durationMs ? html`<span class="small muted">${clock(movedMs * 1000)} of it</span>` : nothing}
        ${isMade(one) ? nothing : this.#bin(`Delete ${name} …`, doomed)}</span>`;
    }
    if (state === 'failed' && one.state === 'failed')
      return html`<span class="small muted">${name}: not made</span>`;
    if (state === 'failed') {
      const text = `What the file was to be made of is deleted; ${rest}`;
      const doomed = { title: `Give up “${name}”?`, text, path };
      return html`<span class="bad small">${name}: not made. ${error?.message} ${error?.remedy}
        ${isMade(one) ? nothing : html`<button @click=${() => this.#ask(doomed)}>Give up …</button>`}</span>`;
    }
    const making = one.filesAhead ? waits(one.filesAhead).toLowerCase() : 'being made …';
    return html`<span class="small muted">${name}: ${state === 'recording' ? 'recording' : making}</span>`;
  }

  #bin(label: string, doomed: Doomed) {
    return html`<button class="bin" aria-label=${label} title="Delete …" @click=${() => this.#ask(doomed)}>${icon('bin')}</button>`;
  }

  #ask(doomed: Doomed): void {
    this.doomed = doomed;
    this.renderRoot.querySelector('dialog')?.showModal();
  }

  readonly #delete = () => {
    if (this.doomed) void this.act('DELETE', this.path(this.doomed.path));
  };

  /** A download cannot send a header: the token goes into its address. */
  #address(path: string): string {
    const address = this.rest.address(path);
    if (this.rest.token) address.searchParams.set('token', this.rest.token);
    return address.href;
  }

  static override styles = [
    ...[DeskCard.styles].flat(),
    dialogStyles,
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
      .head {
        display: flex;
        align-items: center;
        gap: 0.5rem;
      }
      .head .row {
        flex: 1;
      }
      .file {
        display: flex;
        align-items: center;
        gap: 0.4rem;
      }
      .bin {
        background: none;
        border-color: transparent;
      }
      li .row {
        gap: 0.2rem 1rem;
      }
    `,
  ];
}

/** Whether something of it was not made that may be now. What is unreadable stays so. */
function mayBeMadeNow(one: RecordingView): boolean {
  const { state, error, faces } = one;
  if (isMade(one)) return false;
  const whys = [state === 'failed' ? error : undefined, ...faces.map((face) => face.error)];
  return whys.some((why) => why !== undefined && why.code !== 'LIVEDUB_E_INPUT_UNREADABLE');
}

/** Whether files of it are made, or wait for that; nothing can be asked of it meanwhile but to be deleted. */
function isMade({ state, faces }: RecordingView): boolean {
  return state === 'finishing' || faces.some((face) => face.state === 'finishing');
}

function waits(files: number): string {
  return `Waits for ${files} other ${files === 1 ? 'file' : 'files'}`;
}

customElements.define('recordings-card', RecordingsCard);
