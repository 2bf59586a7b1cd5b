import { css, html, LitElement, svg } from 'lit';
import type { VerifyFinding } from '../../../server/verify/contract.ts';
import { channelText, dubText, hours } from './report-text.ts';

/** Narrower than this no finger hits it and no eye sees it, % of the clip. */
const LEAST_PERCENT = 1.2;

/** One track of a clip as a bar: where something was found, and the number of what it was. */
export class ClipLane extends LitElement {
  static override properties = {
    label: {},
    durationS: { attribute: false },
    findings: { attribute: false },
    numberOf: { attribute: false },
  };

  declare label: string;
  declare durationS: number;
  declare findings: readonly VerifyFinding[];
  /** Which of the page's dubs a finding belongs to, from 1. */
  declare numberOf: (finding: VerifyFinding) => number;

  override render() {
    return html`<span class="label">${this.label}</span>
      <svg role="img" width="100%" height="28" aria-label=${`${this.label}: ${this.#spoken()}`}>
        <rect class="clip" width="100%" height="28" rx="6" />
        ${this.findings.map((finding) => this.#span(finding))}
      </svg>
      <span class="ends" aria-hidden="true"><span>0:00</span><span>${hours(this.durationS)}</span></span>`;
  }

  #span(finding: VerifyFinding) {
    const percent = (timeS: number) => Math.max(0, Math.min(100, (100 * timeS) / this.durationS));
    const from = percent(finding.startS);
    const width = Math.max(LEAST_PERCENT, percent(finding.endS) - from);
    const number = this.numberOf(finding);
    return svg`<g>
      <title>${`${channelText(finding)}, ${dubText([finding])}: ${range(finding)}`}</title>
      <rect class="found dub-${(number - 1) % 4}" x=${`${from}%`} width=${`${width}%`} height="28" rx="6" />
      ${width < 4 ? null : svg`<text x=${`${from + width / 2}%`} y="19" text-anchor="middle">${number}</text>`}
    </g>`;
  }

  #spoken(): string {
    if (this.findings.length === 0) return 'nothing found';
    return this.findings.map((one) => `${range(one)}, dub ${this.numberOf(one)}`).join('; ');
  }

  static override styles = css`
    :host {
      display: grid;
      gap: 0.2rem;
      font-size: 0.85rem;
    }
    .label,
    .ends {
      color: var(--muted);
    }
    .ends {
      display: flex;
      justify-content: space-between;
      font-size: 0.78rem;
      font-variant-numeric: tabular-nums;
    }
    svg {
      display: block;
      overflow: visible;
    }
    .clip {
      fill: var(--line);
    }
    .found {
      fill: #4338ca;
    }
    .dub-1 {
      fill: #0f766e;
    }
    .dub-2 {
      fill: #b45309;
    }
    .dub-3 {
      fill: #a21caf;
    }
    text {
      fill: #fff;
      font-weight: 600;
    }
  `;
}

/** Where in the clip, e.g. `0:03 to 0:09`. */
export function range({ startS, endS }: VerifyFinding): string {
  return `${hours(startS)} to ${hours(endS)}`;
}

customElements.define('clip-lane', ClipLane);
