import { svg } from 'lit';

/** 24 × 24 line drawings; decoration, so hidden from screen readers. */
const PATHS = {
  play: 'M7 4.5v15l12-7.5z',
  pause: 'M8 5v14M16 5v14',
  sound: 'M4 9.5v5h3.5L12 19V5L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11',
  muted: 'M4 9.5v5h3.5L12 19V5L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5',
  captions: 'M3 6h18v12H3zM10 10.6a2 2 0 1 0 0 2.8M17 10.6a2 2 0 1 0 0 2.8',
  language:
    'M3.5 5.5h9M8 3.5v2M10.5 5.5c-.8 3.6-3 6.2-6.5 7.7M5.7 8.5c1 2 2.9 3.7 5.3 4.7M11.5 20.5l4.2-10 4.3 10M13 17h5.5',
  fullscreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  windowed: 'M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5',
  pip: 'M3 5h18v14H3zM12.5 12h6v4.5h-6z',
  stats: 'M4 20V10M10 20V4M16 20v-7M21 20H3',
  help: 'M9.2 9a2.9 2.9 0 1 1 4.4 2.5c-1 .6-1.6 1.2-1.6 2.5M12 17.5v.2M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z',
  copy: 'M9 9h11v11H9zM5.5 15H4V4h11v1.5',
  open: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  close: 'M5 5l14 14M19 5L5 19',
  bin: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  camera: 'M3 7h12v10H3zM15 10.5l6-3v9l-6-3z',
  screen: 'M3 5h18v11H3zM8 20h8M12 16v4',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  record: 'M12 5a7 7 0 1 0 0 14a7 7 0 0 0 0-14z',
} as const;

export type IconName = keyof typeof PATHS;

const FILLED: ReadonlySet<IconName> = new Set(['play', 'record']);

export function icon(name: IconName) {
  return svg`<svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true"
    fill=${FILLED.has(name) ? 'currentColor' : 'none'} stroke="currentColor" stroke-width="1.8"
    stroke-linecap="round" stroke-linejoin="round"><path d=${PATHS[name]}></path></svg>`;
}
