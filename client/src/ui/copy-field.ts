import { css, html, LitElement } from 'lit';
import { icon } from './icons.ts';
import { sharedStyles } from './shared-styles.ts';

const TOLD_MS = 2000;

/** A value that is meant to be copied, with its name; a secret stays covered until it is asked for. */
export class CopyField extends LitElement {
  static override properties = {
    label: {},
    value: {},
    secret: { type: Boolean },
    shown: { state: true },
    told: { state: true },
  };

  declare label: string;
  declare value: string;
  declare secret: boolean;
  declare shown: boolean;
  declare told: string;

  constructor() {
    super();
    this.label = '';
    this.value = '';
    this.secret = false;
    this.shown = false;
    this.told = '';
  }

  override render() {
    const covered = this.secret && !this.shown;
    return html`<div class="field">
      <label for="value">${this.label}</label>
      <div class="line">
        <input id="value" class="mono" readonly type=${covered ? 'password' : 'text'} .value=${this.value}
          autocomplete="off" spellcheck="false" @focus=${(event: Event) => (event.target as HTMLInputElement).select()} />
        ${
          this.secret
            ? html`<button @click=${() => this.#toggle()} aria-pressed=${this.shown}
              aria-label=${`Show ${this.label}`}>${this.shown ? 'Hide' : 'Show'}</button>`
            : ''
        }
        <button @click=${() => this.#copy()} aria-label=${`Copy ${this.label}`}>${icon('copy')}<span class="word">${this.told || 'Copy'}</span></button>
      </div>
      <span role="status" class="visually-hidden">${this.told}</span>
    </div>`;
  }

  #toggle(): void {
    this.shown = !this.shown;
  }

  async #copy(): Promise<void> {
    this.told = (await copyText(this.value, this.renderRoot)) ? 'Copied' : 'Press Ctrl+C';
    setTimeout(() => {
      this.told = '';
    }, TOLD_MS);
  }

  static override styles = [
    sharedStyles,
    css`
      :host {
        display: block;
        min-width: 0;
      }
      .line {
        display: flex;
        gap: 0.4rem;
      }
      .line input {
        flex: 1;
        font-size: 0.88rem;
        text-overflow: ellipsis;
      }
      .word {
        min-width: 3.2rem;
      }
      .visually-hidden {
        position: absolute;
        width: 1px;
        height: 1px;
        overflow: hidden;
        clip-path: inset(50%);
      }
      @media (max-width: 30rem) {
        .word {
          min-width: 0;
        }
        button {
          padding: 0.4rem 0.7rem;
        }
      }
    `,
  ];
}

/** The clipboard needs https or localhost; elsewhere the text is selected for the keyboard. */
async function copyText(text: string, root: HTMLElement | DocumentFragment): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = root.querySelector('input');
    if (field) {
      field.type = 'text';
      field.select();
    }
    return false;
  }
}

customElements.define('copy-field', CopyField);
