import type { Mode, TrackKey } from '../../../server/live/contract.ts';

/** What a viewer wants to see, hear and read. */
export interface Selection {
  /** null: the original. */
  readonly language: string | null;
  readonly mode: Mode;
  /** null: none; the source language or a dubbed one otherwise. */
  readonly captions: string | null;
  /** false: sound only. */
  readonly video: boolean;
  /** true: voice and original come as one track, mixed by the server. */
  readonly premixed: boolean;
  /** Lips that follow the dub, in synced mode where there are any; false: the picture as filmed. */
  readonly face: boolean;
}

/** The tracks of a selection. */
export interface SelectedTracks {
  readonly picture: TrackKey;
  /** Original sound, or voice and original in one when premixed. */
  readonly sound: TrackKey;
  /** The dubbed voice alone. */
  readonly voice?: TrackKey;
}

export const ORIGINAL: Selection = {
  language: null,
  mode: 'interpret',
  captions: null,
  video: true,
  premixed: false,
  face: true,
};

/** The original is always heard at the live edge; only a dub in synced mode is behind by the channel's delay. */
export function isDelayed(selection: Selection): boolean {
  return selection.language !== null && selection.mode === 'synced';
}

/**
 * Which tracks make up a selection.
 * @param tracks what can be received: some languages have a picture of their own, whose lips follow the dub
 */
export function selectedTracks(
  selection: Selection,
  tracks: { has(track: TrackKey): boolean } = new Set(),
): SelectedTracks {
  const { language, mode, premixed } = selection;
  const timeline = isDelayed(selection) ? 'delayed' : 'live';
  const face: TrackKey = `face:${language}:synced`;
  const hasFace = selection.face && isDelayed(selection) && tracks.has(face);
  const picture: TrackKey = hasFace ? face : `${timeline}:video`;
  if (language === null) return { picture, sound: `${timeline}:audio` };
  if (premixed) return { picture, sound: `mix:${language}:${mode}` };
  return { picture, sound: `${timeline}:audio`, voice: `voice:${language}:${mode}` };
}

export function sameSelection(a: Selection, b: Selection): boolean {
  return (
    a.language === b.language &&
    a.mode === b.mode &&
    a.captions === b.captions &&
    a.video === b.video &&
    a.premixed === b.premixed &&
    a.face === b.face
  );
}
