import { css } from 'lit';

/** Questions that the desk asks before it deletes something. */
export const dialogStyles = css`
  dialog {
    max-width: min(28rem, 90vw);
    padding: 1.3rem;
    color: var(--text);
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: var(--radius);
  }
  dialog::backdrop {
    background: rgb(11 12 18 / 55%);
  }
  dialog h2 {
    margin: 0;
    font-size: 1.15rem;
  }
`;
