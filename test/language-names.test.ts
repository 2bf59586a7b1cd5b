import { afterEach, describe, expect, it, vi } from 'vitest';
import { byName, ownName } from '../client/src/languages.ts';
import { WHISPER_LANGUAGES } from '../models/registry/language-codes.ts';

/** Of the languages that are offered, those that Chromium names in themselves: the others it names as it names English. */
const WITH_NAMES =
  'af am ar az bg bn bs ca cs da de el en es et fa fi fr gu he hi hr hu id it ja kk kn ko lt lv ml mr ms nl no pa pl pt ro ru sd sk ' +
  'sl sr sv sw ta te th tl tr uk ur uz vi zh';

describe('the name of a language', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is its own, whatever the browser knows', () => {
    const known = new Set(WITH_NAMES.split(' '));
    const { DisplayNames } = Intl;
    class Poor extends DisplayNames {
      constructor(locales: string[], options: Intl.DisplayNamesOptions) {
        super(known.has(locales[0]!) ? locales : ['en'], options);
      }
    }
    vi.stubGlobal('Intl', { DisplayNames: Poor });
    const names = ['Español', 'Galego', 'Euskara', 'Cymraeg', 'ქართული'];
    expect(['es', 'gl', 'eu', 'cy', 'ka'].map(ownName)).toEqual(names);
    const english = new DisplayNames(['en'], { type: 'language' });
    const alike = WHISPER_LANGUAGES.filter((code) => ownName(code) === english.of(code));
    // These are called the same in English.
    expect(alike.sort()).toEqual(['af', 'en', 'ha', 'mg', 'mi', 'tl', 'oc'].sort());
  });

  it('is the code where there is none', () => {
    expect(ownName('xx')).toBe('xx');
    expect(ownName('no such code')).toBe('no such code');
  });

  it('puts languages in order', () => {
    expect(byName(['oc', 'gl', 'es'], (code) => code)).toEqual(['es', 'gl', 'oc']);
  });
});
