import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EspeakPhonemes } from './espeak-phonemes.ts';
import { cutAtPunctuation, intoSentences, readEspeakIpa } from './espeak-phonemes-text.ts';

describe('text before it is spoken', () => {
  const sentences = (text: string): string[] =>
    intoSentences(cutAtPunctuation(text)).map((pieces) => pieces.map((piece) => piece.text).join('|'));

  it('is cut at punctuation a speaker hears', () => {
    expect(sentences('Well, is it? Yes: it is!')).toEqual(['Well|,|is it|?', 'Yes|:|it is|!']);
    expect(sentences('¿Qué tal? Bien.')).toEqual(['¿|Qué tal|?', 'Bien|.']);
    expect(sentences('He said “no.” She left.')).toEqual(['He said|“|no|.|”', 'She left|.']);
  });

  it('keeps points in numbers and after titles', () => {
    expect(sentences('Dr. Smith paid 3.50, or 1,000.')).toEqual(['Dr. Smith paid 3.50|,|or 1,000|.']);
  });

  it('has no sentences without words', () => {
    expect(sentences(' … ')).toEqual([]);
    expect(sentences('')).toEqual([]);
  });

  it('reads the trace of eSpeak', () => {
    expect(readEspeakIpa('h_ə_l_ˈoʊ w_ˈɜː_l_d\n')).toEqual(['h', 'ə', 'l', 'ˈoʊ', ' ', 'w', 'ˈɜː', 'l', 'd']);
    expect(readEspeakIpa('(en)w_ˈɛ_b(es)')).toEqual(['w', 'ˈɛ', 'b']);
  });
});

describe('eSpeak NG as phonemiser', () => {
  let espeak: EspeakPhonemes;
  const slot = { signal: new AbortController().signal, addComputeMs: () => undefined };
  const ipa = async (text: string, voice: string): Promise<string[]> =>
    (await espeak.phonemes(slot, { text, voice })).map((sentence) => sentence.join(''));
  beforeAll(async () => {
    espeak = await EspeakPhonemes.load();
  });
  afterAll(() => espeak.close());

  it('writes English, Spanish, French, Italian and Portuguese in IPA, one list a sentence', async () => {
    expect(await ipa('Hello world. This is a test!', 'en-us')).toEqual(['həlˈoʊ wˈɜːld.', 'ðɪs ɪz ɐ tˈɛst!']);
    expect(await ipa('Hola, ¿cómo estás?', 'es')).toEqual(['ˈola, ¿kˈomo estˈas?']);
    expect((await ipa('Bonjour tout le monde.', 'fr'))[0]).toContain('bɔ̃ʒˈuʁ');
    expect((await ipa('Ciao, come stai?', 'it'))[0]).toMatch(/^tʃˈao, /u);
    expect((await ipa('O coração da cidade.', 'pt-br'))[0]).toMatch(/\.$/u);
  });

  it('reads numbers out', async () => {
    expect((await ipa('42', 'en-us'))[0]).toMatch(/fˈɔːɹɾi/u);
  });

  it('refuses a voice it does not have, stops when asked and closes twice', async () => {
    await expect(ipa('a', 'nonsense')).rejects.toMatchObject({ code: 'LIVEDUB_E_LANGUAGE_UNKNOWN' });
    const aborted = { ...slot, signal: AbortSignal.abort() };
    await expect(espeak.phonemes(aborted, { text: 'a', voice: 'es' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_ABORTED',
    });
    await espeak.close();
    await espeak.close();
  });
});
