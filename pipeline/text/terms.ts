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
