import { html, nothing } from 'lit';
import { ownName } from '../languages.ts';
import type { CaptionView } from '../sdk/caption-timeline.ts';
import type { ReceiveStats, TrackStats } from '../sdk/receive-stats.ts';
import { icon } from '../ui/icons.ts';
import type { PlayerSession } from './player-session.ts';
import type { Preferences } from './preferences.ts';
import type { StageMessage } from './stage-message.ts';

/** Of every badge: what it means, and where it leads. */
const DUB_TITLE = 'Made by a machine, and marked so that it can be recognised. How to check a clip';

/** Live, AI dub, and how far behind: over the picture as long as something is played. */
export function chips(session: PlayerSession) {
  const { channel, selection, behindMs } = session;
  const { language, mode } = selection;
  const onAir = channel?.state === 'live' && session.state === 'connected';
  const delayed = language !== null && mode === 'synced';
  return html`<div class="chips">
    ${onAir && !delayed ? html`<span class="chip live">Live</span>` : nothing}
    ${
      session.dub === undefined
        ? nothing
        : html`<a class="chip dub" href=${session.verifyAddress}
          target="_blank" rel="noopener" title=${DUB_TITLE}>AI dub${session.lipsMoved ? ' · lips moved' : ''} · ${ownName(session.dub)}</a>`
    }
    ${
      !onAir || language === null
        ? nothing
        : html`<span class="chip lag">${
            behindMs === undefined
              ? 'Waiting for speech'
              : delayed
                ? html`<span>${seconds(behindMs)} behind<span class="word"> live</span></span>`
                : html`<span><span class="word">Voice </span>${seconds(behindMs)} behind</span>`
          }</span>`
    }
  </div>`;
}

export function captionLine(
  view: CaptionView | undefined,
  preferences: Preferences,
  language: string | null,
) {
  if (!view) return nothing;
  const said = view.committed || view.stable || view.unstable;
  if (!said && !view.notice) return nothing;
  const { captionSize = 'medium', captionBackground = 'shade' } = preferences;
  const words = [view.committed, view.stable].filter(Boolean).join(' ');
  return html`<div class="captions ${captionSize} ${captionBackground}" lang=${language ?? nothing}>
    ${view.notice ? html`<p class="dub-notice"><span>${view.notice}</span></p>` : nothing}
    ${said ? html`<p><span><span>${words} ${view.unstable ? html`<span class="unstable">${view.unstable}</span>` : nothing}</span></span></p>` : nothing}
  </div>`;
}

export interface MessageActions {
  readonly retry: () => void;
  readonly play: () => void;
  readonly token: (token: string) => void;
}

export function stageMessageView(message: StageMessage | undefined, act: MessageActions) {
  if (!message) return nothing;
  const { title, text, busy, action } = message;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).querySelector('input');
    if (field?.value.trim()) act.token(field.value.trim());
  };
  if (action === 'sound' || action === 'play') {
    return html`<div class="message light">
      <button class="big" @click=${act.play}>${icon(action === 'sound' ? 'sound' : 'play')}${
        action === 'sound' ? title : 'Go on live'
      }</button>
    </div>`;
  }
  return html`<div class="message">
    ${busy ? html`<div class="spinner"></div>` : nothing}
    <h2>${title}</h2>
    ${text ? html`<p>${text}</p>` : nothing}
    ${action === 'retry' ? html`<button class="big" @click=${act.retry}>Try now</button>` : nothing}
    ${
      action === 'token'
        ? html`<form @submit=${submit}>
            <input type="text" aria-label="Token" placeholder="Token" autocomplete="off" spellcheck="false" />
            <button class="big">Watch</button>
          </form>`
        : nothing
    }
  </div>`;
}

export function statsPanel(stats: ReceiveStats | undefined) {
  if (!stats) return html`<section class="stats" aria-label="Figures">No figures yet.</section>`;
  return html`<section class="stats" aria-label="Figures">
    <dl>
      ${stats.tracks.map((track) => trackRows(track))}
      <dt>Round trip</dt>
      <dd>${stats.roundTripMs === undefined ? '–' : `${Math.round(stats.roundTripMs)} ms`}</dd>
      ${
        stats.soundAheadMs === undefined
          ? nothing
          : html`<dt>Sound ahead of picture</dt><dd>${Math.round(stats.soundAheadMs)} ms</dd>`
      }
    </dl>
  </section>`;
}

function trackRows(track: TrackStats) {
  const figures = [
    track.codec,
    track.width ? `${track.width}×${track.height}` : undefined,
    track.fps === undefined ? undefined : `${Math.round(track.fps)} fps`,
    `${Math.round(track.bitrateBps / 1000)} kbit/s`,
    `loss ${(track.loss * 100).toFixed(1)} %`,
    `jitter ${Math.round(track.jitterMs)} ms`,
    `buffer ${Math.round(track.bufferMs)} ms`,
    track.framesDropped ? `${track.framesDropped} dropped` : undefined,
  ];
  return html`<dt>${track.track}</dt><dd>${figures.filter(Boolean).join(' · ')}</dd>`;
}

function seconds(timeMs: number): string {
  return `${(timeMs / 1000).toFixed(1)} s`;
}
