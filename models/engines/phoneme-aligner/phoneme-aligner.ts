import { LivedubError } from '../../../pipeline/errors.ts';
import type { Aligner, Alignment, AlignRequest } from '../../../pipeline/ports/aligner.ts';
import type { EngineInfo } from '../../../pipeline/ports/engine.ts';
import type { EspeakEngine } from '../espeak/espeak-engine.ts';
import { NORMAL_RATE } from '../espeak/utterance.ts';
import { ESPEAK_VOICES } from '../espeak/voices.ts';

/**
 * Word and phoneme times of a known text: eSpeak NG reads the text, and its phoneme times are carried over to the real
 * speech along a warping path between the two (the idea of aeneas, Pettarin 2015).
 */
export class PhonemeAligner implements Aligner {
  readonly info: EngineInfo;
  readonly languages = Object.keys(ESPEAK_VOICES);
  readonly #engine: EspeakEngine;

  /** @param engine shared with the synthesiser; closed by whoever made it */
  constructor(engine: EspeakEngine) {
    this.#engine = engine;
    this.info = { ...engine.info, id: 'phoneme-aligner' };
  }

  /** @throws LIVEDUB_E_LANGUAGE_UNKNOWN, and what the engine's thread throws */
  async align({ text, language, pcm, ...call }: AlignRequest): Promise<Alignment> {
    const voice = ESPEAK_VOICES[language];
    if (voice === undefined) {
      throw new LivedubError('LIVEDUB_E_LANGUAGE_UNKNOWN', `The aligner does not know ${language}.`);
    }
    if (text.trim() === '') return { words: [], phonemes: [] };
    return this.#engine.align({ text, voice, rate: NORMAL_RATE, pitch: 50, pcm }, call);
  }

  async close(): Promise<void> {}
}
