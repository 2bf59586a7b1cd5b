import type { Voice } from '../../../pipeline/ports/synthesiser.ts';

export interface PicoLoadBody {
  /** svoxpico.js of npm @echogarden/svoxpico-wasm; its wasm lies beside it. */
  readonly scriptPath: string;
  /** Voice id → its two lingware files. */
  readonly resources: Readonly<Record<string, readonly string[]>>;
}

export interface PicoReading {
  readonly voiceId: string;
  readonly text: string;
  /** Per cent of the voice's own, 50…200. */
  readonly pitch: number;
  /** Per cent of the voice's own, 20…500. */
  readonly speed: number;
}

export interface PicoSpeech {
  /** 16 kHz mono, −1…1. */
  readonly pcm: Float32Array;
}

function voice(language: string, id: string, name: string, pitchHz: number): Voice {
  return { id, language, name: `Pico ${name}`, gender: 'female', pitchHz, tier: 'fair' };
}

/** The voices of SVOX Pico, with the median pitch measured over a few sentences. American English before British. */
export const PICO_VOICES: readonly Voice[] = [
  voice('es', 'pico-es-ES', 'Spanish', 198),
  voice('fr', 'pico-fr-FR', 'French', 192),
  voice('it', 'pico-it-IT', 'Italian', 179),
  voice('de', 'pico-de-DE', 'German', 169),
  voice('en', 'pico-en-US', 'American English', 167),
  voice('en', 'pico-en-GB', 'British English', 172),
];

/** Names of the two lingware files of each voice, without `.bin`: text analysis, and sound generation. */
export const PICO_LINGWARE: Readonly<Record<string, readonly [string, string]>> = {
  'pico-es-ES': ['es-ES_ta', 'es-ES_zl0_sg'],
  'pico-fr-FR': ['fr-FR_ta', 'fr-FR_nk0_sg'],
  'pico-it-IT': ['it-IT_ta', 'it-IT_cm0_sg'],
  'pico-de-DE': ['de-DE_ta', 'de-DE_gl0_sg'],
  'pico-en-US': ['en-US_ta', 'en-US_lh0_sg'],
  'pico-en-GB': ['en-GB_ta', 'en-GB_kh0_sg'],
};
