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
  [hidden],
  .panel[hidden],
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
  .choices span {
    gap: 0.5rem;
  }
  .choices small {
    font-weight: 400;
    opacity: 0.8;
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
  :is(button, select, input, a):focus-visible,
  .choices input:focus-visible + span,
  .stage:focus-visible {
    outline: 3px solid var(--p-accent);
    outline-offset: 2px;
  }
  .stage :is(button, input, a):focus-visible {
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
    .chip .word {
      display: none;
    }
    .stats {
      inset: 0 0 3.2rem;
      max-width: none;
      max-height: none;
      padding-top: 2.2rem;
      border-radius: 0;
      font-size: 0.74rem;
      z-index: 2;
      background: rgb(11 12 18 / 97%);
    }
    .stats dl {
      grid-template-columns: 1fr;
    }
    .toasts {
      inset: 2.4rem 0.5rem auto auto;
    }
    .choices span {
      padding: 0.3rem 0.4rem;
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
      flex-direction: column;
      justify-content: center;
      gap: 0;
      line-height: 1.3;
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
