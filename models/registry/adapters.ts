import type { LanguageCode, QualityTier } from '../../pipeline/ports/engine.ts';
import type { Recogniser } from '../../pipeline/ports/recogniser.ts';
import type { Synthesiser, Voice } from '../../pipeline/ports/synthesiser.ts';
import type { TranslationPair, Translator } from '../../pipeline/ports/translator.ts';
import { APERTIUM_MODES_DIRECTORY, ApertiumTranslator } from '../engines/apertium/apertium-translator.ts';
import { discoverModes } from '../engines/apertium/modes.ts';
import { findRoutes } from '../engines/apertium/routes.ts';
import type { EspeakEngine } from '../engines/espeak/espeak-engine.ts';
import { EspeakSynthesiser } from '../engines/espeak/espeak-synthesiser.ts';
import { espeakVoices } from '../engines/espeak/voices.ts';
import type { Phonemes } from '../engines/espeak-phonemes.ts';
import { Kokoro } from '../engines/kokoro/kokoro.ts';
import { KOKORO_VOICES } from '../engines/kokoro/kokoro-voices.ts';
import { Marian } from '../engines/marian/marian.ts';
import { MoonshineRecogniser } from '../engines/moonshine.ts';
import { Nllb } from '../engines/nllb/nllb.ts';
import { NLLB_CODES } from '../engines/nllb/nllb-languages.ts';
import { PicoSynthesiser } from '../engines/pico/pico-synthesiser.ts';
import { PICO_VOICES } from '../engines/pico/pico-voices.ts';
import { Piper } from '../engines/piper/piper.ts';
import type { WhisperHost } from '../engines/whisper/whisper-host.ts';
import { WhisperRecogniser } from '../engines/whisper/whisper-recogniser.ts';
import { WhisperTranslator, whisperTier } from '../engines/whisper/whisper-translator.ts';
import { MANIFEST } from '../manifest.ts';
import type { SessionPool } from '../session-pool.ts';
import { WHISPER_LANGUAGES } from './language-codes.ts';

/** What adapters are made of. */
export interface AdapterContext {
  readonly pool: SessionPool;
  /** Verified files of an installed model, by name. */
  paths(id: string): Promise<Record<string, string>>;
  /** Shared by the engines that need them, made when first asked for. */
  espeak(): Promise<EspeakEngine>;
  phonemes(): Promise<Phonemes>;
  /** One Whisper for recognition and for translation. */
  whisper(): Promise<WhisperHost>;
}

/** One engine that may be used when its models are installed; nothing is loaded before `load`. */
interface Adapter<Engine> {
  /** The model that must be installed; undefined where `available` finds out by itself. */
  readonly model?: string;
  load(context: AdapterContext): Promise<Engine>;
}

export interface RecogniserAdapter extends Adapter<Recogniser> {
  readonly model: string;
  readonly languages: readonly LanguageCode[];
  readonly tier: QualityTier;
}

export interface TranslatorAdapter extends Adapter<Translator> {
  readonly engine: string;
  /** Pairs it would offer with what is installed; empty when nothing is. */
  available(installed: ReadonlySet<string>): Promise<readonly TranslationPair[]>;
}

export interface SynthesiserAdapter extends Adapter<Synthesiser> {
  readonly model: string;
  readonly voices: readonly Voice[];
  /** Too slow on two cores to be chosen unless it is asked for. */
  readonly slow?: boolean;
}

export const WHISPER_MODEL = 'whisper-base';

/** Those for one language before those for many, faster before slower. */
export const RECOGNISERS: readonly RecogniserAdapter[] = [
  {
    model: 'moonshine-tiny-en',
    languages: ['en'],
    tier: 'fair',
    load: async ({ paths, pool }) => {
      const { encoder, decoder } = await paths('moonshine-tiny-en');
      return MoonshineRecogniser.load({ encoderPath: encoder!, decoderPath: decoder!, pool });
    },
  },
  {
    model: WHISPER_MODEL,
    languages: WHISPER_LANGUAGES,
    tier: 'fair',
    load: async ({ whisper }) => new WhisperRecogniser({ host: await whisper() }),
  },
];

