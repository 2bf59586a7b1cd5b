import { css } from 'lit';

export const publishStyles = css`
  .columns {
    display: grid;
    grid-template-columns: minmax(0, 1.7fr) minmax(18rem, 1fr);
    gap: 1rem;
    align-items: start;
  }
  .stage {
    display: grid;
    gap: 0.9rem;
  }
  .preview {
    position: relative;
    display: grid;
    place-items: center;
    aspect-ratio: 16 / 9;
    border-radius: 10px;
    overflow: hidden;
    color: #d4d6e6;
    background: #0b0c12;
  }
  .preview video {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    object-fit: contain;
  }
  .on-air {
    position: absolute;
    inset: 0.75rem auto auto 0.75rem;
    padding: 0.15rem 0.8rem;
    border-radius: 99px;
    font-size: 0.88rem;
    font-weight: 700;
    font-variant-numeric: tabular-nums;
    color: #fff;
    background: #c02a22;
    box-shadow: 0 0 0 2px rgb(255 255 255 / 65%);
  }
  .on-air.waiting {
    background: #7a5200;
  }
  button.big {
    min-height: 56px;
    font-size: 1.1rem;
  }
  button.stop {
    color: #fff;
    font-weight: 600;
    background: #c02a22;
    border-color: #c02a22;
  }
  .sources {
    display: grid;
    grid-template-columns: repeat(2, 1fr);
    gap: 0.5rem;
  }
  details .grid {
    gap: 0.6rem;
  }
  @media (max-width: 52rem) {
    .columns {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
