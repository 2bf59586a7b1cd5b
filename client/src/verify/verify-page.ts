import { css, html, LitElement, nothing } from 'lit';
import type { VerifyReport } from '../../../server/verify/contract.ts';
import { asProblem, LiveProblem } from '../sdk/problem.ts';
import { icon } from '../ui/icons.ts';
import { brand } from '../ui/parts.ts';
import { sharedStyles } from '../ui/shared-styles.ts';
import { checkClip, RefusedClip } from './clip-upload.ts';
import './report-card.ts';
import type { ReportCard } from './report-card.ts';
import { MAX_CLIP_BYTES, sizeText, waitText } from './report-text.ts';

type Stage =
  | { readonly kind: 'idle' }
  /** `share` 1: all of it is there and is examined. */
  | { readonly kind: 'checking'; readonly share: number }
  | { readonly kind: 'report'; readonly report: VerifyReport }
  | { readonly kind: 'refused'; readonly problem: LiveProblem; readonly waitS: number };

/** "Was this dubbed here?": takes a clip from anyone and says what its watermark says. */
export class VerifyPage extends LitElement {
  static override properties = { clip: { state: true }, stage: { state: true }, isOver: { state: true } };

  declare clip: File | undefined;
  declare stage: Stage;
  /** Something is dragged over the page. */
  declare isOver: boolean;
  #running: AbortController | undefined;
  #countdown: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.stage = { kind: 'idle' };
    this.isOver = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // The whole page takes the clip: one that misses the zone would otherwise be opened by the browser.
    addEventListener('dragover', this.#onDragOver);
    addEventListener('dragleave', this.#onDragLeave);
    addEventListener('drop', this.#onDrop);
  }

  override disconnectedCallback(): void {
    removeEventListener('dragover', this.#onDragOver);
    removeEventListener('dragleave', this.#onDragLeave);
    removeEventListener('drop', this.#onDrop);
    this.#stop();
    super.disconnectedCallback();
  }

  override render() {
    return html`<div class="page">
      <header class="top">
        ${brand()}
        <h1>Was this dubbed here?</h1>
      </header>
      <main class="grid">
        <p class="lead">
          Every AI dub of this server carries a watermark. It stays when a clip is cut, converted or
          posted elsewhere. Give a clip, and this page says what its watermark says.
        </p>
        ${this.#zone()}
        <div role="status" aria-live="polite">${this.#progress()}</div>
        ${this.stage.kind === 'refused' ? this.#refused(this.stage) : nothing}
        ${
          this.stage.kind === 'report'
            ? html`<report-card .report=${this.stage.report} name=${this.clip?.name ?? 'clip'}></report-card>`
            : nothing
        }
        ${this.#limits()}
      </main>
    </div>`;
  }

  #zone() {
    const again = this.stage.kind === 'report' || this.stage.kind === 'refused';
    return html`<section class="card zone ${this.isOver ? 'over' : ''}" aria-labelledby="zone"
      ?hidden=${this.stage.kind === 'checking'}>
      ${again ? nothing : icon('file')}
      <p id="zone">${again ? 'Drop another clip here' : 'Drop a clip here'}, or</p>
      <button class=${again ? '' : 'main'} @click=${this.#choose}>Choose a file</button>
      <input type="file" accept="audio/*,video/*" aria-label="Clip" hidden @change=${this.#onChosen} />
      <p class="small muted">Video or sound, up to ${sizeText(MAX_CLIP_BYTES)}. It is examined and deleted at once.</p>
    </section>`;
  }

  #progress() {
    const { stage, clip } = this;
    if (stage.kind !== 'checking' || !clip) return nothing;
    const percent = Math.floor(stage.share * 100);
    return html`<section class="card checking" aria-label="Progress">
      <p class="name">${clip.name} <span class="muted">${sizeText(clip.size)}</span></p>
      ${
        stage.share < 1
          ? html`<p>Sending …</p><progress max="100" value=${percent} aria-label="Sent"></progress>`
          : html`<p>Looking for the watermark …</p><progress aria-label="Examining"></progress>`
      }
      <button @click=${this.#cancel}>Cancel</button>
    </section>`;
  }

  #refused({ problem, waitS }: Extract<Stage, { kind: 'refused' }>) {
    return html`<section class="problem" role="alert">
      <strong>${problem.message}</strong>
      ${problem.remedy ? html`<p>${problem.remedy}</p>` : nothing}
      ${
        canHelp(problem)
          ? html`<p><button ?disabled=${waitS > 0} @click=${this.#again}>
              ${waitS > 0 ? `Try again in ${waitText(waitS)}` : 'Try again'}
            </button></p>`
          : nothing
      }
    </section>`;
  }

  #limits() {
    return html`<section class="card small" aria-labelledby="limits">
      <h2 id="limits">What this can and cannot tell</h2>
      <ul>
        <li>It recognises dubs made by this server. AI voices of others leave no mark that can be read here.</li>
        <li>A few seconds of speech are enough as a rule; more is better. Music over the voice makes it harder.</li>
        <li>
          The original sound is never marked, and the picture only where the dub marked it too: a picture that was passed on
          as it came says nothing.
        </li>
        <li>“Not found” proves nothing. A watermark can be destroyed, and a real recording has none.</li>
        <li>Where a machine moved lips to a dub, the picture is marked as well, and you are told.</li>
        <li>Programmes that are not public are not named: you are told the language, the minute, and whether lips were moved.</li>
      </ul>
    </section>`;
  }

  readonly #choose = () => this.renderRoot.querySelector<HTMLInputElement>('input[type=file]')?.click();

  readonly #onChosen = (event: Event) => {
    const input = event.target as HTMLInputElement;
    const clip = input.files?.[0];
    // The same file may be chosen again.
    input.value = '';
    if (clip) void this.#check(clip);
  };

  readonly #onDragOver = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    this.isOver = true;
  };

