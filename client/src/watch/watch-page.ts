import { css, html, LitElement, nothing } from 'lit';
import type { ChannelView } from '../../../server/live/contract.ts';
import { hasFaces } from '../face-text.ts';
import { ownName, tierLine } from '../languages.ts';
import '../player/livedub-player.ts';
import '../ui/copy-field.ts';
import { channelOfAddress, pageToken } from '../ui/page-token.ts';
import { brand, embedSnippet, stateTag } from '../ui/parts.ts';
import { sharedStyles } from '../ui/shared-styles.ts';

/** A channel for its viewers: the player, and what to expect of each language. */
export class WatchPage extends LitElement {
  static override properties = { channel: { state: true } };

  declare channel: ChannelView | undefined;
  readonly #id = channelOfAddress() ?? '';
  readonly #token = pageToken() ?? new URLSearchParams(location.search).get('token') ?? undefined;

  override render() {
    const { channel } = this;
    return html`<div class="page">
      <header class="top">
        ${brand()}
        <h1>${channel?.title ?? this.#id}</h1>
        ${channel ? stateTag(channel.state) : nothing}
      </header>
      <main class="grid">
        <livedub-player channel=${this.#id} token=${this.#token ?? nothing}
          @livedub-channel=${this.#onChannel}></livedub-player>
        ${channel ? this.#about(channel) : nothing}
      </main>
    </div>`;
  }

  #about(channel: ChannelView) {
    const moved = channel.renditions.some(({ face }) => hasFaces(face));
    return html`<section class="card" aria-labelledby="expect">
        <h2 id="expect">Languages, and what to expect</h2>
        <ul class="plain languages">
          <li><strong>${ownName(channel.from)}</strong><span class="muted">The original, as it is spoken.</span></li>
          ${channel.renditions.map(
            (one) => html`<li>
              <strong>${ownName(one.language)}</strong>
              <span class="muted">AI dub. ${tierLine(one.tier)}</span>
            </li>`,
          )}
        </ul>
        <p class="small muted">
          Dubs are made by a machine while the programme runs and are marked as such. The original is what plays until you
          choose. Every dubbed voice also carries a watermark that nobody hears.
          ${
            moved
              ? 'In sync, a machine also moves the lips of people to the dub; such a picture carries a watermark, too. As filmed it has none.'
              : 'The picture is passed on as it comes and has none.'
          } <a href="/verify">Check a clip</a>
        </p>
      </section>
      ${
        channel.isPublic
          ? html`<details class="card">
              <summary>Show this on another page</summary>
              <copy-field label="Embed code" .value=${embedSnippet(location.origin, channel.id)}></copy-field>
            </details>`
          : nothing
      }`;
  }

  readonly #onChannel = (event: CustomEvent<ChannelView>) => {
    this.channel = event.detail;
    document.title = `${event.detail.title} · livedub`;
  };

  static override styles = [
    sharedStyles,
    css`
      .page {
        max-width: clamp(40rem, 118vh, 68rem);
      }
      livedub-player {
        border: 1px solid var(--line);
      }
      .languages {
        display: grid;
        gap: 0.6rem;
      }
      .languages li {
        display: grid;
        grid-template-columns: 8rem 1fr;
        gap: 0.2rem 1rem;
      }
      details.card {
        padding-block: 0.3rem;
      }
      details[open].card {
        padding-bottom: 1.1rem;
      }
      @media (max-width: 34rem) {
        .languages li {
          grid-template-columns: 1fr;
        }
      }
    `,
  ];
}

customElements.define('watch-page', WatchPage);
