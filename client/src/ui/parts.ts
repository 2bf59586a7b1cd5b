import { html, nothing } from 'lit';
import type { ChannelState } from '../../../server/live/contract.ts';
import type { LiveProblem } from '../sdk/problem.ts';

/** Brand and way back, at the top of each live page. */
export function brand() {
  return html`<a class="brand" href="/"><img src="/icon.svg" alt="" width="28" height="28" />livedub</a>`;
}

const STATES: Readonly<Record<ChannelState, string>> = {
  idle: 'Off air',
  live: 'On air',
  interrupted: 'Interrupted',
};

export function stateTag(state: ChannelState) {
  return html`<span class="state ${state}">${STATES[state]}</span>`;
}

export function problemBox(problem: LiveProblem | undefined) {
  if (!problem) return nothing;
  return html`<div class="problem" role="alert">
    <strong>${problem.message}</strong>
    ${problem.remedy ? html`<p>${problem.remedy}</p>` : nothing}
  </div>`;
}

/** bit/s → `1.2 Mbit/s` or `64 kbit/s`. */
export function bitrate(bitrateBps: number): string {
  return bitrateBps >= 1e6
    ? `${(bitrateBps / 1e6).toFixed(1)} Mbit/s`
    : `${Math.round(bitrateBps / 1000)} kbit/s`;
}

/** Share 0…1 → `1.2 %`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** The tag with which another site shows the player. */
export function embedSnippet(origin: string, channel: string): string {
  return `<script src="${origin}/player.js" async></script>\n<livedub-player channel="${channel}"></livedub-player>`;
}
