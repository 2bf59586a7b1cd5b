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
  ['af_heart', 'en', 'Heart', 'female', 0],
  ['am_michael', 'en', 'Michael', 'male', 0],
  ['af_bella', 'en', 'Bella', 'female', 0],
  ['am_fenrir', 'en', 'Fenrir', 'male', 0],
  ['bf_emma', 'en', 'Emma (British)', 'female', 0],
  ['bm_george', 'en', 'George (British)', 'male', 0],
  ['ef_dora', 'es', 'Dora', 'female', 0],
  ['em_alex', 'es', 'Alex', 'male', 0],
  ['ff_siwis', 'fr', 'Siwis', 'female', 0],
  ['if_sara', 'it', 'Sara', 'female', 0],
  ['im_nicola', 'it', 'Nicola', 'male', 0],
  ['pf_dora', 'pt', 'Dora', 'female', 0],
  ['pm_alex', 'pt', 'Alex', 'male', 0],
];

const ESPEAK_VOICES: Readonly<Record<string, string>> = { es: 'es', fr: 'fr', it: 'it', pt: 'pt-br' };

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
    espeakVoice: dialect === 'other' ? (ESPEAK_VOICES[language] ?? language) : dialect,
  };
});
