/**
 * How lips stand for a sound of speech: opening 0…1 of the speaker's range, width −1 (rounded) … 1 (spread), and how strongly it
 * asserts itself against its neighbours.
 */
export interface Viseme {
  readonly name: VisemeName;
  readonly opening: number;
  readonly width: number;
  readonly dominance: number;
}

export type VisemeName =
  | 'sil'
  | 'PP'
  | 'FF'
  | 'TH'
  | 'DD'
  | 'SS'
  | 'CH'
  | 'kk'
  | 'nn'
  | 'RR'
  | 'aa'
  | 'E'
  | 'I'
  | 'O'
  | 'U';

const SHAPES: readonly (readonly [VisemeName, number, number, number])[] = [
  ['sil', 0, 0, 0.8],
  ['PP', 0, 0, 2],
  ['FF', 0.1, 0.1, 1.6],
  ['TH', 0.28, 0.1, 0.8],
  ['DD', 0.25, 0.1, 0.7],
  ['SS', 0.17, 0.35, 1],
  ['CH', 0.22, -0.5, 1],
  ['kk', 0.36, 0, 0.45],
  ['nn', 0.3, 0.1, 0.6],
  ['RR', 0.32, -0.2, 0.6],
  ['aa', 1, 0.1, 1],
  ['E', 0.66, 0.35, 1],
  ['I', 0.38, 0.65, 1],
  ['O', 0.66, -0.6, 1],
  ['U', 0.34, -0.95, 1.1],
];

const VISEMES = new Map(
  SHAPES.map(([name, opening, width, dominance]) => [name, { name, opening, width, dominance }]),
);

/** IPA letters that look alike on the lips. */
const LETTERS: readonly (readonly [VisemeName, string])[] = [
  ['PP', 'pbmɓʘ'],
  ['FF', 'fvɱʋβɸ'],
  ['TH', 'θð'],
  ['DD', 'tdɖʈɗ'],
  ['SS', 'szɕʑ'],
  ['CH', 'ʃʒʂʐʧʤ'],
  ['kk', 'kɡgxɣqɢχʁhɦħʕʔcɟçʝŋɴ'],
  ['nn', 'nlɲɳɭʎɫɬɮ'],
  ['RR', 'rɹɾʀɽɻ'],
  ['aa', 'aɑɐʌɒæä'],
  ['E', 'eɛəɜɘɞɚɝ'],
  ['I', 'iɪɨj'],
  ['O', 'oɔøœɵ'],
  ['U', 'uʊwʉɯɥʍyʏ'],
];

const OF_LETTER = new Map(LETTERS.flatMap(([name, letters]) => [...letters].map((letter) => [letter, name])));
export function viseme(name: VisemeName): Viseme {
  return VISEMES.get(name)!;
}

/** How the lips stand for a phoneme. @param phoneme IPA; length and stress marks do not matter; what is none is silence */
export function visemeOf(phoneme: string): Viseme {
  for (const letter of phoneme.normalize('NFD')) {
    const name = OF_LETTER.get(letter);
    if (name !== undefined) return viseme(name);
  }
  return viseme('sil');
}
