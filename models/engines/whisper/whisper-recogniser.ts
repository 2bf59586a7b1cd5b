import type { EngineInfo } from '../../../pipeline/ports/engine.ts';
import type {
  RecogniseRequest,
  Recogniser,
  RecogniserCapabilities,
  Recognition,
} from '../../../pipeline/ports/recogniser.ts';
import { isHallucination, WHISPER_WINDOW_MS, WhisperHost, type WhisperHostOptions } from './whisper-host.ts';

export interface WhisperRecogniserOptions {
  /** Shared with the translator where both are wanted; closing is then its owner's business. */
  readonly host: WhisperHost;
  /** Share of probability a language needs when the caller asked for `auto`. Default 0.35. */
  readonly languageGate?: number;
}

/** Whisper (https://arxiv.org/abs/2212.04356, MIT): some 99 languages, word times from cross-attention. */
export class WhisperRecogniser implements Recogniser {
  readonly info: EngineInfo;
  readonly capabilities: RecogniserCapabilities;
  readonly #host: WhisperHost;
  readonly #languageGate: number;
  #owned = false;

  constructor(options: WhisperRecogniserOptions) {
    this.#host = options.host;
    this.#languageGate = options.languageGate ?? 0.35;
    this.info = { id: options.host.id, version: options.host.version, licence: 'MIT' };
    this.capabilities = {
      languages: options.host.languages,
      wordTimes: true,
      identifiesLanguage: true,
      maxWindowMs: WHISPER_WINDOW_MS,
      partialEveryMs: 480,
    };
  }

  /** Loads a model for recognition alone. @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(
    options: WhisperHostOptions & Omit<WhisperRecogniserOptions, 'host'>,
  ): Promise<WhisperRecogniser> {
    const { languageGate } = options;
    const host = await WhisperHost.load(options);
    const recogniser = new WhisperRecogniser({
      host,
      ...(languageGate === undefined ? {} : { languageGate }),
    });
    recogniser.#owned = true;
    return recogniser;
  }

  /** @throws LIVEDUB_E_LANGUAGE_NOT_RECOGNISED for a language Whisper does not hear, and what the pool throws */
  async recognise(request: RecogniseRequest): Promise<Recognition> {
    const { pcm, language, final } = request;
    const answer = await this.#host.ask(request, {
      pcm,
      language,
      task: 'transcribe',
      grows: !final,
      align: true,
    });
    const fallback = language === 'auto' ? 'en' : language;
    if (!answer) return { text: '', words: [], language: fallback, confidence: 0, rejected: 'noise' };
    const heard: Recognition = {
      text: answer.text,
      words: answer.words,
      language: answer.language,
      confidence: Math.exp(answer.meanLogProb),
    };
    if (isHallucination(answer)) return { ...heard, rejected: 'noise' };
    if (answer.languageProb < this.#languageGate) return { ...heard, rejected: 'language' };
    return heard;
  }

  async close(): Promise<void> {
    if (this.#owned) await this.#host.close();
  }
}
