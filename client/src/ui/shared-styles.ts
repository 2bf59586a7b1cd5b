import { css } from 'lit';

/** Cards, fields and buttons of the live pages; the colours are the page's. */
export const sharedStyles = css`
  * {
    box-sizing: border-box;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  .page {
    max-width: 76rem;
    margin: 0 auto;
    padding: clamp(1rem, 3vw, 2rem);
  }
  .top {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.3rem 1.5rem;
    margin-bottom: 1.25rem;
  }
  .top h1 {
    margin: 0;
    font-size: 1.4rem;
    letter-spacing: -0.02em;
    line-height: 1.25;
    overflow-wrap: anywhere;
  }
  .brand {
    display: inline-flex;
    align-items: center;
    gap: 0.5rem;
    min-height: 44px;
    font-weight: 700;
    color: var(--text);
    text-decoration: none;
  }
  .top nav {
    margin-inline-start: auto;
    display: flex;
    gap: 1rem;
  }
  .card {
    min-width: 0;
    padding: 1.1rem;
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: var(--radius);
  }
  .card h2 {
    margin: 0 0 0.7rem;
    font-size: 1.05rem;
  }
  h3 {
    margin: 1rem 0 0.4rem;
    font-size: 0.92rem;
  }
  p {
    margin: 0.4rem 0;
  }
  .muted {
    color: var(--muted);
  }
  .small {
    font-size: 0.88rem;
  }
  .bad {
    color: var(--bad);
  }
  .problem {
    margin: 0.6rem 0;
    padding: 0.7rem 1rem;
    border-radius: 10px;
    color: var(--bad);
    background: var(--bad-soft);
    overflow-wrap: anywhere;
  }
  .problem p {
    margin: 0.2rem 0 0;
    color: var(--text);
  }
  .grid {
    display: grid;
    gap: 1rem;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem;
  }
  .push {
    margin-inline-start: auto;
  }
  a {
    color: var(--accent);
  }
  a.plain {
    display: inline-flex;
    align-items: center;
    min-height: 44px;
  }
  button,
  a.button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.5rem;
    min-height: 44px;
    padding: 0.4rem 1.1rem;
    font: inherit;
    color: var(--text);
    background: var(--bg);
    border: 1px solid var(--line);
    border-radius: 10px;
    text-decoration: none;
    cursor: pointer;
  }
  button:hover:not(:disabled),
  a.button:hover {
    border-color: var(--accent);
  }
  button:disabled {
    opacity: 0.55;
    cursor: default;
  }
  button.main,
  a.main {
    font-weight: 600;
    color: var(--on-accent);
    background: var(--accent);
    border-color: var(--accent);
  }
  button.danger {
    color: var(--bad);
  }
  button[aria-pressed='true'] {
    font-weight: 600;
    color: var(--on-accent);
    background: var(--accent);
    border-color: var(--accent);
  }
  button svg,
  a svg {
    flex: none;
    width: 1.25rem;
    height: 1.25rem;
  }
  label.field,
  .field {
    display: grid;
    gap: 0.25rem;
    min-width: 0;
    font-size: 0.88rem;
    color: var(--muted);
  }
  input:not([type='checkbox'], [type='radio'], [type='range'], [type='file']),
  select,
  textarea {
    width: 100%;
    min-width: 0;
    min-height: 44px;
    padding: 0.4rem 0.8rem;
    font: inherit;
    font-size: 1rem;
    color: var(--text);
    background: var(--bg);
    border: 1px solid var(--line);
    border-radius: 10px;
  }
  textarea {
    min-height: 6rem;
    resize: vertical;
  }
  input[type='checkbox'],
  input[type='radio'] {
    flex: none;
    width: 1.15rem;
    height: 1.15rem;
    margin: 0;
    accent-color: var(--accent);
  }
  input[type='range'] {
    width: 100%;
    min-height: 44px;
    margin: 0;
    accent-color: var(--accent);
  }
  .check {
    display: flex;
    align-items: center;
    gap: 0.6rem;
    min-height: 44px;
    cursor: pointer;
  }
  fieldset {
    min-width: 0;
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend {
    padding: 0;
    margin-bottom: 0.25rem;
    font-size: 0.88rem;
    color: var(--muted);
  }
  :is(button, a, input, select, textarea, summary):focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
  }
  summary {
    min-height: 44px;
    display: flex;
    align-items: center;
    gap: 0.6rem;
    cursor: pointer;
    color: var(--accent);
    list-style: none;
  }
  summary::-webkit-details-marker {
    display: none;
  }
  summary::before {
    content: '';
    width: 0.45rem;
    height: 0.45rem;
    border: solid currentcolor;
    border-width: 0 2px 2px 0;
    rotate: -45deg;
  }
  details[open] > summary::before {
    rotate: 45deg;
  }
  code,
  .mono {
    font-family: ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', monospace;
    font-size: 0.88rem;
    overflow-wrap: anywhere;
  }
  .state {
    display: inline-flex;
    align-items: center;
    gap: 0.45rem;
    padding: 0.1rem 0.7rem;
    border-radius: 99px;
    font-size: 0.85rem;
    font-weight: 600;
    color: var(--muted);
    background: var(--accent-soft);
  }
  .state::before {
    content: '';
    width: 0.55rem;
    height: 0.55rem;
    border-radius: 50%;
    background: currentcolor;
  }
  .state.live {
    color: #fff;
    background: #c02a22;
  }
  .state.interrupted {
    color: var(--bad);
    background: var(--bad-soft);
  }
  .figures {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr));
    gap: 0.6rem 1rem;
    margin: 0;
    font-variant-numeric: tabular-nums;
  }
  .figures dt {
    font-size: 0.8rem;
    color: var(--muted);
  }
  .figures dd {
    margin: 0;
    font-size: 1.05rem;
  }
  ol {
    margin: 0;
    padding-inline-start: 1.3rem;
  }
  ul.plain {
    margin: 0;
    padding: 0;
    list-style: none;
  }
`;
