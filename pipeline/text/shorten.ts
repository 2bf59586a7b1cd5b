import type { LanguageCode } from '../ports/engine.ts';

/** What carries no meaning of its own when somebody is in a hurry, longest first within a language. */
const FILLERS: Readonly<Record<LanguageCode, readonly string[]>> = {
  en: list(
    'at the end of the day|as a matter of fact|to be honest with you|to be honest|if you will|if you like|so to speak|' +
      'needless to say|as you know|as I said|you see|you know|I mean|I think|I guess|I suppose|sort of|kind of|' +
      'of course|after all|in fact|by the way|basically|actually|literally|honestly|obviously|really|simply|just|' +
      'very|quite|rather|well|okay|alright|anyway|uh|um|uhm|er|erm|ah|oh|hmm|like I said|right',
  ),
  es: list(
    'por así decirlo|a decir verdad|como he dicho|como saben|al fin y al cabo|de hecho|por supuesto|es decir|o sea|' +
      'la verdad es que|digamos|bueno|pues|entonces|realmente|básicamente|simplemente|muy|eh|em|mmm',
  ),
  fr: list(
    "pour ainsi dire|à vrai dire|comme vous le savez|comme je l'ai dit|en quelque sorte|en fait|bien sûr|tu vois|vous voyez|" +
      'je pense que|disons|voilà|alors|donc|bon|ben|bah|quoi|vraiment|simplement|très|euh|hum',
  ),
  de: list(
    'wie gesagt|wie Sie wissen|sozusagen|gewissermaßen|im Grunde|ehrlich gesagt|an und für sich|eigentlich|natürlich|' +
      'übrigens|jedenfalls|halt|eben|mal|ja|also|nun|sehr|wirklich|einfach|äh|ähm|hm',
  ),
  it: list(
    'per così dire|a dire il vero|come sapete|come ho detto|in un certo senso|in effetti|naturalmente|diciamo|insomma|' +
      'allora|dunque|cioè|ecco|beh|davvero|semplicemente|molto|eh|ehm|mmm',
  ),
  pt: list(
    'por assim dizer|para dizer a verdade|como sabem|como eu disse|de certa forma|na verdade|de fato|de facto|' +
      'é claro|quer dizer|digamos|bom|pois|então|realmente|basicamente|simplesmente|muito|né|eh|hum',
  ),
};

/** Fillers that only count between commas or at the beginning: elsewhere they may carry the sentence. */
const ONLY_APART = new Set(
  'i think|i guess|i suppose|you know|you see|well|right|like i said|just|then|entonces|pues|bueno|alors|donc|bon|quoi|ja|also|nun|eben|mal|halt|allora|dunque|ecco|bom|pois|então|okay|alright|je pense que|rather|kind of|sort of|simply'.split(
    '|',
  ),
);

/** An aside of at most so many words may go. */
const MAX_ASIDE_WORDS = 6;

/**
 * Makes a clause shorter without losing what it says: drops fillers and discourse markers, words said twice, and asides in
 * brackets or between dashes. Returns the text as it came where nothing would be left or the language has no list.
 *
 * @param language en, es, fr, de, it, pt; repeated words and asides go in every language
 */
export function shorten(text: string, language: LanguageCode): string {
  let short = text
    .replace(/\s*[([][^)\]]*[)\]]/gu, '')
    .replace(/\s+[–—-]\s+([^–—]+?)\s+[–—-]\s+/gu, (all, aside: string) =>
      wordCount(aside) <= MAX_ASIDE_WORDS ? ' ' : all,
    );
  for (const filler of FILLERS[language] ?? []) short = without(short, filler);
  // "the the", "we we", "I think I think"
  short = short
    .replace(
      /(?<![\p{L}\p{N}'’])([\p{L}'’]+(?:\s+[\p{L}'’]+){0,2})(?:[,…]?\s+\1)+(?![\p{L}\p{N}'’])/giu,
      '$1',
    )
    .replace(/\s+([,;:.!?…])/gu, '$1')
    .replace(/([,;:])(?:\s*[,;:])+/gu, '$1')
    .replace(/[,;:]\s*([.!?…])/gu, '$1')
    .replace(/^[\s,;:.…–—-]+/u, '')
    .replace(/\s+/gu, ' ')
    .trim();
  if (!/[\p{L}\p{N}]/u.test(short)) return text;
  const isCapital = /^\P{L}*\p{Lu}/u.test(text);
  return isCapital ? short.replace(/\p{L}/u, (letter) => letter.toUpperCase()) : short;
}

function without(text: string, filler: string): string {
  const words = filler.replace(/[.*+?^${}()|[\]\\]/gu, '\\$&').replace(/\s+/gu, '\\s+');
  if (!ONLY_APART.has(filler.toLowerCase()))
    return text.replace(new RegExp(`(?<![\\p{L}\\p{N}'’-])${words}(?![\\p{L}\\p{N}'’-])`, 'giu'), '');
  return text.replace(new RegExp(`(^|[,;:.!?…–—]\\s*)${words}\\s*(?=[,;:–—])`, 'giu'), '$1');
}

function wordCount(text: string): number {
  return text.split(/\s+/u).filter((word) => word !== '').length;
}

function list(text: string): readonly string[] {
  return text.split('|');
}
