import { describe, expect, it } from 'vitest';
import { type LanguageDemand, NO_DEMAND } from '../../pipeline/demand.ts';
import { DemandBook } from './demand.ts';

describe('DemandBook', () => {
  it('tells the sum of what everybody wants, and only when it changes', () => {
    const told: [string, LanguageDemand][] = [];
    const book = new DemandBook((language, demand) => told.push([language, demand]));
    const [anna, ben] = [{}, {}];
    book.set(anna, [{ language: 'es', what: 'voice:interpret' }]);
    book.set(ben, [{ language: 'es', what: 'voice:interpret' }]);
    book.set(anna, [{ language: 'es', what: 'captions' }]);
    book.set(ben, []);
    book.set(anna, []);
    const voice = { voice: true, mix: false };
    expect(told).toEqual([
      ['es', { ...NO_DEMAND, interpret: voice }],
      ['es', { ...NO_DEMAND, interpret: voice, captions: true }],
      ['es', { ...NO_DEMAND, captions: true }],
      ['es', NO_DEMAND],
    ]);
  });

  it('counts who watches a face as no second listener', () => {
    const told: LanguageDemand[] = [];
    const book = new DemandBook((_, demand) => told.push(demand));
    const viewer = {};
    book.set(viewer, [
      { language: 'es', what: 'mix:synced' },
      { language: 'es', what: 'face' },
    ]);
    expect(told).toEqual([{ ...NO_DEMAND, synced: { voice: false, mix: true }, face: true }]);
    expect(book.listeners('es')).toBe(1);
    book.set(viewer, [{ language: 'es', what: 'face' }]);
    expect(book.listeners('es')).toBe(0);
  });

  it('takes a listener who changes the language out of the one and into the other', () => {
    const told: string[] = [];
    const book = new DemandBook((language) => told.push(language));
    const viewer = {};
    book.set(viewer, [{ language: 'es', what: 'mix:synced' }]);
    book.set(viewer, [{ language: 'fr', what: 'mix:synced' }]);
    expect(told).toEqual(['es', 'es', 'fr']);
    expect(book.of('es')).toEqual(NO_DEMAND);
    expect(book.listeners('fr')).toBe(1);
    expect(book.listeners('es')).toBe(0);
  });
});
