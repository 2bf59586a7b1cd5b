export type PlayerAction =
  | 'play'
  | 'mute'
  | 'captions'
  | 'louder'
  | 'quieter'
  | 'language'
  | 'fullscreen'
  | 'picture-in-picture'
  | 'stats'
  | 'help'
  | 'close';

export const KEY_HELP: readonly (readonly [keys: string, what: string])[] = [
  ['Space or K', 'Pause, or go on at the live edge'],
  ['M', 'Mute'],
  ['↑ ↓', 'Volume'],
  ['L', 'Languages'],
  ['C', 'Captions on or off'],
  ['F', 'Full screen'],
  ['P', 'Picture in picture'],
  ['I', 'Figures'],
  ['?', 'This list'],
  ['Esc', 'Close what is open'],
];

const ACTIONS: Readonly<Record<string, PlayerAction>> = {
  ' ': 'play',
  k: 'play',
  m: 'mute',
  c: 'captions',
  arrowup: 'louder',
  arrowdown: 'quieter',
  l: 'language',
  f: 'fullscreen',
  p: 'picture-in-picture',
  i: 'stats',
  '?': 'help',
  escape: 'close',
};

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

/** @param on name of the element that has the focus, lower case: its own keys are left to it */
export function actionOf(press: KeyPress, on: string): PlayerAction | undefined {
  if (press.ctrlKey || press.altKey || press.metaKey) return undefined;
  const action = ACTIONS[press.key.toLowerCase()];
  if (on === 'textarea' || on === 'text') return action === 'close' ? action : undefined;
  if (on === 'button' && press.key === ' ') return undefined;
  const arrows = action === 'louder' || action === 'quieter';
  if ((on === 'input' || on === 'select') && (arrows || press.key === ' ')) return undefined;
  // A select takes letters to jump to an option.
  if (on === 'select' && press.key.length === 1) return undefined;
  return action;
}
