import { describe, expect, it } from 'vitest';
import type { QualityTier } from '../../pipeline/ports/engine.ts';
import type { Voice } from '../../pipeline/ports/synthesiser.ts';
import type { RecogniserAdapter, SynthesiserAdapter, TranslatorAdapter } from './adapters.ts';
import { languageName, requireLanguage, WHISPER_LANGUAGES } from './language-codes.ts';
import { choosePairs, describePairs, type Installed, supportedPairs } from './plan.ts';

const never = (): never => {
  throw new Error('planning loads nothing');
};
const recogniser = (model: string, ...languages: string[]): RecogniserAdapter => ({
  model,
  languages,
  tier: 'fair',
  load: never,
});
const translator = (engine: string, tier: QualityTier, ...pairs: string[]) => ({
  adapter: { engine, available: async () => [], load: never } satisfies TranslatorAdapter,
  pairs: pairs.map((pair) => {
    const [from = '', to = ''] = pair.split('-');
    return { from, to, tier, via: [] };
  }),
});
const voice = (id: string, language: string, tier: QualityTier): Voice => ({
  id,
  language,
  name: id,
  gender: 'unknown',
  pitchHz: 150,
  tier,
});
const speaker = (model: string, slow: boolean, ...voices: Voice[]): SynthesiserAdapter => ({
  model,
  voices,
  slow,
  load: never,
});

const INSTALLED: Installed = {
  recognisers: [recogniser('english', 'en'), recogniser('many', 'en', 'es', 'ja')],
  translators: [
    translator('rules', 'gist', 'en-es', 'en-ca', 'es-en'),
    translator('neural', 'good', 'en-es', 'ja-en'),
    translator('speech', 'fair', 'es-en', 'ja-en'),
  ],
  synthesisers: [
    speaker('studio', true, voice('studio-es', 'es', 'good')),
    speaker('plain', false, voice('plain-es', 'es', 'fair'), voice('plain-en', 'en', 'fair')),
    speaker('robot', false, voice('robot-es', 'es', 'gist'), voice('robot-ca', 'ca', 'gist')),
  ],
};

describe('choosePairs', () => {
  it('takes the first recogniser of the language and the translator of the better tier', () => {
    const [pair] = choosePairs(INSTALLED, { from: 'en', to: ['es'] });
    expect(pair!.recogniser.model).toBe('english');
    expect(pair!.translator.engine).toBe('neural');
    expect(choosePairs(INSTALLED, { from: 'es', to: ['en'] })[0]!.translator.engine).toBe('speech');
  });

  it('puts slow voices last until one is asked for by name', () => {
    const ids = (voices = {}) =>
      choosePairs(INSTALLED, { from: 'en', to: ['es'], voices })[0]!.speakers.map(({ voice }) => voice.id);
    expect(ids()).toEqual(['plain-es', 'robot-es', 'studio-es']);
    expect(ids({ es: 'studio-es' })).toEqual(['studio-es', 'plain-es', 'robot-es']);
  });

  it('labels a pair with the tier of its weakest part', () => {
    const [es, ca] = choosePairs(INSTALLED, { from: 'en', to: ['es', 'ca'] });
    expect(es!.tier).toBe('fair');
    expect(ca!.tier).toBe('gist');
  });

  it('dubs a language named twice once', () => {
    expect(choosePairs(INSTALLED, { from: 'en', to: ['es', 'es'] })).toHaveLength(1);
  });

  it('lists the supported pairs when it has no way', () => {
    const choose = () => choosePairs(INSTALLED, { from: 'en', to: ['fr'] });
    expect(choose).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_PAIR_UNSUPPORTED' }));
    expect(choose).toThrow(expect.objectContaining({ remedy: expect.stringContaining('en → ca, es') }));
    expect(() => choosePairs(INSTALLED, { from: 'en', to: ['en'] })).toThrow(
      expect.objectContaining({ code: 'LIVEDUB_E_PAIR_UNSUPPORTED' }),
    );
  });

  it.each([
    ['xx', 'LIVEDUB_E_LANGUAGE_UNKNOWN'],
    ['EN', 'LIVEDUB_E_LANGUAGE_UNKNOWN'],
    ['eng', 'LIVEDUB_E_LANGUAGE_UNKNOWN'],
    ['', 'LIVEDUB_E_LANGUAGE_UNKNOWN'],
    ['fr', 'LIVEDUB_E_LANGUAGE_NOT_RECOGNISED'],
  ])('refuses speech in “%s” with %s', (from, code) => {
    expect(() => choosePairs(INSTALLED, { from, to: ['es'] })).toThrow(expect.objectContaining({ code }));
  });

  it('names the voices there are when one is unknown', () => {
    expect(() => choosePairs(INSTALLED, { from: 'en', to: ['es'], voices: { es: 'nobody' } })).toThrow(
      expect.objectContaining({ remedy: 'Voices: studio-es, plain-es, robot-es.' }),
    );
  });
});

describe('supportedPairs', () => {
  it('lists what can be heard, translated and spoken', () => {
    expect(describePairs(supportedPairs(INSTALLED))).toBe('en → ca, es; es → en; ja → en');
  });
});

describe('language codes', () => {
  it('knows ISO 639-1 and says what was probably meant', () => {
    expect(languageName('gl')).toBe('Galician');
    expect(() => requireLanguage('en-GB')).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('Did you mean en') }),
    );
    for (const code of WHISPER_LANGUAGES)
      if (code.length === 2) expect(languageName(code), code).toBeDefined();
  });
});
