import { html, LitElement, nothing } from 'lit';
import type { ChannelView, OperatorChannel } from '../../../server/live/contract.ts';
import { asProblem, LiveProblem } from '../sdk/problem.ts';
import { RestClient } from '../sdk/rest-client.ts';
import { icon } from '../ui/icons.ts';
import '../ui/level-meter.ts';
import { channelOfAddress, keepPageToken, pageToken } from '../ui/page-token.ts';
import { bitrate, brand, percent, problemBox, stateTag } from '../ui/parts.ts';
import { sharedStyles } from '../ui/shared-styles.ts';
import '../ui/token-prompt.ts';
import { PublishSession } from './publish-session.ts';
import { publishStyles } from './publish-styles.ts';
import { QUALITIES, type Quality, type SourceKind } from './source.ts';

const SOURCES: readonly (readonly [SourceKind, Parameters<typeof icon>[0], string])[] = [
  ['camera', 'camera', 'Camera'],
  ['microphone', 'sound', 'Sound only'],
  ['screen', 'screen', 'Screen'],
  ['file', 'file', 'File'],
];

/** How often the page looks whether the channel is on the air. */
const ASK_AGAIN_MS = 5000;

/** A sender finds out how much the network takes: until then, less is no sign of trouble. */
const RAMP_UP_MS = 15_000;

/** Go live from this browser: choose a source, look and listen, publish it by WHIP. */
export class PublishPage extends LitElement {
  static override properties = {
    channel: { state: true },
    problem: { state: true },
    needsToken: { state: true },
    kind: { state: true },
    devices: { state: true },
  };

  declare channel: ChannelView | undefined;
  declare problem: LiveProblem | undefined;
  declare needsToken: boolean;
  declare kind: SourceKind;
  declare devices: readonly MediaDeviceInfo[];
  readonly #id = channelOfAddress() ?? '';
  readonly #rest = new RestClient({ token: pageToken() });
  readonly #session = new PublishSession(() => this.requestUpdate());
  #publishToken: string | undefined = this.#rest.token;
  #cameraId = '';
  #microphoneId = '';
  #speechId = '';
  #quality: Quality = 'high';
  #codec: 'VP8' | 'H264' = 'VP8';
  #processing = false;
  #loop = false;
  #file: File | undefined;
  readonly #timers: ReturnType<typeof setInterval>[] = [];

