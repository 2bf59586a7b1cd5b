import { css, html, LitElement } from 'lit';
import { sharedStyles } from './shared-styles.ts';

/** Asks for a token; `token` event with what was pasted. */
export class TokenPrompt extends LitElement {
  static override properties = { what: {}, reason: {} };

  /** Scope that is needed, e.g. `manage`. */
  declare what: string;
  declare reason: string;

  constructor() {
    super();
    this.what = 'manage';
    this.reason = '';
  }

  override render() {
    return html`<form class="card" @submit=${this.#submit}>
      <h2>A token is needed</h2>
      <p>${this.reason || `This page needs a token with the scope “${this.what}”.`}</p>
      <p class="muted small">
        Make one on the server with <code>livedub token --scope ${this.what}</code>, or open the address that
        <code>livedub serve</code> printed.
      </p>
      <label class="field">Token<input name="token" type="password" autocomplete="off" required /></label>
      <p><button class="main">Go on</button></p>
    </form>`;
  }

  #submit(event: SubmitEvent): void {
    event.preventDefault();
    const token = String(new FormData(event.target as HTMLFormElement).get('token') ?? '').trim();
    if (token) this.dispatchEvent(new CustomEvent('token', { detail: token }));
  }

  static override styles = [
    sharedStyles,
    css`
      :host {
        display: block;
        max-width: 32rem;
        margin: 2rem auto;
      }
    `,
  ];
}

customElements.define('token-prompt', TokenPrompt);
