import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApertiumTranslator } from '../models/engines/apertium/apertium-translator.ts';
import { protectTerms, type Terms } from '../pipeline/text/terms.ts';

const TERMS: Terms = {
  glossary: [
    { source: 'power play', language: 'es', target: 'superioridad numérica' },
    { source: 'power play', language: 'fr', target: 'avantage numérique' },
  ],
  doNotTranslate: ['Red Wings', 'Apple', 'Big Ben'],
};
const TEXTS = [
  'The Red Wings are on the power play.',
  'Apple opened a shop near Big Ben, and Apple is happy.',
  'After the power play, we go back to the studio.',
];

describe('terms with the installed translator', () => {
  let translator: ApertiumTranslator;
  beforeAll(async () => {
    translator = (await ApertiumTranslator.discover())!;
  });
  afterAll(() => translator.close());

  it.each(['es', 'fr'])('come through into %s as the operator wants them', async (language) => {
    for (const text of TEXTS) {
      const safe = protectTerms(text, TERMS, language);
      const { text: translated } = await translator.translate({
        text: safe.text,
        from: 'en',
        to: language,
        context: [],
        signal: new AbortController().signal,
        priority: 'live',
      });
      const restored = safe.restore(translated);
      expect(restored, translated).toBeDefined();
      for (const term of TERMS.doNotTranslate) if (text.includes(term)) expect(restored).toContain(term);
      if (text.includes('power play')) expect(restored).toMatch(/superioridad numérica|avantage numérique/);
      expect(restored).not.toMatch(/XQ\d/i);
    }
  });
});
