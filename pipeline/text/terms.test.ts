import { describe, expect, it } from 'vitest';
import { protectTerms, replaceTerms, type Terms } from './terms.ts';

const terms: Terms = {
  glossary: [
    { source: 'free kick', language: 'es', target: 'tiro libre' },
    { source: 'kick', language: 'es', target: 'patada' },
    { source: 'coach', language: 'fr', target: 'entraîneur' },
  ],
  doNotTranslate: ['Apple', "O'Neill", 'C++'],
};

describe('protectTerms', () => {
  it('puts terms out of reach and back, longest first, whatever their case', () => {
    const safe = protectTerms('A Free Kick, then a kick for apple.', terms, 'es');
    expect(safe.text).toBe('A XQ1Z, then a XQ2Z for XQ3Z.');
    expect(safe.restore('Un XQ1Z, entonces una xq2z para XQ3Z.')).toBe(
      'Un tiro libre, entonces una patada para apple.',
    );
    expect(safe.isPlaceholder('XQ2Z')).toBe(true);
  });

  it('takes whole words only, and signs as they are', () => {
    expect(protectTerms('Pineapple and kicking in C++.', terms, 'es').text).toBe(
      'Pineapple and kicking in XQ1Z.',
    );
    expect(protectTerms('Mr. O’Neill spoke', terms, 'es').restore('El señor XQ1Z habló')).toBe(
      'El señor O’Neill habló',
    );
  });

  it('follows the glossary of its own language only', () => {
    expect(protectTerms('The coach has a kick.', terms, 'fr').text).toBe('The XQ1Z has a kick.');
    expect(protectTerms('Nothing here.', terms, 'fr').count).toBe(0);
  });

  it('tells when the translator lost a term or said it twice', () => {
    const safe = protectTerms('kick Apple', terms, 'es');
    expect(safe.restore('patear XQ2Z')).toBeUndefined();
    expect(safe.restore('XQ1Z XQ1Z XQ2Z')).toBeUndefined();
    expect(safe.restore('XQ1Z XQ2Z XQ9Z')).toBeUndefined();
  });

  it('does the best it can without protection', () => {
    expect(replaceTerms('Un free kick de Apple', terms, 'es')).toBe('Un tiro libre de Apple');
  });
});
