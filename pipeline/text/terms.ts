import type { LanguageCode } from '../ports/engine.ts';

/** A term of the source and what it becomes in one language. */
export interface GlossaryTerm {
  readonly source: string;
  readonly language: LanguageCode;
  readonly target: string;
}

/** What a channel's operator says about words. */
export interface Terms {
  readonly glossary: readonly GlossaryTerm[];
  /** Names and terms that stay as they are in every language. */
  readonly doNotTranslate: readonly string[];
}

export const NO_TERMS: Terms = { glossary: [], doNotTranslate: [] };

/** A text whose terms were put out of the translator's reach. */
export interface ProtectedText {
  /** What to translate: every term replaced by a word that is in no dictionary. */
  readonly text: string;
  /** How many terms were found; 0: `text` is the source. */
  readonly count: number;
  /** Puts the terms into the translation; undefined when the translator lost or repeated one. */
  restore(translated: string): string | undefined;
  /** True for the words that stand for terms, whatever case they came back in. */
  isPlaceholder(word: string): boolean;
}

interface Rule {
  readonly source: string;
  /** Undefined: as it was said. */
  readonly target: string | undefined;
}

/** A capitalised word with digits is taken for a name by rule-based and by neural translators, and left alone. */
const placeholder = (index: number) => `XQ${index + 1}Z`;
const PLACEHOLDER = /XQ(\d+)Z/giu;

/**
 * Puts the terms of a text out of a translator's reach. Whole words, whatever their case; the longest term first; what the
 * glossary says goes before what is to stay.
 */
export function protectTerms(text: string, terms: Terms, language: LanguageCode): ProtectedText {
  const found: string[] = [];
  const rules = rulesFor(terms, language);
  let out = text;
  // A text that happens to hold such a word itself is left as it is.
  if (rules.length > 0 && text.search(PLACEHOLDER) < 0) {
    const any = rules.map(({ source }) => pattern(source)).join('|');
    out = text.replace(wholeWords(any), (said) => {
      const rule = rules.find(({ source }) => new RegExp(`^(?:${pattern(source)})$`, 'iu').test(said));
      found.push(rule?.target ?? said);
      return placeholder(found.length - 1);
    });
  }
  return {
    text: out,
    count: found.length,
    restore: (translated) => restore(translated, found),
    isPlaceholder: (word) => found.length > 0 && /^XQ\d+Z$/iu.test(word),
  };
}

/** The best that can be done after a translation without protection: terms the translator left as they were are replaced. */
export function replaceTerms(translated: string, terms: Terms, language: LanguageCode): string {
  let out = translated;
  for (const { source, target } of rulesFor(terms, language)) {
    if (target !== undefined) out = out.replace(wholeWords(pattern(source)), () => target);
  }
  return out;
}

function restore(translated: string, found: readonly string[]): string | undefined {
  const seen = new Set<number>();
  let isWhole = true;
  const out = translated.replace(PLACEHOLDER, (_all, digits: string) => {
    const index = Number(digits) - 1;
    if (found[index] === undefined || seen.has(index)) isWhole = false;
    seen.add(index);
    return found[index] ?? '';
  });
  return isWhole && seen.size === found.length ? out : undefined;
}

function rulesFor(terms: Terms, language: LanguageCode): readonly Rule[] {
  const rules: Rule[] = [
    ...terms.glossary.filter((term) => term.language === language),
    ...terms.doNotTranslate.map((source) => ({ source, target: undefined })),
  ];
  return rules.filter(({ source }) => source.trim() !== '').sort((a, b) => b.source.length - a.source.length);
}

function pattern(source: string): string {
  return source
    .trim()
    .replace(/[.*+?^${}()|[\]\\]/gu, '\\$&')
    .replace(/['’]/gu, "['’]")
    .replace(/\s+/gu, '\\s+');
}

function wholeWords(alternatives: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${alternatives})(?![\\p{L}\\p{N}])`, 'giu');
}
