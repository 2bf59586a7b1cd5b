import { html, LitElement, nothing } from 'lit';
import type { IngestHealth } from '../../../server/live/contract.ts';
import '../ui/level-meter.ts';
import { bitrate, percent } from '../ui/parts.ts';
import { sharedStyles } from '../ui/shared-styles.ts';

const PROTOCOLS: Readonly<Record<string, string>> = {
  whip: 'WHIP',
  srt: 'SRT',
  rtmp: 'RTMP',
  replay: 'Replay',
};
/** Speech that is softer than this is hard to recognise; louder than −3 is about to clip. */
const SOFT_DBFS = -45;
const LOUD_DBFS = -6;

/** What comes in from the publisher, once a second. */
export class HealthCard extends LitElement {
  static override properties = { health: { attribute: false } };

  declare health: IngestHealth | undefined;

  override render() {
    const { health } = this;
    return html`<section class="card grid" aria-labelledby="health">
      <h2 id="health">Ingest</h2>
      ${health?.connected ? this.#figures(health) : html`<p class="muted">Nobody publishes.</p>`}
    </section>`;
  }

  #figures(health: IngestHealth) {
    const { audio, video, roundTripMs, protocol } = health;
    const figure = (name: string, value: string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
    return html`
      ${audio ? html`<level-meter label="Level of the programme" .level=${audio.levelDbfs}></level-meter>${this.#advice(audio.levelDbfs)}` : html`<p class="small bad">There is no sound: nothing can be dubbed.</p>`}
      <dl class="figures">
        ${protocol ? figure('By', PROTOCOLS[protocol] ?? protocol) : nothing}
        ${
          video
            ? html`${figure('Picture', video.width ? `${video.width}×${video.height}` : video.codec)}
              ${figure('Frames', `${Math.round(video.fps)} fps`)}
              ${figure('Video', bitrate(video.bitrateBps))}
              ${figure('Video loss', percent(video.loss))}`
            : nothing
        }
        ${
          audio
            ? html`${figure('Sound', bitrate(audio.bitrateBps))}${figure('Sound loss', percent(audio.loss))}
              ${figure('Jitter', `${Math.round(audio.jitterMs)} ms`)}`
            : nothing
        }
        ${roundTripMs === undefined ? nothing : figure('Round trip', `${Math.round(roundTripMs)} ms`)}
      </dl>`;
  }

  #advice(levelDbfs: number | undefined) {
    if (levelDbfs === undefined) return nothing;
    if (levelDbfs > LOUD_DBFS) return html`<p class="small bad">Very loud: it may be distorted.</p>`;
    return levelDbfs < SOFT_DBFS ? html`<p class="small muted">Soft, or nobody speaks.</p>` : nothing;
  }

  static override styles = sharedStyles;
}

customElements.define('health-card', HealthCard);