/** Models that a hub has: each file must have a hash, in the manifest or in the operator's folder. */
const MARIAN_TRANSLATORS: readonly TranslatorAdapter[] = MANIFEST.filter(({ id }) =>
  id.startsWith('opus-mt-'),
).map(({ id, version, licence, pairs = [] }) => ({
  engine: id,
  available: async (installed) =>
    installed.has(id) ? pairs.map(([from, to]) => ({ from, to, tier: 'good' as const, via: [] })) : [],
  load: async ({ paths, pool }) => {
    const { encoder, decoder, tokenizer, config } = await paths(id);
    return Marian.load({
      encoderPath: encoder!,
      decoderPath: decoder!,
      tokenizerPath: tokenizer!,
      configPath: config!,
      pool,
      info: { id, version, licence },
      pairs: pairs.map(([from, to]) => ({ from, to })),
    });
  },
}));

const NLLB_MODEL = 'nllb-200-distilled-600m';

/** Of equal tiers the first wins. */
export const TRANSLATORS: readonly TranslatorAdapter[] = [
  ...MARIAN_TRANSLATORS,
  {
    engine: NLLB_MODEL,
    available: async (installed) => {
      if (!installed.has(NLLB_MODEL)) return [];
      const codes = [...NLLB_CODES.keys()];
      return codes.flatMap((from) =>
        codes.filter((to) => to !== from).map((to) => ({ from, to, tier: 'good' as const, via: [] })),
      );
    },
    load: async ({ paths, pool }) => {
      const { encoder, decoder, tokenizer, config } = await paths(NLLB_MODEL);
      return Nllb.load({
        encoderPath: encoder!,
        decoderPath: decoder!,
        tokenizerPath: tokenizer!,
        configPath: config!,
        pool,
        info: { id: NLLB_MODEL, version: 'main', licence: 'CC-BY-NC-4.0' },
      });
    },
  },
  {
    engine: `${WHISPER_MODEL}-translate`,
    available: async (installed) =>
      installed.has(WHISPER_MODEL)
        ? WHISPER_LANGUAGES.filter((from) => from !== 'en').map((from) => ({
            from,
            to: 'en',
            tier: whisperTier(from),
            via: [],
          }))
        : [],
    load: async ({ whisper }) => new WhisperTranslator({ host: await whisper() }),
  },
  {
    engine: 'apertium',
    available: async () =>
      findRoutes(await discoverModes(APERTIUM_MODES_DIRECTORY)).map((route) => route.pair),
    load: async ({ pool }) =>
      new ApertiumTranslator({
        modes: await discoverModes(APERTIUM_MODES_DIRECTORY),
        onCompute: (computeMs) => pool.book('apertium', computeMs),
      }),
  },
];

const JOE = {
  id: 'piper-en-us-joe',
  language: 'en',
  name: 'Piper Joe',
  gender: 'male',
  pitchHz: 92,
  tier: 'good',
} as const satisfies Voice;

/** Better and faster first. */
export const SYNTHESISERS: readonly SynthesiserAdapter[] = [
  {
    model: 'piper-en-us-joe-medium',
    voices: [JOE],
    load: async ({ paths, pool, phonemes }) => {
      const { model, config } = await paths('piper-en-us-joe-medium');
      return Piper.load({
        modelPath: model!,
        configPath: config!,
        pool,
        phonemes: await phonemes(),
        info: { id: 'piper-en-us-joe-medium', version: '1.0.0', licence: 'CC0-1.0' },
        voice: JOE,
      });
    },
  },
  {
    model: 'svox-pico',
    voices: PICO_VOICES,
    load: async ({ paths, pool }) => {
      const { script, ...lingware } = await paths('svox-pico');
      return new PicoSynthesiser({ scriptPath: script!, lingware, pool });
    },
  },
  {
    model: 'kokoro-82m-int8',
    voices: KOKORO_VOICES,
    slow: true,
    load: async ({ paths, pool, phonemes }) => {
      const { model, ...stylePaths } = await paths('kokoro-82m-int8');
      return Kokoro.load({ modelPath: model!, stylePaths, pool, phonemes: await phonemes() });
    },
  },
  {
    model: 'espeak-ng',
    voices: espeakVoices,
    load: async ({ espeak }) => new EspeakSynthesiser(await espeak()),
  },
];
