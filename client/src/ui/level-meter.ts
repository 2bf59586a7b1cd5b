import { css, html, LitElement } from 'lit';

const FLOOR_DBFS = -60;

/** A bar of loudness from −60 to 0 dBFS. */
export class LevelMeter extends LitElement {
  static override properties = { level: { type: Number }, label: {} };

  /** dBFS; undefined while unknown. */
  declare level: number | undefined;
  declare label: string;

  constructor() {
    super();
    this.label = 'Level';
  }

  protected override updated(): void {
    const part = 1 - Math.max(FLOOR_DBFS, Math.min(0, this.level ?? FLOOR_DBFS)) / FLOOR_DBFS;
    this.style.setProperty('--part', part.toFixed(3));
  }

  override render() {
    const known = this.level !== undefined && this.level > FLOOR_DBFS;
    return html`<div class="track" role="meter" aria-label=${this.label} aria-valuemin=${FLOOR_DBFS} aria-valuemax="0"
        aria-valuenow=${Math.round(Math.max(FLOOR_DBFS, this.level ?? FLOOR_DBFS))}
        aria-valuetext=${known ? `${Math.round(this.level ?? 0)} dBFS` : 'silent'}><i></i></div>
      <span aria-hidden="true">${known ? `${Math.round(this.level ?? 0)} dBFS` : '–'}</span>`;
  }

  static override styles = css`
    :host {
      display: flex;
      align-items: center;
      gap: 0.7rem;
      font-size: 0.85rem;
      font-variant-numeric: tabular-nums;
      color: var(--muted);
    }
    .track {
      flex: 1;
      height: 0.65rem;
      border-radius: 99px;
      overflow: hidden;
      background: var(--line);
    }
    i {
      display: block;
      width: 100%;
      height: 100%;
      background: linear-gradient(90deg, #2f9e5b 0 70%, #d99a1b 70% 92%, #d0342c 92%);
      clip-path: inset(0 calc((1 - var(--part, 0)) * 100%) 0 0 round 99px);
      transition: clip-path 100ms linear;
    }
    span {
      min-width: 4.5em;
      text-align: end;
    }
    @media (prefers-reduced-motion: reduce) {
      i {
        transition: none;
      }
    }
  `;
}

customElements.define('level-meter', LevelMeter);
