import { describe, expect, it } from 'vitest';
import { glossaryText, readGlossary, termLines } from './terms-text.ts';

describe('the glossary as text', () => {
  it('is written and read back', () => {
    const { entries, wrong } = readGlossary('board = junta\n\n seed round → ronda de semillas ', 'es');
    expect(wrong).toEqual([]);
    expect(entries).toEqual([
      { source: 'board', language: 'es', target: 'junta' },
      { source: 'seed round', language: 'es', target: 'ronda de semillas' },
    ]);
    expect(glossaryText([...entries, { source: 'a', language: 'fr', target: 'b' }], 'es')).toBe(
      'board = junta\nseed round = ronda de semillas',
    );
  });

  it('says which lines it did not understand', () => {
    expect(readGlossary('board\n= junta\nchair = silla', 'es').wrong).toEqual(['board', '= junta']);
  });

  it('takes each term once', () => {
    expect(termLines('Acme\n\n Acme\nBob ')).toEqual(['Acme', 'Bob']);
  });
});
