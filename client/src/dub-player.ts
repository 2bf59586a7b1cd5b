import { html, LitElement, nothing, type PropertyValues } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { DubView, TrackView } from '../../server/contract.ts';
import { playerStyles } from './dub-player-styles.ts';
import { FullscreenBadge } from './fullscreen-badge.ts';
import { ownName, tierLine } from './languages.ts';

/** Plays one dub: the original or a dubbed track, at the same place, with captions. */
export class DubPlayer extends LitElement {
  static override properties = {
    dub: { attribute: false },
    trackId: { state: true },
    captions: { state: true },
    failed: { state: true },
  };

  declare dub: DubView;
  declare trackId: string;
  declare captions: string;
  declare failed: boolean;
  #badge: FullscreenBadge | undefined;
  /** Where to go on once the chosen track has loaded. */
  #place: { currentTime: number; paused: boolean; playbackRate: number } | undefined;

  constructor() {
    super();
    this.trackId = 'original';
    this.captions = '';
    this.failed = false;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('dub') as DubView | undefined;
    if (before && before.id !== this.dub.id) {
      this.trackId = 'original';
      this.captions = '';
      this.failed = false;
      this.#place = undefined;
    }
  }

  protected override updated(changed: PropertyValues): void {
    const video = this.#video;
    if (!video) {
      this.#badge = undefined;
      return;
    }
    this.#badge ??= new FullscreenBadge(video, 'AI dub');
    this.#badge.setDub(this.#track?.tier !== undefined);
    if (!(changed.has('captions') || changed.has('dub'))) return;
    for (const track of video.textTracks)
      if (track !== this.#badge.track) track.mode = track.language === this.captions ? 'showing' : 'disabled';
  }

  override render() {
    const track = this.#track;
    if (!track) return nothing;
    return html`
      <div class="stage">
        <video controls playsinline preload="metadata" src=${track.url} @error=${this.#onError} @loadedmetadata=${this.#onLoaded}
          @enterpictureinpicture=${this.#nameForBrowser}
          aria-label=${`${this.dub.title}, ${this.#label(track)}`}>
          ${repeat(
            this.dub.captions,
            (one) => `${this.dub.id} ${one.language}`,
            (one) =>
              html`<track kind="captions" src=${one.vtt} srclang=${one.language} label=${this.#captionLabel(one.language)} />`,
          )}
        </video>
        ${
          track.tier === undefined
            ? nothing
            : html`<a class="badge" href="/verify" target="_blank" rel="noopener"
          title="Made by a machine, and marked so that it can be recognised. How to check a clip">AI dub</a>`
        }
      </div>
      <div class="controls">
        <fieldset>
          <legend>Sound</legend>
          <div class="tracks">
            ${this.dub.tracks.map(
              (one) => html`<label lang=${one.language}>
                <input type="radio" name="track" .value=${one.id} .checked=${one.id === track.id}
                  @change=${() => this.#switchTo(one)} /><span>${this.#label(one)}</span>
              </label>`,
            )}
          </div>
        </fieldset>
        <div class="captions">
          <label for="captions">Captions</label>
          <select id="captions" @change=${(event: Event) => this.#chooseCaptions(event)}>
            <option value="" ?selected=${this.captions === ''}>Off</option>
            ${this.dub.captions.map(
              (one) => html`<option value=${one.language} ?selected=${this.captions === one.language}>
                ${this.#captionLabel(one.language)}
              </option>`,
            )}
          </select>
        </div>
      </div>
      <div class="notes">
        <p role="status">
          ${
            track.tier === undefined
              ? 'You hear the original sound.'
              : html`<strong>AI dub.</strong> ${tierLine(track.tier)}`
          }
        </p>
        ${this.dub.partial ? html`<p class="bad">This dub is not complete: the input was damaged or the job was stopped.</p>` : nothing}
        ${this.failed ? html`<p class="bad" role="alert">The browser cannot play this track. The download below may play elsewhere.</p>` : nothing}
        <ul>
          ${this.dub.download ? html`<li><a href=${this.dub.download} download>MP4 with all tracks</a></li>` : nothing}
          ${this.dub.report ? html`<li><a href=${this.dub.report} download="report.json">Report</a></li>` : nothing}
          ${this.dub.captions.map(
            (one) => html`<li>
              Captions ${ownName(one.language)}:
              <a href=${one.vtt} download=${`captions.${one.language}.vtt`} aria-label=${`Captions ${ownName(one.language)}, VTT`}>VTT</a>
              <a href=${one.srt} download=${`captions.${one.language}.srt`} aria-label=${`Captions ${ownName(one.language)}, SRT`}>SRT</a>
            </li>`,
          )}
        </ul>
      </div>
    `;
  }

  get #video(): HTMLVideoElement | null {
    return this.renderRoot.querySelector('video');
  }

  get #track(): TrackView | undefined {
    return this.dub.tracks.find((one) => one.id === this.trackId) ?? this.dub.tracks[0];
  }

  /** Where the browser shows the picture alone, its name still says what is heard. */
  readonly #nameForBrowser = () => {
    const track = this.#track;
    if (!track || !('mediaSession' in navigator)) return;
    const title = `${track.tier === undefined ? '' : `AI dub, ${ownName(track.language)}: `}${this.dub.title}`;
    navigator.mediaSession.metadata = new MediaMetadata({ title });
  };

  #label(track: TrackView): string {
    return track.tier === undefined ? 'Original' : `${ownName(track.language)} (AI dub)`;
  }

  #captionLabel(language: string): string {
    const source = language === this.dub.sourceLanguage;
    return source ? ownName(language) : `${ownName(language)} (AI)`;
  }

  /** Loads another track and goes on where the listener was. */
  #switchTo(track: TrackView): void {
    const video = this.#video;
    this.failed = false;
    if (video) {
      const { currentTime, paused, playbackRate } = video;
      // A second choice before the first has loaded goes on from the same place.
      this.#place ??= { currentTime, paused, playbackRate };
    }
    // A listener who reads along goes on reading in the language that is heard.
    if (this.captions !== '' && this.dub.captions.some((one) => one.language === track.language)) {
      this.captions = track.language;
    }
    this.trackId = track.id;
    if (document.pictureInPictureElement) this.#nameForBrowser();
  }

  #onLoaded(): void {
    const video = this.#video;
    const place = this.#place;
    this.#place = undefined;
    if (!video || !place) return;
    video.currentTime = place.currentTime;
    video.playbackRate = place.playbackRate;
    // A browser may refuse to play without a new click; the controls are there for it.
    if (!place.paused) video.play().catch(() => {});
  }

  #chooseCaptions(event: Event): void {
    this.captions = (event.target as HTMLSelectElement).value;
  }

  #onError(event: Event): void {
    if (event.target === this.#video) this.failed = true;
  }

  static override styles = playerStyles;
}

customElements.define('dub-player', DubPlayer);
