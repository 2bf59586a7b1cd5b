import { html, nothing } from 'lit';
import '../ui/copy-field.ts';
import { icon } from '../ui/icons.ts';
import { DeskCard } from './desk-card.ts';

/** How to go live: from this browser, from OBS, by SRT or RTMP. */
export class PublishCard extends DeskCard {
  override render() {
    const { publish, settings, state } = this.channel;
    return html`<section class="card grid" aria-labelledby="go">
      <h2 id="go">Go live</h2>
      <a class="button main" href=${publish.page} target="_blank" rel="noopener">${icon('record')}Go live from this browser</a>
      <details ?open=${state === 'idle'}>
        <summary>From OBS</summary>
        <div class="grid">
          <copy-field label="WHIP address" .value=${publish.whip}></copy-field>
          <copy-field label="Bearer token" secret .value=${publish.token}></copy-field>
          <ol class="small">
            <li>OBS 30 or later: Settings → Stream → Service: WHIP.</li>
            <li>Paste address and token above, then OK.</li>
            <li>Settings → Output → Streaming: keyframe interval 2 s, tune “zerolatency”, no B-frames.</li>
            <li>Start streaming.</li>
          </ol>
        </div>
      </details>
      ${
        publish.srt || publish.rtmp
          ? html`<details>
              <summary>By SRT or RTMP</summary>
              <div class="grid">
                ${publish.srt ? html`<copy-field label="SRT address" .value=${publish.srt}></copy-field>` : nothing}
                ${publish.rtmp ? html`<copy-field label="RTMP address" .value=${publish.rtmp}></copy-field>` : nothing}
                <copy-field label="Stream key, or SRT pass phrase" secret .value=${publish.streamKey}></copy-field>
              </div>
            </details>`
          : html`<p class="small muted">${settings.listeners ? 'The SRT and RTMP listeners are not up.' : 'SRT and RTMP are off for this channel.'}</p>`
      }
    </section>`;
  }
}

customElements.define('publish-card', PublishCard);