  readonly #onDragLeave = (event: DragEvent) => {
    if (event.relatedTarget === null) this.isOver = false;
  };

  readonly #onDrop = (event: DragEvent) => {
    this.isOver = false;
    const clip = event.dataTransfer?.files[0];
    if (!clip) return;
    event.preventDefault();
    if (this.stage.kind !== 'checking') void this.#check(clip);
  };

  readonly #cancel = () => {
    this.#stop();
    this.stage = { kind: 'idle' };
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('.zone button')?.focus());
  };

  readonly #again = () => {
    if (this.clip) void this.#check(this.clip);
  };

  async #check(clip: File): Promise<void> {
    this.#stop();
    this.clip = clip;
    const refusal = refusalOf(clip);
    if (refusal) return this.#refuse(refusal);
    const running = new AbortController();
    this.#running = running;
    this.stage = { kind: 'checking', share: 0 };
    try {
      const report = await checkClip({
        clip,
        signal: running.signal,
        onSent: (share) => {
          if (!running.signal.aborted) this.stage = { kind: 'checking', share };
        },
      });
      this.stage = { kind: 'report', report };
      await this.updateComplete;
      const card = this.renderRoot.querySelector<ReportCard>('report-card');
      await card?.updateComplete;
      card?.focusAnswer();
    } catch (error) {
      if (!running.signal.aborted) this.#refuse(asProblem(error));
    } finally {
      if (this.#running === running) this.#running = undefined;
    }
  }

  #refuse(problem: LiveProblem): void {
    const waitS = problem instanceof RefusedClip ? (problem.retryAfterS ?? 0) : 0;
    this.stage = { kind: 'refused', problem, waitS };
    if (waitS === 0) return;
    const endMs = performance.now() + waitS * 1000;
    this.#countdown = setInterval(() => {
      const leftS = Math.max(0, (endMs - performance.now()) / 1000);
      if (leftS === 0) clearInterval(this.#countdown);
      if (this.stage.kind === 'refused') this.stage = { ...this.stage, waitS: leftS };
    }, 1000);
  }

  #stop(): void {
    clearInterval(this.#countdown);
    this.#running?.abort();
    this.#running = undefined;
  }

  static override styles = [
    sharedStyles,
    css`
      .page {
        max-width: 46rem;
      }
      main {
        grid-template-columns: minmax(0, 1fr);
      }
      /* There before it has something to say, and takes no room. */
      [role='status']:empty {
        position: absolute;
      }
      .lead {
        margin: 0;
        color: var(--muted);
      }
      .zone {
        display: grid;
        justify-items: center;
        gap: 0.5rem;
        padding: 2rem 1rem;
        text-align: center;
        border: 2px dashed var(--line);
      }
      .zone.over {
        border-color: var(--accent);
        background: var(--accent-soft);
      }
      .zone p {
        margin: 0;
      }
      .zone > svg {
        width: 2.4rem;
        height: 2.4rem;
        color: var(--accent);
      }
      .checking {
        display: grid;
        justify-items: start;
        gap: 0.5rem;
      }
      .checking p {
        margin: 0;
      }
      .name {
        overflow-wrap: anywhere;
      }
      progress {
        width: 100%;
        height: 0.6rem;
        accent-color: var(--accent);
      }
      .problem {
        margin: 0;
      }
      ul {
        margin: 0;
        padding-inline-start: 1.2rem;
      }
      li + li {
        margin-top: 0.3rem;
      }
    `,
  ];
}

/** What the server would refuse anyway is not sent. */
function refusalOf(clip: File): LiveProblem | undefined {
  if (clip.size === 0) {
    const remedy = 'Choose another file.';
    return new LiveProblem({ code: 'LIVEDUB_E_INPUT_EMPTY', message: 'This file is empty.', remedy });
  }
  if (clip.size <= MAX_CLIP_BYTES) return undefined;
  return new LiveProblem({
    code: 'LIVEDUB_E_BODY_TOO_LARGE',
    message: `This clip is too large: ${sizeText(clip.size)}, ${sizeText(MAX_CLIP_BYTES)} at most.`,
    remedy: 'Cut out a piece in which somebody speaks; half a minute is plenty.',
  });
}

/** Whether the same clip may be taken another time. */
function canHelp({ status, code }: LiveProblem): boolean {
  return code === 'LIVEDUB_E_UNREACHABLE' || status === 408 || status === 429 || status >= 500;
}

customElements.define('verify-page', VerifyPage);
