import type { TextEvent, TrackKey, ViewerRequest } from './contract.ts';
import type { Want } from './demand.ts';
import { faceKey } from './face-tracks.ts';

/** What a viewer chose. */
export type Selection = Omit<Extract<ViewerRequest, { kind: 'select' }>, 'kind' | 'request'>;

/**
 * The tracks a selection plays. The original is always live: it waits for nobody.
 * @param hasTrack whether the viewer can have a track: a picture with faces of its own is there for some languages only
 */
export function tracksOf(selection: Selection, hasTrack: (key: TrackKey) => boolean): ReadonlySet<TrackKey> {
  const { language, mode, premixed } = selection;
  const side = language !== null && mode === 'synced' ? 'delayed' : 'live';
  const face = faceOf(selection);
  const picture: TrackKey = face !== undefined && hasTrack(face) ? face : `${side}:video`;
  const keys: TrackKey[] = selection.video ? [picture] : [];
  if (language === null) keys.push('live:audio');
  else if (premixed) keys.push(`mix:${language}:${mode}`);
  else keys.push(`${side}:audio`, `voice:${language}:${mode}`);
  return new Set(keys);
}

/** What has to be made for a selection. */
export function wantsOf(selection: Selection, sourceLanguage: string): Want[] {
  const { language, mode, premixed, captions } = selection;
  const wants: Want[] = [];
  if (language !== null) {
    wants.push({ language, what: `${premixed ? 'mix' : 'voice'}:${mode}` });
    if (faceOf(selection) !== undefined) wants.push({ language, what: 'face' });
  }
  if (captions !== null && captions !== sourceLanguage) wants.push({ language: captions, what: 'captions' });
  return wants;
}

/** The picture whose faces speak the dub, where one is asked for. */
function faceOf({ language, mode, video, face }: Selection): TrackKey | undefined {
  return language !== null && mode === 'synced' && video && face ? faceKey(language) : undefined;
}

/** Whether a text event concerns a viewer. */
export function concerns(event: TextEvent, selection: Selection, sourceLanguage: string): boolean {
  switch (event.kind) {
    case 'hypothesis':
    case 'clause':
      return selection.captions === sourceLanguage;
    case 'translation':
    case 'dub-notice':
      return selection.captions === event.language;
    case 'utterance':
      return selection.language === event.language && selection.mode === event.mode;
  }
}
