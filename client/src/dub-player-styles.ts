import { css } from 'lit';

export const playerStyles = css`
  :host {
    display: block;
  }
  .stage {
    position: relative;
    background: #000;
  }
  video {
    display: block;
    width: 100%;
    aspect-ratio: 16 / 9;
    max-height: 70vh;
    background: #000;
  }
  .badge {
    position: absolute;
    top: 0.8rem;
    left: 0.8rem;
    padding: 0.15rem 0.7rem;
    border-radius: 99px;
    font-size: 0.85rem;
    font-weight: 600;
    color: #fff;
    background: #4338ca;
    box-shadow: 0 0 0 2px rgb(255 255 255 / 65%);
    text-decoration: none;
  }
  .controls {
    display: flex;
    flex-wrap: wrap;
    align-items: end;
    justify-content: space-between;
    gap: 0.9rem 1.5rem;
    padding: 1rem 1.1rem 0.4rem;
  }
  fieldset {
    min-width: 0;
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend,
  .captions {
    font-size: 0.85rem;
    color: var(--muted);
  }
  legend {
    padding: 0;
    margin-bottom: 0.3rem;
  }
  .tracks {
    display: flex;
    flex-wrap: wrap;
    gap: 0.4rem;
  }
  .tracks label {
    position: relative;
    display: block;
    cursor: pointer;
  }
  .tracks input {
    position: absolute;
    inset: 0;
    margin: 0;
    opacity: 0;
    cursor: pointer;
  }
  .tracks span {
    display: flex;
    align-items: center;
    min-height: 44px;
    box-sizing: border-box;
    padding: 0.3rem 1rem;
    border: 1px solid var(--line);
    border-radius: 10px;
    background: var(--bg);
  }
  .tracks label:hover span {
    border-color: var(--accent);
  }
  .tracks input:checked + span {
    color: var(--on-accent);
    background: var(--accent);
    border-color: var(--accent);
    font-weight: 600;
  }
  .tracks input:focus-visible + span,
  select:focus-visible,
  a:focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
  }
  .captions {
    display: grid;
    gap: 0.3rem;
  }
  select {
    min-height: 44px;
    min-width: 9rem;
    padding: 0.3rem 0.8rem;
    font: inherit;
    font-size: 1rem;
    color: var(--text);
    background: var(--bg);
    border: 1px solid var(--line);
    border-radius: 10px;
  }
  .notes {
    padding: 0.4rem 1.1rem 1.1rem;
  }
  .notes p {
    margin: 0.4rem 0;
  }
  .bad {
    color: var(--bad);
  }
  ul {
    display: flex;
    flex-wrap: wrap;
    gap: 0.2rem 1.5rem;
    margin: 0.8rem 0 0;
    padding: 0.8rem 0 0;
    border-top: 1px solid var(--line);
    list-style: none;
    font-size: 0.92rem;
    color: var(--muted);
  }
  a {
    display: inline-block;
    padding: 0.25rem 0.1rem;
    color: var(--accent);
  }
`;
