import { describe, expect, it } from 'vitest';
import { concerns, type Selection, tracksOf, wantsOf } from './viewer-wants.ts';

const original: Selection = {
  language: null,
  mode: 'synced',
  captions: null,
  video: true,
  premixed: false,
  face: true,
};

const noFaces = (key: string) => !key.startsWith('face:');

describe('a viewer’s choice', () => {
  it('plays the original live, whatever the mode, and asks for no work', () => {
    expect([...tracksOf(original, noFaces)].sort()).toEqual(['live:audio', 'live:video']);
    expect(wantsOf(original, 'en')).toEqual([]);
  });

  it('plays the voice beside the live original in interpret mode, beside the delayed one in synced mode', () => {
    const es: Selection = { ...original, language: 'es', mode: 'interpret' };
    expect([...tracksOf(es, noFaces)].sort()).toEqual(['live:audio', 'live:video', 'voice:es:interpret']);
    expect([...tracksOf({ ...es, mode: 'synced' }, noFaces)].sort()).toEqual([
      'delayed:audio',
      'delayed:video',
      'voice:es:synced',
    ]);
    expect(wantsOf(es, 'en')).toEqual([{ language: 'es', what: 'voice:interpret' }]);
  });

  it('plays one premixed track, and no picture where none is wanted', () => {
    const es: Selection = { ...original, language: 'es', premixed: true, video: false };
    expect([...tracksOf(es, noFaces)]).toEqual(['mix:es:synced']);
  });

  it('plays the picture whose faces speak the dub where there is one, unless it is not wanted', () => {
    const es: Selection = { ...original, language: 'es', premixed: true };
    expect([...tracksOf(es, () => true)]).toEqual(['face:es:synced', 'mix:es:synced']);
    expect([...tracksOf(es, noFaces)]).toEqual(['delayed:video', 'mix:es:synced']);
    expect([...tracksOf({ ...es, face: false }, () => true)]).toEqual(['delayed:video', 'mix:es:synced']);
    expect([...tracksOf({ ...es, mode: 'interpret' }, () => true)]).toEqual([
      'live:video',
      'mix:es:interpret',
    ]);
    const face = { language: 'es', what: 'face' };
    expect(wantsOf(es, 'en')).toContainEqual(face);
    for (const other of [{ face: false }, { video: false }, { mode: 'interpret' as const }])
      expect(wantsOf({ ...es, ...other }, 'en')).not.toContainEqual(face);
  });

  it('needs a translation for captions in another language, none for those of the source', () => {
    expect(wantsOf({ ...original, captions: 'fr' }, 'en')).toEqual([{ language: 'fr', what: 'captions' }]);
    expect(wantsOf({ ...original, captions: 'en' }, 'en')).toEqual([]);
  });

  it('gets the texts of its captions and the utterances of its voice', () => {
    const es: Selection = { ...original, language: 'es', mode: 'interpret', captions: 'en' };
    const clause = { kind: 'clause', clauseId: 1, text: 'x', startUs: 0, endUs: 1, confidence: 1 } as const;
    const translation = {
      kind: 'translation',
      clauseId: 1,
      language: 'es',
      text: 'x',
      startUs: 0,
      endUs: 1,
    } as const;
    expect(concerns(clause, es, 'en')).toBe(true);
    expect(concerns(translation, es, 'en')).toBe(false);
    expect(concerns(translation, { ...es, captions: 'es' }, 'en')).toBe(true);
    const utterance = {
      kind: 'utterance',
      clauseId: 1,
      language: 'es',
      mode: 'interpret',
      outcome: 'spoken',
      startUs: 0,
      endUs: 1,
      rate: 1,
      afterClauseMs: 0,
    } as const;
    expect(concerns(utterance, es, 'en')).toBe(true);
    expect(concerns({ ...utterance, mode: 'synced' }, es, 'en')).toBe(false);
  });
});
