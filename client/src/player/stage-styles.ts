import { css } from 'lit';

/** Picture and what lies over it. */
export const stageStyles = css`
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
  .stage.tall {
    min-height: 19rem;
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
    pointer-events: auto;
    text-decoration: none;
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
    flex-direction: column;
    align-items: center;
    gap: 0.25rem;
    pointer-events: none;
  }
  .captions p {
    max-width: 46rem;
    margin: 0;
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
  .captions .dub-notice {
    font-style: italic;
  }
  /* Three lines; what is older rolls out at the top. */
  .captions p > span {
    display: flex;
    flex-direction: column;
    justify-content: flex-end;
    max-height: calc(3 * 1.4em);
    overflow: hidden;
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
    inset: 3rem 0.75rem auto auto;
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
`;
