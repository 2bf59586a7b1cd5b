import { KOKORO_IDS } from './kokoro-vocabulary.ts';

/** The phoneme inventories Kokoro was trained with. */
export type KokoroDialect = 'en-us' | 'en-gb' | 'other';

/*
 * Facts of the model's phoneme inventory: https://github.com/hexgrad/misaki (EN_PHONES.md and espeak.py, Apache-2.0).
 * Keys are eSpeak's phonemes without stress.
 */
const CLUSTERS: Readonly<Record<string, string>> = {
  aɪ: 'I',
  aʊ: 'W',
  eɪ: 'A',
  oʊ: 'O',
  əʊ: 'Q',
  ɔɪ: 'Y',
  tʃ: 'ʧ',
  dʒ: 'ʤ',
};
const OTHER: Readonly<Record<string, string>> = { ...CLUSTERS, ts: 'ʦ', dz: 'ʣ', ss: 'S' };
const ENGLISH: Readonly<Record<string, string>> = {
  ...CLUSTERS,
  e: 'A',
  r: 'ɹ',
  x: 'k',
  ç: 'k',
  ɐ: 'ə',
  ɚ: 'əɹ',
  əl: 'ᵊl',
  ɬ: 'l',
  ʔ: 't',
  ɾ: 'T',
  oː: 'ɔː',
  oːɹ: 'ɔːɹ',
};
const AMERICAN: Readonly<Record<string, string>> = { ...ENGLISH, ɜː: 'ɜɹ', ɜːɹ: 'ɜɹ', ɪə: 'iə' };
const BRITISH: Readonly<Record<string, string>> = { ...ENGLISH, eə: 'ɛː', iə: 'ɪə' };

/** One eSpeak phoneme, `' '` or punctuation, as Kokoro's symbols; '' when it has none. */
export function toKokoro(phoneme: string, dialect: KokoroDialect): string {
  const stress = /^[ˈˌ]*/u.exec(phoneme)?.[0] ?? '';
  let sound = phoneme.slice(stress.length);
  if (dialect === 'other') sound = OTHER[sound] ?? sound;
  else {
    sound = (dialect === 'en-us' ? AMERICAN : BRITISH)[sound] ?? sound;
    // A syllabic consonant carries its vowel in front; nasal vowels are no English sounds.
    sound = sound
      .replace(/(\p{L})\u0329/gu, 'ᵊ$1')
      .replaceAll('\u0303', '')
      .replaceAll('ʲ', '');
    if (dialect === 'en-us') sound = sound.replaceAll('ː', '');
  }
  const symbols = [...(stress + punctuation(sound))].filter((symbol) => KOKORO_IDS.has(symbol));
  return symbols.join('');
}

function punctuation(sound: string): string {
  if (sound === '«' || sound === '„') return '“';
  if (sound === '»') return '”';
  if (sound === '–') return '—';
  return sound === '[' || sound === '{' ? '(' : sound === ']' || sound === '}' ? ')' : sound;
}

export interface KokoroSymbol {
  /** eSpeak's phoneme, for phoneme times. */
  readonly phoneme: string;
  readonly ids: readonly number[];
}

/**
 * Phonemes of one sentence to runs the model can take, cut at spaces where a sentence is longer.
 * @param maxIds ids in a run, without the padding at its ends
 */
export function kokoroRuns(
  phonemes: readonly string[],
  dialect: KokoroDialect,
  maxIds: number,
): KokoroSymbol[][] {
  const runs: KokoroSymbol[][] = [];
  let run: KokoroSymbol[] = [];
  const count = (symbols: readonly KokoroSymbol[]): number =>
    symbols.reduce((sum, { ids }) => sum + ids.length, 0);
  for (const phoneme of phonemes) {
    const ids = [...toKokoro(phoneme, dialect)].map((symbol) => KOKORO_IDS.get(symbol)!);
    if (ids.length === 0) continue;
    if (count(run) + ids.length > maxIds) {
      const space = run.findLastIndex(({ phoneme: p }) => p === ' ');
      const rest = space > 0 ? run.slice(space + 1) : [];
      runs.push(space > 0 ? run.slice(0, space) : run);
      run = rest;
    }
    run.push({ phoneme, ids });
  }
  if (run.some(({ phoneme }) => /\p{L}/u.test(phoneme))) runs.push(run);
  return runs;
}
