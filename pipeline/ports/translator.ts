import type { EngineCall, EngineInfo, LanguageCode, QualityTier } from './engine.ts';

export interface TranslationPair {
  readonly from: LanguageCode;
  readonly to: LanguageCode;
  readonly tier: QualityTier;
  /** Languages passed through on the way, e.g. `['ca']` for en→ca→fr. */
  readonly via: readonly LanguageCode[];
}

export interface TranslateRequest extends EngineCall {
  readonly text: string;
  readonly from: LanguageCode;
  readonly to: LanguageCode;
  /** Source text of the clauses just before, oldest first; engines may ignore it. */
  readonly context: readonly string[];
  /** The clause's own sound, 16 kHz mono; given when `needsAudio`. */
  readonly pcm?: Float32Array;
}

export interface Translation {
  readonly text: string;
  /** Source words the engine has no translation for and left as they are. */
  readonly unknownWords: readonly string[];
}

export interface Translator {
  readonly info: EngineInfo;
  readonly pairs: readonly TranslationPair[];
  /** True for engines that translate speech itself (Whisper into English). */
  readonly needsAudio: boolean;
  translate(request: TranslateRequest): Promise<Translation>;
  close(): Promise<void>;
}
