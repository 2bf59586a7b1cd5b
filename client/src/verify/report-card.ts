import { css, html, LitElement, nothing } from 'lit';
import type { VerifyFinding, VerifyReport } from '../../../server/verify/contract.ts';
import { ownName } from '../languages.ts';
import { sharedStyles } from '../ui/shared-styles.ts';
import './clip-lane.ts';
import { range } from './clip-lane.ts';
import {
  certaintyText,
  chanceText,
  channelText,
  dubsOf,
  dubText,
  findingsOf,
  headline,
  hours,
  meaning,
  minuteText,
  verdictText,
} from './report-text.ts';

/** What was found in a clip: the answer, each dub by name, and where in the clip it is heard or seen. */
export class ReportCard extends LitElement {
  static override properties = { report: { attribute: false }, name: {} };

  declare report: VerifyReport;
  /** Of the clip. */
  declare name: string;

  /** Where a screen reader goes on when the answer is there. */
  focusAnswer(): void {
    this.renderRoot.querySelector<HTMLElement>('h2')?.focus();
  }

  override render() {
    const { report } = this;
    const dubs = dubsOf(report);
    return html`<section class="card" aria-labelledby="answer">
      <h2 id="answer" class=${report.verdict} tabindex="-1">${headline(report)}</h2>
      ${meaning(report).map((text) => html`<p>${text}</p>`)}
      ${dubs.length === 0 ? nothing : html`<ol class="dubs">${dubs.map((found) => this.#dub(found, dubs.length))}</ol>`}
      ${report.notes.length === 0 ? nothing : html`<ul class="notes">${report.notes.map(({ text }) => html`<li>${text}</li>`)}</ul>`}
      ${this.#tracks(dubs)}
      ${this.#details(findingsOf(report))}
    </section>`;
  }

  #dub(found: readonly VerifyFinding[], count: number) {
    const [first] = found;
    if (!first) return nothing;
    const best = found.reduce((a, b) => (b.falseAlarmLog10 < a.falseAlarmLog10 ? b : a));
    return html`<li class=${count > 1 ? 'counted' : ''}>
      <strong class="title">${channelText(first)}</strong>
      <span class="tag">${dubText(found)}</span>
      <dl>
        <dt>When</dt>
        <dd>${minuteText(first)}</dd>
        <dt>Certainty</dt>
        <dd>${certaintyText(best)}</dd>
      </dl>
    </li>`;
  }

  /** Sound and picture apart: one may be ours and the other not. */
  #tracks(dubs: readonly (readonly VerifyFinding[])[]) {
    const { report } = this;
    const numberOf = (finding: VerifyFinding) => dubs.findIndex((found) => found.includes(finding)) + 1;
    const durationS = Math.max(
      report.durationS ?? 0,
      report.examinedS,
      ...findingsOf(report).map(({ endS }) => endS),
    );
    const tracks = [
      ...report.sound.map((one) => ({ ...one, label: soundLabel(one, report.sound.length) })),
      ...(report.picture ? [{ ...report.picture, label: 'Picture' }] : []),
    ];
    return html`<div class="tracks">
      ${tracks.map(
        ({ label, verdict, findings }) => html`<clip-lane label=${`${label}: ${verdictText(verdict)}`}
          .durationS=${durationS} .findings=${findings} .numberOf=${numberOf}></clip-lane>`,
      )}
    </div>`;
  }

  #details(findings: readonly VerifyFinding[]) {
    const { report } = this;
    return html`<details>
      <summary>Details</summary>
      <p class="small muted">
        ${this.name}: ${hours(report.examinedS)} examined${report.durationS === undefined ? nothing : html` of ${hours(report.durationS)}`}.
      </p>
      ${
        findings.length === 0
          ? nothing
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Every finding"><table>
              <thead><tr><th>In the clip</th><th>Key</th><th>Mark</th><th>Strength, needed</th><th>Chance of error</th><th>Speed</th></tr></thead>
              <tbody>${findings.map(
                (one) => html`<tr>
                  <td>${range(one)}</td>
                  <td>${one.issuer}</td>
                  <td>${one.how === 'read' ? 'read in full' : 'recognised'}</td>
                  <td>${one.score.toFixed(1)}, ${one.threshold.toFixed(1)}</td>
                  <td>${chanceText(one)}</td>
                  <td>${one.speed.toFixed(3)}</td>
                </tr>`,
              )}</tbody>
            </table></div>`
      }
      <button @click=${this.#save}>Save this report (JSON)</button>
    </details>`;
  }

  readonly #save = () => {
    const address = URL.createObjectURL(
      new Blob([JSON.stringify(this.report, null, 2)], { type: 'application/json' }),
    );
    const link = document.createElement('a');
    link.href = address;
    link.download = `${this.name}.verify.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };

  static override styles = [
    sharedStyles,
    css`
      :host {
        display: block;
      }
      .card h2 {
        font-size: 1.3rem;
        line-height: 1.3;
      }
      /* Focused by the page, not by a person. */
      h2:focus {
        outline: none;
      }
      h2.ours {
        color: var(--accent);
      }
      .dubs {
        display: grid;
        gap: 0.7rem;
        margin: 1rem 0;
        padding: 0;
        list-style: none;
        counter-reset: dub;
      }
      .dubs li {
        padding: 0.8rem 1rem;
        border-radius: 10px;
        background: var(--accent-soft);
        overflow-wrap: anywhere;
      }
      .counted .title::before {
        counter-increment: dub;
        content: counter(dub) '. ';
      }
      .title {
        margin-inline-end: 0.6rem;
        font-size: 1.05rem;
      }
      .tag {
        display: inline-block;
        padding: 0.05rem 0.7rem;
        border-radius: 99px;
        font-size: 0.82rem;
        font-weight: 600;
        color: #fff;
        background: #4338ca;
      }
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 0.1rem 1rem;
        margin: 0.5rem 0 0;
      }
      dt {
        color: var(--muted);
      }
      dd {
        margin: 0;
      }
      .notes {
        margin: 0.8rem 0;
        padding-inline-start: 1.2rem;
        font-size: 0.92rem;
      }
      .tracks {
        display: grid;
        gap: 0.7rem;
        margin: 1rem 0 0.4rem;
      }
      .scroll {
        overflow-x: auto;
        margin-bottom: 0.8rem;
      }
      table {
        border-collapse: collapse;
        font-size: 0.85rem;
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      th,
      td {
        padding: 0.3rem 1rem 0.3rem 0;
        text-align: start;
      }
      th {
        font-weight: 400;
        color: var(--muted);
      }
    `,
  ];
}

function soundLabel({ track, title, language }: VerifyReport['sound'][number], count: number): string {
  const name = title ?? (language === undefined ? undefined : ownName(language));
  const label = count > 1 ? `Sound ${track + 1}` : 'Sound';
  return name === undefined ? label : `${label} (${name})`;
}

customElements.define('report-card', ReportCard);
