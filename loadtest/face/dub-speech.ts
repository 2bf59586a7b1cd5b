import type { Engines } from '../../models/registry.ts';
import { resample } from '../../pipeline/audio/resample.ts';
import { trimEdges } from '../../pipeline/audio/silence.ts';
import type { PlacedPhoneme, SpeechUpdate } from '../../pipeline/face/dubbed-speech.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { Vad } from '../../pipeline/ports/vad.ts';
import { levelled } from '../clips/pcm.ts';
import { type DecodedClip, VAD_RATE_HZ } from './face-clips.ts';

export const DUB_RATE_HZ = 48_000;
/** Between sentences of the dub, as a translator's clauses leave it. */
const PAUSE_US = 450_000;
/** A sentence may last so much longer than the speech it stands for. */
const OVERRUN_US = 150_000;

/** Sentences of several lengths, rich in p, b, m. */
const SENTENCES: Readonly<Record<string, readonly string[]>> = {
  es: [
    'Buenos días a todos.',
    'Pon el plato aquí.',
    'Mi papá bebe agua.',
    'La puerta está abierta.',
    'El problema no es tan simple.',
    'Hoy vamos a hablar de la música popular.',
    'Mi papá no bebe mucha agua fría por la mañana.',
    'También hablamos del tiempo y de un problema muy importante.',
  ],
  fr: [
    'Bonjour à tous.',
    'Pose la boîte ici.',
    'Maman a pris le bus.',
    'La porte est ouverte.',
    'Ce problème est compliqué.',
    'Nous allons parler de musique populaire.',
    "Mon papa ne boit pas beaucoup d'eau froide le matin.",
    "Nous parlons aussi du temps qu'il fait et d'un problème important.",
  ],
};

/** The dub's languages that the bench speaks. */
export const DUB_LANGUAGES = Object.keys(SENTENCES);

interface Sentence {
  readonly text: string;
  /** 48 kHz mono without silence at its edges. */
  readonly pcm: Float32Array;
  readonly phonemes: readonly { readonly phoneme: string; readonly startUs: number }[];
}

export interface Span {
  readonly startUs: number;
  readonly endUs: number;
}

/** What is said in place of a clip's own speech. */
export interface ClipDub {
  readonly language: LanguageCode;
  readonly voice: string;
  readonly texts: readonly string[];
  /** Where the clip's own speech is. */
  readonly spans: readonly Span[];
  readonly utterances: readonly (Span & {
    readonly pcm: Float32Array;
    readonly phonemes: readonly PlacedPhoneme[];
  })[];
  /** As the fit stage tells it, in order; that all is known has to be told apart. */
  readonly updates: readonly SpeechUpdate[];
  /** 48 kHz mono, as long as the clip. */
  readonly sound: Float32Array;
}

/** A language's sentences, spoken once by the best installed voice that keeps up, with the times of their phonemes. */
export class DubVoice {
  readonly language: LanguageCode;
  readonly voice: string;
  readonly #sentences: readonly Sentence[];

