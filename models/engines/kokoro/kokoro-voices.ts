import type { Voice } from '../../../pipeline/ports/synthesiser.ts';
import type { KokoroDialect } from './kokoro-phonemes.ts';

export interface KokoroVoice extends Voice {
  /** Name of its style file, without `.bin`. */
  readonly style: string;
  /** eSpeak's name of the variety it speaks. */
  readonly espeakVoice: string;
  readonly dialect: KokoroDialect;
}

type Row = readonly [
  style: string,
  language: string,
  name: string,
  gender: 'female' | 'male',
  pitchHz: number,
];

/** Voices whose language eSpeak NG can write for the model; the best of each language first. */
const ROWS: readonly Row[] = [
  ['af_heart', 'en', 'Heart', 'female', 195],
  ['am_michael', 'en', 'Michael', 'male', 108],
  ['af_bella', 'en', 'Bella', 'female', 195],
  ['am_fenrir', 'en', 'Fenrir', 'male', 143],
  ['bf_emma', 'en', 'Emma (British)', 'female', 182],
  ['bm_george', 'en', 'George (British)', 'male', 138],
  ['ef_dora', 'es', 'Dora', 'female', 170],
  ['em_alex', 'es', 'Alex', 'male', 129],
  ['ff_siwis', 'fr', 'Siwis', 'female', 211],
  ['if_sara', 'it', 'Sara', 'female', 216],
  ['im_nicola', 'it', 'Nicola', 'male', 90],
  ['pf_dora', 'pt', 'Dora', 'female', 170],
  ['pm_alex', 'pt', 'Alex', 'male', 129],
];

/** The packaged eSpeak NG knows British English only as `en`, and what is not named here by the language's own code. */
const ESPEAK_VOICES: Readonly<Record<string, string>> = { 'en-us': 'en-us', 'en-gb': 'en', pt: 'pt-br' };

/** All voices this engine offers when their style files are there. */
export const KOKORO_VOICES: readonly KokoroVoice[] = ROWS.map(([style, language, name, gender, pitchHz]) => {
  const dialect = language !== 'en' ? 'other' : style.startsWith('b') ? 'en-gb' : 'en-us';
  return {
    id: `kokoro-${style}`,
    language,
    name,
    gender,
    pitchHz,
    tier: 'good',
    style,
    dialect,
    espeakVoice: ESPEAK_VOICES[dialect === 'other' ? language : dialect] ?? language,
  };
});
