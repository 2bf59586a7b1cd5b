import type { FaceView } from '../../server/live/contract.ts';

const GUARDS: Readonly<Record<NonNullable<FaceView['guard']>, string>> = {
  'no-face': 'nobody who speaks is seen',
  profile: 'the head is turned too far',
  occluded: 'something is in front of the mouth',
  cropped: 'the mouth is not all in the picture',
  small: 'the face is too small',
  blurred: 'the face is too blurred',
  uncertain: 'the face cannot be followed well enough',
  cut: 'the shot has just changed',
  learning: 'too little of this mouth has been seen yet',
  'no-consent': 'there is no consent',
  failed: 'it did not work for this picture',
};

const STATES: Readonly<Record<FaceView['state'], string>> = {
  off: 'Lips stay as filmed.',
  'no-consent': 'Lips stay as filmed until there is consent.',
  'no-picture': 'There is no picture.',
  idle: 'No lips are moved at this moment.',
  starting: 'Lips are about to follow the dub.',
  active: 'Lips follow the dub.',
  original: 'As filmed at this moment.',
  overloaded: 'The server cannot keep up at this moment; lips stay as filmed.',
};

/** What becomes of the lips of one language, and why they stay as filmed where they do. */
export function faceText({ state, guard }: FaceView): string {
  if (guard === undefined || (state !== 'original' && state !== 'active')) return STATES[state];
  return state === 'original'
    ? `As filmed at this moment: ${GUARDS[guard]}.`
    : `${STATES.active.slice(0, -1)}, not always: ${GUARDS[guard]}.`;
}

/** Whether the picture of a language may show moved lips now. */
export function areLipsMoved({ state }: FaceView): boolean {
  return state === 'active' || state === 'original';
}

/** Whether a language has a picture whose lips can follow it. */
export function hasFaces({ state }: FaceView): boolean {
  return state !== 'off' && state !== 'no-consent' && state !== 'no-picture';
}
