import { css, html, LitElement, nothing } from 'lit';
import type { DubView } from '../../server/contract.ts';
import { clock, ownName } from './languages.ts';

/** How far a dub is, or why it ended without a result. */
export class DubProgress extends LitElement {
  static override properties = { dub: { attribute: false } };

  declare dub: DubView;

  override render() {
    const { dub } = this;
    if (dub.error) {
      return html`
        <div class="problem" role="alert">
          <strong>${dub.error.message}</strong>
          <p>${dub.error.remedy}</p>
          <code>${dub.error.code}</code>
        </div>
      `;
    }
    const { progress } = dub;
    const known = progress?.phase === 'dub' && progress.durationUs ? progress.durationUs : undefined;
    return html`
      <p role="status">${this.#phase()}</p>
      ${
        known
          ? html`<progress max=${known} value=${progress?.mediaTimeUs ?? 0} aria-label="Dubbing"></progress>`
          : html`<progress aria-label="Dubbing"></progress>`
      }
      <p class="figures">
        ${
          progress?.phase === 'dub'
            ? html`${clock(progress.mediaTimeUs)}${known ? html` of ${clock(known)}` : nothing} ·
              ${progress.speed.toFixed(1)}× as fast as it plays`
            : nothing
        }
      </p>
    `;
  }

  #phase(): string {
    const languages = this.dub.to.map(ownName).join(', ');
    if (this.dub.state === 'queued') return `Waiting to be dubbed into ${languages} …`;
    switch (this.dub.progress?.phase) {
      case 'sample':
        return 'Making the sample clip …';
      case 'dub':
        return `Dubbing into ${languages} …`;
      case 'finish':
        return 'Writing the files …';
      default:
        return 'Getting ready: loading the engines …';
    }
  }

  static override styles = css`
    :host {
      display: block;
      padding: clamp(1.5rem, 8vw, 4.5rem) 1.1rem;
      text-align: center;
    }
    p {
      margin: 0 0 0.8rem;
    }
    progress {
      width: min(26rem, 100%);
      height: 0.6rem;
      accent-color: var(--accent);
    }
    .figures {
      min-height: 1.5em;
      margin: 0.6rem 0 0;
      color: var(--muted);
      font-variant-numeric: tabular-nums;
    }
    .problem {
      max-width: 36rem;
      margin: 0 auto;
      padding: 1rem 1.2rem;
      border-radius: var(--radius);
      text-align: start;
      color: var(--bad);
      background: var(--bad-soft);
      overflow-wrap: anywhere;
    }
    .problem p {
      margin: 0.4rem 0 0.6rem;
      color: var(--text);
    }
    code {
      font-size: 0.85rem;
    }
  `;
}

customElements.define('dub-progress', DubProgress);
