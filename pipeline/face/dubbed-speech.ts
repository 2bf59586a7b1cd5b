/** When a sound of speech begins, on the channel's timeline. */
export interface PlacedPhoneme {
  /** IPA, as synthesisers give it. */
  readonly phoneme: string;
  readonly startUs: number;
}

/** What becomes known of a rendition's voice, in the order in which it is decided. */
export type SpeechUpdate =
  | {
      readonly kind: 'utterance';
      readonly startUs: number;
      readonly endUs: number;
      /** Empty where the synthesiser tells none. */
      readonly phonemes: readonly PlacedPhoneme[];
      /** As it will sound, 48 kHz mono. */
      readonly pcm: Float32Array;
    }
  /** Original speech in place of which the dub is heard. */
  | { readonly kind: 'dubbed-span'; readonly startUs: number; readonly endUs: number }
  /** Every utterance that starts before this is told. */
  | { readonly kind: 'known'; readonly untilUs: number };
