import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineInfo } from '../../../pipeline/ports/engine.ts';
import type {
  SynthesisedSpeech,
  SynthesiseRequest,
  Synthesiser,
  Voice,
} from '../../../pipeline/ports/synthesiser.ts';
import type { EspeakEngine } from './espeak-engine.ts';
import { NORMAL_RATE } from './utterance.ts';
import { ESPEAK_VOICES, espeakVoices } from './voices.ts';

/** Rates between which eSpeak NG stays clear. */
const MIN_RATE = 0.8;
const MAX_RATE = 1.5;
/** How far one step of eSpeak's pitch setting moves the voice, in semitones (measured from 20 to 80). */
const SEMITONES_A_STEP = 0.16;

/** eSpeak NG: formant synthesis of many languages, clear and mechanical. Where nothing better is installed. */
export class EspeakSynthesiser implements Synthesiser {
  readonly info: EngineInfo;
  readonly voices: readonly Voice[] = espeakVoices;
  readonly deterministic = true;
  readonly #engine: EspeakEngine;

  /** @param engine shared with the aligner; closed by whoever made it */
  constructor(engine: EspeakEngine) {
    this.#engine = engine;
    this.info = engine.info;
  }

  async synthesise(request: SynthesiseRequest): Promise<SynthesisedSpeech> {
    const voice = ESPEAK_VOICES[request.voice.language];
    if (voice === undefined) {
      throw new LivedubError(
        'LIVEDUB_E_LANGUAGE_UNKNOWN',
        `eSpeak NG has no voice for ${request.voice.language}.`,
      );
    }
    const rate = Math.min(MAX_RATE, Math.max(MIN_RATE, request.rate));
    const { pcm, sampleRateHz, phonemes } = await this.#engine.read(
      { text: request.text, voice, rate: NORMAL_RATE * rate, pitch: pitchSetting(request) },
      request,
    );
    return { pcm, sampleRateHz, phonemes: phonemes.map(({ phoneme, startMs }) => ({ phoneme, startMs })) };
  }

  async close(): Promise<void> {}
}

function pitchSetting({ match, voice }: SynthesiseRequest): number {
  if (match === undefined || match.pitchHz <= 0) return 50;
  const semitones = 12 * Math.log2(match.pitchHz / voice.pitchHz);
  return Math.min(90, Math.max(15, 50 + semitones / SEMITONES_A_STEP));
}
