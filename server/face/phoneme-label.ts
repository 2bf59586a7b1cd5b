import { visemeOf } from '../../pipeline/face/viseme.ts';

/** How ARPAbet, the phonetic alphabet in capitals, writes sounds that are no Latin letter. */
const ARPABET: Readonly<Record<string, string>> = {
  ...{ ɑ: 'AA', ɐ: 'AH', ʌ: 'AH', æ: 'AE', ɒ: 'AO', ɔ: 'AO', ə: 'AX', ɜ: 'ER', ɚ: 'ER', ɛ: 'EH' },
  ...{ ɪ: 'IH', ɨ: 'IX', ʊ: 'UH', ʉ: 'UX', ø: 'OE', œ: 'OE', ʃ: 'SH', ʒ: 'ZH', ʂ: 'SH', ʐ: 'ZH' },
  ...{ θ: 'TH', ð: 'DH', ŋ: 'NG', ɲ: 'NY', ɾ: 'DX', ɹ: 'R', ʁ: 'R', ʀ: 'R', ɡ: 'G', ɣ: 'G' },
  ...{ β: 'B', ɸ: 'F', ʋ: 'V', χ: 'X', ħ: 'H', ɦ: 'H', ʎ: 'LY', ɭ: 'L', ɫ: 'L', ç: 'C', ʔ: '?' },
};

/** A phoneme in letters that the tiny font has; what it has none for is called by its viseme. */
export function phonemeLabel(phoneme: string): string {
  let out = '';
  for (const letter of phoneme.normalize('NFD')) {
    if (/[a-z]/iu.test(letter)) out += letter.toUpperCase();
    else out += ARPABET[letter] ?? '';
  }
  if (out !== '') return out;
  const { name } = visemeOf(phoneme);
  return name === 'sil' ? '' : name.toUpperCase();
}
