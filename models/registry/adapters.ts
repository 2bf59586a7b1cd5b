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
import { MoonshineRecogniser } from '../engines/moonshine.ts';
import { PicoSynthesiser } from '../engines/pico/pico-synthesiser.ts';
import { PICO_VOICES } from '../engines/pico/pico-voices.ts';
import { Piper } from '../engines/piper/piper.ts';
import type { SessionPool } from '../session-pool.ts';

/** What adapters are made of. */
export interface AdapterContext {
  readonly pool: SessionPool;
  /** Verified files of an installed model, by name. */
  paths(id: string): Promise<Record<string, string>>;
  /** Shared by the engines that need them, made when first asked for. */
  espeak(): Promise<EspeakEngine>;
  phonemes(): Promise<Phonemes>;
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
];

export const TRANSLATORS: readonly TranslatorAdapter[] = [
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
  pitchHz: 110,
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