  constructor() {
    super();
    this.kind = 'camera';
    this.devices = [];
    this.needsToken = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('pagehide', this.#onLeave);
    addEventListener('beforeunload', this.#onBeforeLeave);
    navigator.mediaDevices?.addEventListener('devicechange', this.#listDevices);
    void this.#ask();
    void this.#listDevices();
    this.#timers.push(
      setInterval(() => this.#session.onAir && this.requestUpdate(), 1000),
      setInterval(() => this.channel && void this.#askAgain(), ASK_AGAIN_MS),
    );
  }

  override disconnectedCallback(): void {
    removeEventListener('pagehide', this.#onLeave);
    removeEventListener('beforeunload', this.#onBeforeLeave);
    navigator.mediaDevices?.removeEventListener('devicechange', this.#listDevices);
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#session.close();
    super.disconnectedCallback();
  }

  protected override updated(): void {
    const stage = this.renderRoot.querySelector<HTMLElement>('.preview');
    const video = stage?.querySelector('video');
    const stream = this.#session.source?.stream;
    if (video && video.srcObject !== (stream ?? null)) video.srcObject = stream ?? null;
  }

  override render() {
    return html`<div class="page">
      <header class="top">
        ${brand()}
        <h1>${this.channel ? `Go live: ${this.channel.title}` : 'Go live'}</h1>
        ${this.channel ? stateTag(this.channel.state) : nothing}
        <nav>
          <a class="plain" href="/desk/${this.#id}">Desk</a>
          <a class="plain" href="/watch/${this.#id}" target="_blank">Watch</a>
        </nav>
      </header>
      ${
        this.needsToken
          ? html`<token-prompt what="publish" .reason=${this.problem?.message ?? ''} @token=${this.#onToken}></token-prompt>`
          : this.#body()
      }
    </div>`;
  }

  #body() {
    return html`<main class="columns">
      <section class="card stage" aria-label="Preview">
        ${this.#preview()} ${this.#levels()} ${problemBox(inOwnWords(this.#session.problem) ?? this.problem)} ${this.#button()}
        ${this.#figures()}
      </section>
      <section class="card" aria-label="Source">${this.#settings()}</section>
    </main>`;
  }

  #preview() {
    const { source, state, liveSince } = this.#session;
    const picture = (source?.stream.getVideoTracks().length ?? 0) > 0;
    return html`<div class="preview">
      <video muted autoplay playsinline ?hidden=${!picture} aria-label="Preview"></video>
      ${picture ? nothing : html`<p class="hint">${source ? 'Sound only' : 'Choose a source to see it here'}</p>`}
      ${
        state === 'live'
          ? html`<span class="on-air" role="status">On air ${liveSince ? sinceText(liveSince) : ''}</span>`
          : state === 'connecting' || state === 'reconnecting'
            ? html`<span class="on-air waiting" role="status">${state === 'connecting' ? 'Connecting …' : 'Reconnecting …'}</span>`
            : nothing
      }
    </div>`;
  }

  #levels() {
    const { levelDbfs, speechDbfs, source } = this.#session;
    if (!source) return nothing;
    if (source.stream.getAudioTracks().length === 0)
      return html`<p class="small bad">This source has no sound: nothing can be dubbed.</p>`;
    return html`<level-meter label="Level of the programme" .level=${levelDbfs}></level-meter>
      ${speechDbfs === undefined ? nothing : html`<level-meter label="Level of the clean speech" .level=${speechDbfs}></level-meter>`}`;
  }

  #button() {
    const { source, onAir, problem } = this.#session;
    if (onAir) {
      return html`<button class="big stop" @click=${this.#stop}>Stop</button>`;
    }
    const taken = problem?.status === 409;
    return html`
      <button class="big main" ?disabled=${!source} @click=${() => this.#goLive(false)}>${icon('record')}Go live</button>
      ${taken ? html`<button class="danger" @click=${() => this.#goLive(true)}>Take over from the other publisher</button>` : nothing}
    `;
  }

  /** A double click on “Go live” ends on the button that has taken its place: only a click of its own stops. */
  readonly #stop = (event: MouseEvent) => {
    if (event.detail > 1) return;
    void this.#session.stop();
  };

  #figures() {
    const { stats, onAir } = this.#session;
    if (!stats || !onAir) return nothing;
    const rows: readonly (readonly [string, string])[] = [
      ['Picture', stats.width ? `${stats.width}×${stats.height}` : '–'],
      ['Frames', stats.fps === undefined ? '–' : `${Math.round(stats.fps)} fps ${stats.codec ?? ''}`],
      ['Video', bitrate(stats.videoBps)],
      ['Sound', bitrate(stats.audioBps)],
      ['Loss', percent(stats.loss)],
      ['Round trip', stats.roundTripMs === undefined ? '–' : `${Math.round(stats.roundTripMs)} ms`],
    ];
    return html`<dl class="figures">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
      ${
        stats.limitedBy && Date.now() - (this.#session.liveSince?.getTime() ?? 0) > RAMP_UP_MS
          ? html`<p class="small muted">${
              stats.limitedBy === 'cpu'
                ? 'This computer cannot keep up: the browser sends a smaller picture. Choose a lower quality.'
                : 'The connection is too slow for this quality: the browser sends less.'
            }</p>`
          : nothing
      }`;
  }

  #settings() {
    const locked = this.#session.onAir;
    return html`<h2>Source</h2>
      <fieldset ?disabled=${locked} class="grid">
        <div class="sources" role="group" aria-label="Kind of source">
          ${SOURCES.map(
            ([kind, name, label]) =>
              html`<button aria-pressed=${this.kind === kind && this.#session.source !== undefined}
                @click=${() => this.#chooseKind(kind)}>${icon(name)}${label}</button>`,
          )}
        </div>
        <input type="file" accept="video/*,audio/*" hidden @change=${this.#onFile} aria-label="File to publish" />
        ${this.kind === 'file' ? this.#fileSettings() : this.#deviceSettings()}
        ${this.kind === 'microphone' ? nothing : this.#qualityPicker()}
        <details>
          <summary>More</summary>
          <div class="grid">
            <label class="field">Video codec
              <select @change=${(event: Event) => (this.#codec = chosenOf(event) as 'VP8' | 'H264')}>
                <option value="VP8">VP8 (works everywhere)</option>
                <option value="H264">H.264 (quicker to record)</option>
              </select>
            </label>
            ${
              this.kind === 'file'
                ? nothing
                : html`<label class="check"><input type="checkbox" .checked=${this.#processing}
                  @change=${(event: Event) => this.#set(() => (this.#processing = checkedOf(event)))} />Echo and noise suppression</label>`
            }
            ${this.#picker('audioinput', 'Clean speech on a second microphone', this.#speechId, 'None', (id) => (this.#speechId = id))}
            <p class="small muted">Clean speech is dubbed instead of the programme’s sound, which stays as background. The channel’s dubbing source has to be “second track”.</p>
          </div>
        </details>
      </fieldset>
      ${locked ? html`<p class="small muted">Stop to change the source.</p>` : nothing}`;
  }

  #qualityPicker() {
    return html`<label class="field">Quality
      <select @change=${(event: Event) => this.#set(() => (this.#quality = chosenOf(event) as Quality))}>
        ${Object.entries(QUALITIES).map(([key, { label }]) => html`<option value=${key} ?selected=${key === this.#quality}>${label}</option>`)}
      </select>
    </label>`;
  }

  #fileSettings() {
    return html`<p class="small">${this.#file ? this.#file.name : 'No file chosen.'}</p>
      <label class="check"><input type="checkbox" .checked=${this.#loop}
        @change=${(event: Event) => this.#set(() => (this.#loop = checkedOf(event)))} />Begin again at its end</label>`;
  }

  #deviceSettings() {
    return html`${
      this.kind === 'camera'
        ? this.#picker(
            'videoinput',
            'Camera',
            this.#cameraId,
            'Default camera',
            (id) => (this.#cameraId = id),
          )
        : nothing
    }
    ${this.#picker('audioinput', 'Microphone', this.#microphoneId, 'Default microphone', (id) => (this.#microphoneId = id))}`;
  }

  #picker(kind: MediaDeviceKind, label: string, chosen: string, none: string, choose: (id: string) => void) {
    const devices = this.devices.filter((one) => one.kind === kind && one.deviceId);
    return html`<label class="field">${label}
      <select @change=${(event: Event) => this.#set(() => choose(chosenOf(event)))}>
        <option value="">${none}</option>
        ${devices.map(
          (one, index) =>
            html`<option value=${one.deviceId} ?selected=${one.deviceId === chosen}>${one.label || `${label} ${index + 1}`}</option>`,
        )}
      </select>
    </label>`;
  }

  #chooseKind(kind: SourceKind): void {
    this.kind = kind;
    if (kind === 'file') {
      this.renderRoot.querySelector<HTMLInputElement>('input[type=file]')?.click();
      if (!this.#file) return;
    }
    void this.#open();
  }

  #set(change: () => void): void {
    change();
    if (this.#session.source) void this.#open();
  }

  readonly #onFile = (event: Event) => {
    this.#file = (event.target as HTMLInputElement).files?.[0];
    if (this.#file) void this.#open();
  };

  async #open(): Promise<void> {
    const { kind } = this;
    await this.#session.open(
      {
        kind,
        quality: this.#quality,
        cameraId: this.#cameraId,
        microphoneId: this.#microphoneId,
        processing: this.#processing,
        file: this.#file,
        loop: this.#loop,
      },
      this.#speechId,
    );
    // Names of devices are told once one was allowed.
    await this.#listDevices();
  }

  readonly #listDevices = async () => {
    this.devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  };

  async #goLive(takeOver: boolean): Promise<void> {
    const endpoint = this.#rest.address(`/v1/channels/${this.#id}/whip`);
    await this.#session.goLive({ endpoint, token: this.#publishToken, takeOver, videoCodec: this.#codec });
    const status = this.#session.problem?.status;
    if (status === 401 || status === 403) this.#askForToken(this.#session.problem);
    void this.#ask();
  }

  async #ask(): Promise<void> {
    try {
      const channel = await this.#rest.get<ChannelView | OperatorChannel>(`/v1/channels/${this.#id}`);
      this.channel = channel;
      // Whoever runs the channel needs no token of their own to publish.
      if ('publish' in channel) this.#publishToken = channel.publish.token;
      this.problem = undefined;
      document.title = `Go live: ${channel.title} · livedub`;
    } catch (error) {
      const problem = asProblem(error);
      this.problem = problem;
      if (problem.status === 401 || problem.status === 403) this.#askForToken(problem);
    }
  }

  /** Whether the channel is on the air changes while the page is open. */
  async #askAgain(): Promise<void> {
    this.channel = await this.#rest
      .get<ChannelView | OperatorChannel>(`/v1/channels/${this.#id}`)
      .catch(() => this.channel);
  }

  #askForToken(problem: LiveProblem | undefined): void {
    this.problem = problem;
    // A token that only publishes need not be allowed to read a private channel.
    if (!this.#publishToken || this.#session.problem) this.needsToken = true;
  }

  readonly #onToken = (event: CustomEvent<string>) => {
    keepPageToken(event.detail);
    this.#rest.token = event.detail;
    this.#publishToken = event.detail;
    this.#session.problem = undefined;
    this.needsToken = false;
    void this.#ask();
  };

  readonly #onLeave = () => this.#session.close();

  readonly #onBeforeLeave = (event: BeforeUnloadEvent) => {
    if (this.#session.onAir) event.preventDefault();
  };

  static override styles = [sharedStyles, publishStyles];
}

/** What the server says to encoders, in words that fit the buttons of this page. */
function inOwnWords(problem: LiveProblem | undefined): LiveProblem | undefined {
  if (problem?.status !== 409) return problem;
  const { code, message } = problem;
  return new LiveProblem(
    { code, message, remedy: 'Take over, or wait until the other one has stopped.' },
    409,
  );
}

function chosenOf(event: Event): string {
  return (event.target as HTMLSelectElement).value;
}

function checkedOf(event: Event): boolean {
  return (event.target as HTMLInputElement).checked;
}

function sinceText(since: Date): string {
  const seconds = Math.max(0, Math.floor((Date.now() - since.getTime()) / 1000));
  const part = (value: number) => String(value).padStart(2, '0');
  return `${Math.floor(seconds / 3600)}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}`;
}

customElements.define('publish-page', PublishPage);
