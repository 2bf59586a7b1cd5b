import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineInfo, LanguageCode, QualityTier } from '../../../pipeline/ports/engine.ts';
import type {
  TranslateRequest,
  Translation,
  TranslationPair,
  Translator,
} from '../../../pipeline/ports/translator.ts';
import { isHallucination, WhisperHost, type WhisperHostOptions } from './whisper-host.ts';

export interface WhisperTranslatorOptions {
  readonly host: WhisperHost;
}

/** Languages whose clear speech the base model turned into English one can follow (read clips, judged by eye). */
const FAIR = new Set<LanguageCode>(['es', 'fr', 'pt']);

/** There are many ways to translate, so a right one is less probable than the right transcript. */
const LOWEST_LOG_PROB = -1.6;

/** How good Whisper base is from a language into English. */
export const whisperTier = (from: LanguageCode): QualityTier => (FAIR.has(from) ? 'fair' : 'gist');

/** Whisper's own translation of speech into English: it hears the clause again, it does not read its text. */
export class WhisperTranslator implements Translator {
  readonly info: EngineInfo;
  readonly pairs: readonly TranslationPair[];
  readonly needsAudio = true;
  readonly #host: WhisperHost;
  #owned = false;

  constructor(options: WhisperTranslatorOptions) {
    this.#host = options.host;
    this.info = { id: `${options.host.id}-translate`, version: options.host.version, licence: 'MIT' };
    this.pairs = options.host.languages
      .filter((from) => from !== 'en')
      .map((from) => ({ from, to: 'en', tier: whisperTier(from), via: [] }));
  }

  /** Loads a model for translation alone. @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: WhisperHostOptions): Promise<WhisperTranslator> {
    const translator = new WhisperTranslator({ host: await WhisperHost.load(options) });
    translator.#owned = true;
    return translator;
  }

  /**
   * @returns empty text when it heard no speech
   * @throws LIVEDUB_E_PAIR_UNSUPPORTED, LIVEDUB_E_BAD_REQUEST without `pcm`
   */
  async translate(request: TranslateRequest): Promise<Translation> {
    const { from, to, pcm } = request;
    if (!this.pairs.some((pair) => pair.from === from && pair.to === to)) {
      throw new LivedubError('LIVEDUB_E_PAIR_UNSUPPORTED', `Whisper does not translate ${from} into ${to}.`);
    }
    if (!pcm)
      throw new LivedubError(
        'LIVEDUB_E_BAD_REQUEST',
        'Speech translation needs the sound of the clause (pcm).',
      );
    const answer = await this.#host.ask(request, {
      pcm,
      language: from,
      task: 'translate',
      grows: false,
      align: false,
    });
    return { text: answer && !isHallucination(answer, LOWEST_LOG_PROB) ? answer.text : '', unknownWords: [] };
  }

  async close(): Promise<void> {
    if (this.#owned) await this.#host.close();
  }
}
