/** What eSpeak NG says about a text it has read. */
export interface EspeakUtterance {
  /** Mono, −1…1. */
  readonly pcm: Float32Array;
  readonly sampleRateHz: number;
  readonly phonemes: readonly EspeakPhoneme[];
}

export interface EspeakPhoneme {
  /** IPA with stress marks; empty for a pause. */
  readonly phoneme: string;
  readonly startMs: number;
  /** Code point of the text at which its word begins, from 0. */
  readonly textPosition: number;
}

export interface EspeakReading {
  readonly text: string;
  /** eSpeak's own voice name, e.g. `en-us`. */
  readonly voice: string;
  /** Words a minute. */
  readonly rate: number;
  /** 0…99, 50 as the voice comes. */
  readonly pitch: number;
}

/** Words a minute of an unhurried reading. */
export const NORMAL_RATE = 165;

export interface EspeakLoadBody {
  readonly scriptPath: string;
}

export interface EspeakAlignBody extends EspeakReading {
  readonly pcm: Float32Array;
}
