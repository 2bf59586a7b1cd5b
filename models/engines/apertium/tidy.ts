import type { LanguageCode } from '../../../pipeline/ports/engine.ts';

const PARTICIPLE = String.raw`been|got|had|done|gone|become|seen|taken|made|come|given|found|grown|\w+ed`;

/** Spoken English that Apertium's dictionaries read wrongly, and what they read right. Order matters. */
const ENGLISH: readonly [RegExp, string][] = [
  [/\b(gonna)\b/gi, 'going to'],
  [/\b(wanna)\b/gi, 'want to'],
  [/\b(gotta)\b/gi, 'have to'],
  [/\b(kinda|sorta)\b/gi, 'rather'],
  [/\bcan't\b/gi, 'cannot'],
  [/\bwon't\b/gi, 'will not'],
  [/\bshan't\b/gi, 'shall not'],
  [/\bain't\b/gi, 'is not'],
  [/\b(is|are|was|were|do|does|did|has|have|had|would|could|should|must|might|need)n't\b/gi, '$1 not'],
  [/\bI'm\b/g, 'I am'],
  [/\b(you|we|they)'re\b/gi, '$1 are'],
  [/\b(I|you|we|they|would|could|should|might|must)'ve\b/gi, '$1 have'],
  [/\b(I|you|he|she|it|we|they|that|there|this)'ll\b/gi, '$1 will'],
  [/\b(I|you|he|she|it|we|they)'d better\b/gi, '$1 should'],
  [new RegExp(String.raw`\b(I|you|he|she|it|we|they)'d(?= (?:${PARTICIPLE})\b)`, 'gi'), '$1 had'],
  [/\b(I|you|he|she|it|we|they)'d\b/gi, '$1 would'],
  [
    new RegExp(
      String.raw`\b(he|she|it|that|there|what|who|where|how)'s(?= (?:\w+ly )?(?:${PARTICIPLE})\b)`,
      'gi',
    ),
    '$1 has',
  ],
  [/\b(he|she|it|that|there|here|what|who|where|how|when|this)'s\b/gi, '$1 is'],
  [/\blet's\b/gi, 'we'],
];

/**
 * Writes spoken English the way the rule-based translator reads it best: one kind of apostrophe, contractions in full.
 * Other languages only get the apostrophe.
 */
export function prepareSource(text: string, language: LanguageCode): string {
  let plain = text.replace(/[’ʼ]/g, "'").replace(/[“”„]/g, '"');
  if (language !== 'en') return plain;
  for (const [pattern, replacement] of ENGLISH) {
    plain = plain.replace(pattern, (match, ...groups: unknown[]) => {
      const word = typeof groups[0] === 'string' ? groups[0] : '';
      const filled = replacement.replace('$1', word);
      // The first letter keeps its case: "Can't" → "Cannot".
      return match[0] !== match[0]!.toLowerCase() ? filled[0]!.toUpperCase() + filled.slice(1) : filled;
    });
  }
  return plain;
}

/** Spanish opens a question or an exclamation as well as closing it. */
function openSpanishSentences(text: string): string {
  return text.replace(/[^.!?…]+[.!?…]+/g, (sentence) => {
    const closing = sentence.match(/[!?]/)?.[0];
    if (closing === undefined || /[¿¡]/.test(sentence)) return sentence;
    return sentence.replace(/^(\s*["«]?)/, `$1${closing === '?' ? '¿' : '¡'}`);
  });
}

/** Puts spaces, first letter, sentence case and closing punctuation of a translation right, after its source. */
export function tidyTarget(text: string, source: string, language: LanguageCode): string {
  let tidy = text
    .replace(/\s+/g, ' ')
    .replace(/\s+([,.)\]»…])/g, '$1')
    .replace(/([¿¡([«])\s+/g, '$1')
    .trim();
  if (language !== 'fr') tidy = tidy.replace(/\s+([;:!?])/g, '$1');
  if (tidy === '') return tidy;
  const closing = source.trim().match(/[.!?…]+$/)?.[0];
  if (closing !== undefined && !/[.!?…]["»)]?$/.test(tidy)) tidy = `${tidy.replace(/[,;:]$/, '')}${closing}`;
  const first = source.match(/\p{L}/u)?.[0];
  if (first !== undefined && first !== first.toLowerCase()) {
    tidy = tidy.replace(/\p{L}/u, (letter) => letter.toUpperCase());
  }
  tidy = tidy.replace(
    /([.!?…]\s+)(\p{Ll})/gu,
    (_, end: string, letter: string) => end + letter.toUpperCase(),
  );
  return language === 'es' ? openSpanishSentences(tidy) : tidy;
}
