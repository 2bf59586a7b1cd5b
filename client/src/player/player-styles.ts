import { css } from 'lit';

export const playerStyles = css`
  :host {
    --p-card: light-dark(#ffffff, #191b26);
    --p-field: light-dark(#f6f6fb, #0f1017);
    --p-line: light-dark(#dcdde8, #2e3142);
    --p-text: light-dark(#1b1c28, #eceef6);
    --p-muted: light-dark(#565a70, #a3a8bf);
    --p-accent: light-dark(#4338ca, #a5a0ff);
    --p-on-accent: light-dark(#ffffff, #14142b);
    --p-warn: light-dark(#8a4b00, #ffc877);
    color-scheme: light dark;
    display: block;
    container-type: inline-size;
    color: var(--p-text);
    background: var(--p-card);
    border-radius: 14px;
    overflow: hidden;
    font-family: system-ui, -apple-system, 'Segoe UI', Roboto, Ubuntu, 'Noto Sans', 'DejaVu Sans', sans-serif;
    font-size: 1rem;
    line-height: 1.45;
    text-align: start;
  }
  :host([hidden]) {
    display: none;
  }
  * {
    box-sizing: border-box;
  }
  .root {
    display: flex;
    flex-direction: column;
    background: var(--p-card);
  }
  .stage {
    position: relative;
    aspect-ratio: 16 / 9;
    max-height: 78vh;
    min-height: 12.5rem;
    width: 100%;
    overflow: hidden;
    color: #fff;
    background: #0b0c12;
  }
  video {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    object-fit: contain;
  }
  video[hidden] {
    display: none;
  }
  .sound-only {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 1rem;
    padding-bottom: 3.5rem;
    background: radial-gradient(circle at 50% 40%, #2a2a55, #0b0c12 70%);
  }
  .bars {
    display: flex;
    align-items: center;
    gap: 0.4rem;
    height: 6rem;
  }
  .bars i {
    width: 0.6rem;
    height: 100%;
    border-radius: 99px;
    background: #a5a0ff;
    transform: scaleY(calc(0.12 + var(--level, 0) * var(--part, 0.5)));
    transition: transform 90ms linear;
  }
  .bars i:nth-child(odd) {
    --part: 0.5;
  }
  .bars i:nth-child(even) {
    --part: 0.75;
  }
  .bars i:nth-child(3) {
    --part: 0.88;
  }
  .chips {
    position: absolute;
    z-index: 3;
    inset: 0.75rem 0.75rem auto;
    display: flex;
    flex-wrap: wrap;
    gap: 0.4rem;
    pointer-events: none;
    font-size: 0.85rem;
    font-weight: 600;
  }
  .chip {
    display: inline-flex;
    align-items: center;
    gap: 0.4rem;
    padding: 0.15rem 0.7rem;
    border-radius: 99px;
    color: #fff;
    background: rgb(11 12 18 / 78%);
  }
  .chip.live::before {
    content: '';
    width: 0.5rem;
    height: 0.5rem;
    border-radius: 50%;
    background: #ff5d5d;
  }
  .chip.dub {
    background: #4338ca;
    box-shadow: 0 0 0 2px rgb(255 255 255 / 65%);
  }
  .chip.lag {
    margin-inline-start: auto;
    font-variant-numeric: tabular-nums;
  }
  .message {
    position: absolute;
    z-index: 2;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 0.5rem;
    padding: 3rem 1.25rem 4rem;
    text-align: center;
    background: rgb(11 12 18 / 72%);
  }
  .message.light {
    background: rgb(11 12 18 / 35%);
  }
  .message h2 {
    margin: 0;
    font-size: 1.25rem;
  }
  .message p {
    margin: 0;
    max-width: 28rem;
    color: #d4d6e6;
  }
  .message form {
    display: flex;
    flex-wrap: wrap;
    justify-content: center;
    gap: 0.5rem;
    margin-top: 0.5rem;
  }
  .big {
    display: inline-flex;
    align-items: center;
    gap: 0.6rem;
    min-height: 52px;
    padding: 0.5rem 1.5rem;
    border: 0;
    border-radius: 99px;
    font: inherit;
    font-size: 1.1rem;
    font-weight: 600;
    color: #14142b;
    background: #fff;
    cursor: pointer;
  }
  .spinner {
    width: 2rem;
    height: 2rem;
    border: 3px solid rgb(255 255 255 / 25%);
    border-top-color: #fff;
    border-radius: 50%;
    animation: turn 1s linear infinite;
  }
  @keyframes turn {
    to {
      transform: rotate(1turn);
    }
  }
  .captions {
    position: absolute;
    z-index: 1;
    inset: auto 4% 3.9rem;
    display: flex;
    justify-content: center;
    pointer-events: none;
  }
  .captions p {
    display: flex;
    flex-direction: column;
    justify-content: flex-end;
    max-width: 46rem;
    max-height: calc(3 * 1.4em + 0.5em);
    margin: 0;
    overflow: hidden;
    padding: 0.2em 0.6em;
    border-radius: 6px;
    font-size: clamp(0.95rem, 3.2cqi, 1.5rem);
    line-height: 1.4;
    text-align: center;
    text-wrap: balance;
  }
  .captions.small p {
    font-size: clamp(0.82rem, 2.4cqi, 1.1rem);
  }
  .captions.large p {
    font-size: clamp(1.2rem, 4.4cqi, 2.1rem);
  }
  .captions.solid p {
    background: rgb(0 0 0 / 92%);
  }
  .captions.shade p {
    background: rgb(0 0 0 / 62%);
  }
  .captions.none p {
    text-shadow: 0 0 3px #000, 0 0 6px #000, 0 1px 2px #000;
  }
  .captions .unstable {
    opacity: 0.62;
  }
  .bar {
    position: absolute;
    z-index: 3;
    inset: auto 0 0;
    display: flex;
    align-items: center;
    gap: 0.1rem;
    padding: 1.2rem 0.4rem 0.2rem;
    background: linear-gradient(transparent, rgb(11 12 18 / 85%));
  }
  .bar .gap {
    flex: 1;
  }
  .bar button {
    display: grid;
    place-items: center;
    width: 44px;
    height: 44px;
    padding: 0;
    border: 0;
    border-radius: 10px;
    color: #fff;
    background: transparent;
    cursor: pointer;
  }
  .bar button:hover,
  .bar button[aria-pressed='true'] {
    background: rgb(255 255 255 / 18%);
  }
  .bar input {
    width: 6.5rem;
    min-height: 44px;
    accent-color: #fff;
  }
  .stats {
    position: absolute;
    z-index: 4;
    inset: 2.9rem auto auto 0.75rem;
    max-width: calc(100% - 1.5rem);
    max-height: calc(100% - 7rem);
    overflow: auto;
    padding: 0.6rem 0.9rem;
    border-radius: 10px;
    font-size: 0.8rem;
    font-variant-numeric: tabular-nums;
    background: rgb(11 12 18 / 88%);
  }
  .stats dl {
    display: grid;
    grid-template-columns: auto auto;
    gap: 0.1rem 1rem;
    margin: 0;
  }
  .stats dt {
    color: #b6bad0;
  }
  .stats dd {
    margin: 0;
  }
  .toasts {
    position: absolute;
    z-index: 4;
    inset: auto 0.75rem 4.2rem auto;
    display: grid;
    justify-items: end;
    gap: 0.4rem;
    max-width: min(24rem, calc(100% - 1.5rem));
    font-size: 0.88rem;
  }
  .toast {
    padding: 0.5rem 0.9rem;
    border-radius: 10px;
    color: #1b1c28;
    background: #fff;
    box-shadow: 0 4px 16px rgb(0 0 0 / 35%);
  }
  .toast.warning {
    background: #ffe6bd;
  }
  .panel {
    display: grid;
    gap: 0.9rem 1.5rem;
    padding: 0.9rem 1.1rem 1.1rem;
  }
  fieldset {
    min-width: 0;
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend,
  .label {
    padding: 0;
    margin-bottom: 0.3rem;
    font-size: 0.85rem;
    color: var(--p-muted);
  }
  .choices {
    display: flex;
    flex-wrap: wrap;
    gap: 0.4rem;
  }
  .choices label {
    position: relative;
    cursor: pointer;
  }
  .choices input {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    margin: 0;
    opacity: 0;
    cursor: pointer;
  }
  .choices span {
    display: flex;
    align-items: center;
    min-height: 44px;
    padding: 0.3rem 1rem;
    border: 1px solid var(--p-line);
    border-radius: 10px;
    background: var(--p-field);
  }
  .choices label:hover span {
    border-color: var(--p-accent);
  }
  .choices input:checked + span {
    color: var(--p-on-accent);
    background: var(--p-accent);
    border-color: var(--p-accent);
    font-weight: 600;
  }
  .row {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr));
    gap: 0.9rem 1.5rem;
    align-items: start;
  }
  .hint {
    margin: 0.3rem 0 0;
    font-size: 0.85rem;
    color: var(--p-muted);
  }
  .hint.warn {
    color: var(--p-warn);
  }
  .balance {
    display: grid;
    grid-template-columns: auto 1fr auto;
    align-items: center;
    gap: 0.6rem;
    font-size: 0.9rem;
  }
  input[type='range'] {
    min-width: 0;
    min-height: 44px;
    margin: 0;
    accent-color: var(--p-accent);
    cursor: pointer;
  }
  select,
  input[type='text'] {
    min-height: 44px;
    max-width: 100%;
    padding: 0.3rem 0.8rem;
    font: inherit;
    color: var(--p-text);
    background: var(--p-field);
    border: 1px solid var(--p-line);
    border-radius: 10px;
  }
  .selects {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
  }
  meter {
    width: 100%;
    height: 0.7rem;
  }
  :is(button, select, input):focus-visible,
  .choices input:focus-visible + span,
  .stage:focus-visible {
    outline: 3px solid var(--p-accent);
    outline-offset: 2px;
  }
  .stage :is(button, input):focus-visible {
    outline-color: #fff;
    outline-offset: -3px;
  }
  .stage:focus-visible {
    outline-offset: -3px;
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  dialog {
    max-width: min(26rem, 90vw);
    padding: 1.2rem 1.4rem;
    border: 0;
    border-radius: 14px;
    color: var(--p-text);
    background: var(--p-card);
  }
  dialog::backdrop {
    background: rgb(11 12 18 / 60%);
  }
  dialog h2 {
    margin: 0 0 0.8rem;
    font-size: 1.1rem;
  }
  dialog dl {
    display: grid;
    grid-template-columns: auto 1fr;
    gap: 0.3rem 1.2rem;
    margin: 0 0 1rem;
  }
  dialog dt {
    font-weight: 600;
  }
  dialog dd {
    margin: 0;
  }
  dialog button {
    min-height: 44px;
    padding: 0.3rem 1.2rem;
    font: inherit;
    color: var(--p-on-accent);
    background: var(--p-accent);
    border: 0;
    border-radius: 10px;
    cursor: pointer;
  }
  .root:fullscreen .stage {
    flex: 1;
    max-height: none;
    aspect-ratio: auto;
  }
  .root:fullscreen .panel {
    position: absolute;
    z-index: 5;
    inset: auto auto 4.5rem 50%;
    translate: -50% 0;
    width: min(44rem, 94vw);
    max-height: 70vh;
    overflow: auto;
    border-radius: 14px;
    background: var(--p-card);
    color: var(--p-text);
  }
  .root:fullscreen .panel:not(.open) {
    display: none;
  }
  .root:fullscreen.idle {
    cursor: none;
  }
  .root:fullscreen.idle .bar {
    opacity: 0;
    transition: opacity 300ms;
  }
  @container (max-width: 34rem) {
    .bar input,
    .bar .wide {
      display: none;
    }
    .chips {
      inset: 0.5rem 0.5rem auto;
      font-size: 0.78rem;
    }
    .chip {
      padding: 0.1rem 0.6rem;
    }
    .captions {
      inset: auto 2% 3.4rem;
    }
    .message {
      padding: 2rem 1rem 3rem;
    }
    .message h2 {
      font-size: 1.1rem;
    }
    .panel {
      padding: 0.9rem;
    }
    .choices {
      display: grid;
      grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr));
    }
    .choices span {
      justify-content: center;
      text-align: center;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .spinner {
      animation-duration: 6s;
    }
    .bars i {
      transition: none;
      transform: scaleY(0.5);
    }
  }
`;