  private constructor(language: LanguageCode, voice: string, sentences: readonly Sentence[]) {
    this.language = language;
    this.voice = voice;
    this.#sentences = sentences;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING without a voice of the language */
  static async speak(engines: Engines, language: LanguageCode, signal: AbortSignal): Promise<DubVoice> {
    const { synthesiser, voice } = await engines.speaker(language);
    const call = { signal, priority: 'upload' } as const;
    const sentences: Sentence[] = [];
    for (const text of SENTENCES[language]!) {
      const speech = await synthesiser.synthesise({ ...call, text, voice, rate: 1 });
      const trimmed = trimEdges(speech.pcm, { sampleRateHz: speech.sampleRateHz });
      const cutMs =
        trimmed.removed[0]?.start === 0 ? (1000 * trimmed.removed[0].end) / speech.sampleRateHz : 0;
      const { phonemes } =
        speech.phonemes === undefined
          ? await engines.aligner.align({
              ...call,
              text,
              language,
              pcm: resample(trimmed.pcm, speech.sampleRateHz, VAD_RATE_HZ),
            })
          : {
              phonemes: speech.phonemes.map((one) => ({ ...one, startMs: Math.max(0, one.startMs - cutMs) })),
            };
      sentences.push({
        text,
        pcm: levelled(resample(trimmed.pcm, speech.sampleRateHz, DUB_RATE_HZ)),
        phonemes: phonemes.map(({ phoneme, startMs }) => ({ phoneme, startUs: Math.round(startMs * 1000) })),
      });
    }
    return new DubVoice(language, voice.id, sentences);
  }

  /** Every sentence in turn, for so long. */
  continuous(seconds: number): SpeechUpdate[] {
    const untilUs = seconds * 1_000_000;
    const spans = [{ startUs: 0, endUs: untilUs }];
    const utterances: ClipDub['utterances'][number][] = [];
    for (let atUs = 0, i = 0; atUs < untilUs; i += 1) {
      const utterance = placed(this.#sentences[i % this.#sentences.length]!, atUs);
      utterances.push(utterance);
      atUs = utterance.endUs + PAUSE_US;
    }
    return updatesOf(spans, utterances);
  }

  /**
   * Puts sentences on a clip's own speech, the longest that fit, each where the one before has ended.
   * @param turn which of the fitting sentences comes first: people say different things
   */
  place(clip: DecodedClip, spans: readonly Span[], turn: number): ClipDub {
    const clipUs = clip.pictures.at(-1)!.mediaTimeUs;
    const utterances: ClipDub['utterances'][number][] = [];
    const texts: string[] = [];
    let next = turn;
    for (const span of spans) {
      let atUs = span.startUs;
      for (;;) {
        const roomUs = Math.min(span.endUs + OVERRUN_US, clipUs) - atUs;
        const fitting = this.#sentences.filter(({ pcm }) => lengthUs(pcm) <= roomUs);
        if (fitting.length === 0) break;
        // The longer half of what fits (short ones would leave most of the span silent), and nothing twice if it can be helped.
        const longer = fitting.slice(Math.floor(fitting.length / 2));
        const unsaid = longer.filter(({ text }) => !texts.includes(text));
        const choice = unsaid.length > 0 ? unsaid : longer;
        const sentence = choice[next % choice.length]!;
        next += 1;
        const utterance = placed(sentence, atUs);
        texts.push(sentence.text);
        utterances.push(utterance);
        atUs = utterance.endUs + PAUSE_US;
      }
    }
    const sound = new Float32Array(Math.round((clip.pictures.length / 25) * DUB_RATE_HZ));
    for (const { startUs, pcm } of utterances) {
      const at = Math.round((startUs * DUB_RATE_HZ) / 1_000_000);
      sound.set(pcm.subarray(0, Math.max(0, sound.length - at)), at);
    }
    const updates = updatesOf(spans, utterances);
    return { language: this.language, voice: this.voice, texts, spans, utterances, updates, sound };
  }
}

function placed({ pcm, phonemes }: Sentence, startUs: number): ClipDub['utterances'][number] {
  return {
    startUs,
    endUs: startUs + lengthUs(pcm),
    pcm,
    phonemes: phonemes.map((one) => ({ phoneme: one.phoneme, startUs: startUs + one.startUs })),
  };
}

/** In the order in which a channel would tell them. */
function updatesOf(spans: readonly Span[], utterances: ClipDub['utterances']): SpeechUpdate[] {
  const told: Exclude<SpeechUpdate, { kind: 'known' }>[] = [
    ...spans.map((span) => ({ kind: 'dubbed-span', ...span }) as const),
    ...utterances.map((one) => ({ kind: 'utterance', ...one }) as const),
  ];
  return told.sort((a, b) => a.startUs - b.startUs);
}

function lengthUs(pcm: Float32Array): number {
  return Math.round((pcm.length * 1_000_000) / DUB_RATE_HZ);
}

/** Where a clip's person speaks. */
export async function speechSpans(vad: Vad, { sound }: DecodedClip, signal: AbortSignal): Promise<Span[]> {
  const windows = Math.floor(sound.length / vad.windowSamples);
  const session = vad.open();
  try {
    const heard = await session.process(sound.slice(0, windows * vad.windowSamples), signal);
    return spansOf(heard, (1_000_000 * vad.windowSamples) / VAD_RATE_HZ);
  } finally {
    session.close();
  }
}

/** Pauses below 300 ms are part of speech; speech below 200 ms is none. */
export function spansOf(probabilities: ArrayLike<number>, windowUs: number): Span[] {
  const spans: { startUs: number; endUs: number }[] = [];
  for (let i = 0; i < probabilities.length; i += 1) {
    if (probabilities[i]! < 0.5) continue;
    const last = spans.at(-1);
    if (last !== undefined && i * windowUs - last.endUs < 300_000) last.endUs = (i + 1) * windowUs;
    else spans.push({ startUs: i * windowUs, endUs: (i + 1) * windowUs });
  }
  return spans.filter(({ startUs, endUs }) => endUs - startUs >= 200_000);
}
