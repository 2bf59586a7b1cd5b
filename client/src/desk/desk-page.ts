import { html, LitElement, nothing } from 'lit';
import { RestClient } from '../sdk/rest-client.ts';
import { channelOfAddress, keepPageToken, pageToken } from '../ui/page-token.ts';
import { sharedStyles } from '../ui/shared-styles.ts';
import '../ui/token-prompt.ts';
import './channel-desk.ts';
import './channel-list.ts';

/** The broadcaster's page: all channels, or the desk of one. */
export class DeskPage extends LitElement {
  static override properties = { refused: { state: true }, rest: { state: true } };

  /** Why the server wants a (better) token; undefined while it does not. */
  declare refused: string | undefined;
  declare rest: RestClient;
  readonly #channel = channelOfAddress();

  constructor() {
    super();
    this.rest = new RestClient({ token: pageToken() });
  }

  override render() {
    if (this.refused !== undefined) {
      return html`<div class="page">
        <token-prompt what="manage" .reason=${this.refused} @token=${this.#onToken}></token-prompt>
      </div>`;
    }
    return this.#channel
      ? html`<channel-desk .rest=${this.rest} channel=${this.#channel ?? nothing} @refused=${this.#onRefused}></channel-desk>`
      : html`<channel-list .rest=${this.rest} @refused=${this.#onRefused}></channel-list>`;
  }

  readonly #onRefused = (event: CustomEvent<string>) => {
    keepPageToken(undefined);
    this.refused = event.detail;
  };

  readonly #onToken = (event: CustomEvent<string>) => {
    keepPageToken(event.detail);
    this.rest = new RestClient({ token: event.detail });
    this.refused = undefined;
  };

  static override styles = sharedStyles;
}

customElements.define('desk-page', DeskPage);
