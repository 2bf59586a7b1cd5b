import { html, nothing } from 'lit';
import type { Mode, RenditionView } from '../../../server/live/contract.ts';
import { faceText, hasFaces } from '../face-text.ts';
import { ownName, tierLine } from '../languages.ts';
import type { PlayerSession } from './player-session.ts';
import type { CaptionBackground, CaptionSize } from './preferences.ts';

/** What can be heard: the original, and one dub for each language. */
export function languagePicker(session: PlayerSession) {
  const { channel, selection } = session;
  if (!channel) return nothing;
  const choice = (
    language: string | null,
    name: string,
    what: string,
  ) => html`<label lang=${language ?? channel.from}>
    <input type="radio" name="language" .checked=${selection.language === language}
      @change=${() => session.choose(followed(session, language))} /><span>${name} <small>${what}</small></span>
  </label>`;
  return html`<fieldset class="languages">
    <legend>Listen in</legend>
    <div class="choices">
      ${choice(null, ownName(channel.from), 'original')}
      ${channel.renditions.map((one) => choice(one.language, ownName(one.language), 'AI dub'))}
    </div>
    ${dubLine(session, session.rendition)}
  </fieldset>`;
}

/** A viewer who reads along in the language that was heard goes on reading in the one that is heard now. */
function followed(session: PlayerSession, language: string | null) {
  const { captions, language: before } = session.selection;
  const from = session.channel?.from ?? null;
  return captions !== null && captions === (before ?? from)
    ? { language, captions: language ?? from }
    : { language };
}

function dubLine(session: PlayerSession, rendition: RenditionView | undefined) {
  if (!rendition) return nothing;
  const trouble = dubTrouble(session, rendition);
  return html`<p class="hint ${trouble ? 'warn' : ''}">${trouble ?? html`<strong>AI dub.</strong> ${tierLine(rendition.tier)}`}</p>`;
}

/** Why a chosen dub is not heard, or not as it should be. */
export function dubTrouble(session: PlayerSession, rendition: RenditionView): string | undefined {
  const { channel } = session;
  if (channel?.state !== 'live') return undefined;
  if (channel.dub === 'starting') return 'The dub is starting. Until then you hear the original.';
  if (channel.dub === 'off' || rendition.state === 'off') {
    return 'The dub is not available at this moment. You hear the original.';
  }
  if (rendition.control === 'mute') return 'The broadcaster has muted this dub. Captions go on.';
  if (rendition.control === 'hold') return 'The broadcaster holds this dub. You hear the original.';
  if (rendition.control === 'stop') return 'The broadcaster has stopped this dub. You hear the original.';
  return rendition.degraded;
}

export function dubControls(session: PlayerSession) {
  const { channel, selection } = session;
  if (!channel || selection.language === null) return nothing;
  const delayS = Math.round(channel.delayMs / 100) / 10;
  const mode = (value: Mode, text: string) => html`<label>
    <input type="radio" name="mode" .checked=${selection.mode === value}
      @change=${() => session.choose({ mode: value })} /><span>${text}</span>
  </label>`;
  return html`<div class="row">
    <fieldset>
      <legend>How</legend>
      <div class="choices">${mode('interpret', 'Interpreter')}${mode('synced', 'In sync')}</div>
      <p class="hint">${
        selection.mode === 'interpret'
          ? 'Picture and original are live; the voice follows a few seconds later, like an interpreter.'
          : `Everything runs ${delayS} s behind live, so that the voice fits the picture.`
      }</p>
    </fieldset>
    ${lipsControl(session)}
    <div>
      <div class="label" id="balance-label">Original and dub</div>
      <div class="balance">
        <span aria-hidden="true">Original</span>
        <input type="range" min="0" max="100" step="5" aria-labelledby="balance-label"
          aria-valuetext=${balanceText(session.balance)} .value=${String(Math.round(session.balance * 100))}
          @input=${(event: Event) => session.keep({ balance: Number((event.target as HTMLInputElement).value) / 100 })} />
        <span aria-hidden="true">Dub</span>
      </div>
      ${lagMeter(session)}
    </div>
  </div>`;
}

/** Lips that follow the dub, or as filmed: where a language has the choice. */
function lipsControl(session: PlayerSession) {
  const { rendition, selection, channel } = session;
  if (!rendition || selection.mode !== 'synced' || !hasFaces(rendition.face)) return nothing;
  const choice = (face: boolean, text: string) => html`<label>
    <input type="radio" name="lips" .checked=${selection.face === face}
      @change=${() => session.choose({ face })} /><span>${text}</span>
  </label>`;
  const asFilmed = 'The picture is as filmed; the lips speak the original.';
  return html`<fieldset>
    <legend>Lips</legend>
    <div class="choices">${choice(true, 'Dubbed')}${choice(false, 'Original')}</div>
    ${channel?.state === 'interrupted' ? nothing : html`<p class="hint">${selection.face ? faceText(rendition.face) : asFilmed}</p>`}
  </fieldset>`;
}

function balanceText(balance: number): string {
  if (balance <= 0.02) return 'original only';
  if (balance >= 0.98) return 'dub only';
  return balance === 0.5 ? 'both, original lowered' : balance < 0.5 ? 'more original' : 'more dub';
}

function lagMeter(session: PlayerSession) {
  const { behindMs, selection } = session;
  if (selection.mode === 'synced') return nothing;
  const lagS = (behindMs ?? 0) / 1000;
  return html`<div class="label" id="lag-label">${
    behindMs === undefined
      ? 'The voice has not spoken yet'
      : `The voice is ${lagS.toFixed(1)} s behind the speaker`
  }</div>
  <meter aria-labelledby="lag-label" min="0" max="8" low="4" high="6" optimum="1" .value=${lagS}></meter>`;
}

export function captionControls(session: PlayerSession) {
  const { channel, selection, preferences } = session;
  if (!channel) return nothing;
  const value = (event: Event) => (event.target as HTMLSelectElement).value;
  const option = (key: string, text: string, chosen: string) =>
    html`<option value=${key} ?selected=${key === chosen}>${text}</option>`;
  const captions = selection.captions ?? '';
  const { captionSize = 'medium', captionBackground = 'shade' } = preferences;
  return html`<div>
    <div class="label">Captions</div>
    <div class="selects">
      <select aria-label="Captions" @change=${(event: Event) => session.choose({ captions: value(event) || null })}>
        ${option('', 'Off', captions)}
        ${option(channel.from, `${ownName(channel.from)} · as spoken`, captions)}
        ${channel.renditions.map((one) => option(one.language, `${ownName(one.language)} · AI`, captions))}
      </select>
      ${
        captions === ''
          ? nothing
          : html`<select aria-label="Size of captions"
                @change=${(event: Event) => session.keep({ captionSize: value(event) as CaptionSize })}>
                ${option('small', 'Small', captionSize)}${option('medium', 'Medium', captionSize)}
                ${option('large', 'Large', captionSize)}
              </select>
              <select aria-label="Background of captions"
                @change=${(event: Event) => session.keep({ captionBackground: value(event) as CaptionBackground })}>
                ${option('shade', 'Shaded', captionBackground)}${option('solid', 'Black', captionBackground)}
                ${option('none', 'No background', captionBackground)}
              </select>`
      }
    </div>
  </div>`;
}
