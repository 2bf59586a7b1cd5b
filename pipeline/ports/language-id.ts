import type { EngineInfo, LanguageCode } from './engine.ts';

/** Says which language a text is in. */
export interface LanguageId {
  readonly info: EngineInfo;
  /** Best first; probabilities 0…1. Empty for text without letters. */
  identify(text: string): readonly { readonly language: LanguageCode; readonly probability: number }[];
  close(): Promise<void>;
}
