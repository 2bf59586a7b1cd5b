import type { TextEvent, TrackKey, ViewerRequest } from './contract.ts';
import type { Want } from './demand.ts';

/** What a viewer chose. */
export type Selection = Omit<Extract<ViewerRequest, { kind: 'select' }>, 'kind' | 'request'>;

/** The tracks a selection plays. The original is always live: it waits for nobody. */
export function tracksOf(selection: Selection): ReadonlySet<TrackKey> {
  const { language, mode, premixed } = selection;
  const side = language !== null && mode === 'synced' ? 'delayed' : 'live';
  const keys: TrackKey[] = selection.video ? [`${side}:video`] : [];
  if (language === null) keys.push('live:audio');
  else if (premixed) keys.push(`mix:${language}:${mode}`);
  else keys.push(`${side}:audio`, `voice:${language}:${mode}`);
  return new Set(keys);
}

/** What has to be made for a selection. */
export function wantsOf(selection: Selection, sourceLanguage: string): Want[] {
  const { language, mode, premixed, captions } = selection;
  const wants: Want[] = [];
  if (language !== null) wants.push({ language, what: `${premixed ? 'mix' : 'voice'}:${mode}` });
  if (captions !== null && captions !== sourceLanguage) wants.push({ language: captions, what: 'captions' });
  return wants;
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
