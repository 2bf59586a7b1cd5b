import { LivedubError } from '../../pipeline/errors.ts';
import type { Aligner } from '../../pipeline/ports/aligner.ts';
import type { LanguageCode, QualityTier } from '../../pipeline/ports/engine.ts';
import type { LanguageId } from '../../pipeline/ports/language-id.ts';
import type { Recogniser } from '../../pipeline/ports/recogniser.ts';
import type { SpeakerId } from '../../pipeline/ports/speaker-id.ts';
import type { Synthesiser, Voice } from '../../pipeline/ports/synthesiser.ts';
import type { Translator } from '../../pipeline/ports/translator.ts';
import type { Vad } from '../../pipeline/ports/vad.ts';
import { ApertiumTranslator } from '../engines/apertium/apertium-translator.ts';
import { EspeakEngine } from '../engines/espeak/espeak-engine.ts';
import { EspeakPhonemes } from '../engines/espeak-phonemes.ts';
import { FastTextLanguageId } from '../engines/fasttext-language-id.ts';
import { PhonemeAligner } from '../engines/phoneme-aligner/phoneme-aligner.ts';
import { ResemblyzerSpeakerId } from '../engines/resemblyzer/resemblyzer.ts';
import { SileroVad } from '../engines/silero-vad.ts';
import { WhisperHost } from '../engines/whisper/whisper-host.ts';
import { SessionPool } from '../session-pool.ts';
import { ModelStore } from '../store/model-store.ts';
import { type AdapterContext, RECOGNISERS, SYNTHESISERS, TRANSLATORS, WHISPER_MODEL } from './adapters.ts';
import { hearLanguage } from './hear-language.ts';
import {
  choosePairs,
  type Installed,
  type PlanRequest,
  type SupportedPair,
  speakersOf,
  supportedPairs,
} from './plan.ts';

export interface LoadEnginesOptions {
  /** Default: a store with the environment's settings. */
  readonly store?: ModelStore;
  /** Default: a pool of its own, closed with the engines. */
  readonly pool?: SessionPool;
  readonly signal?: AbortSignal;
}

/** One dubbed language with its engines, loaded. */
export interface PlannedRendition {
  readonly language: LanguageCode;
  readonly translator: Translator;
  readonly synthesiser: Synthesiser;
  readonly voice: Voice;
  /** Speaks when `synthesiser` fails. */
  readonly fallback?: { readonly synthesiser: Synthesiser; readonly voice: Voice };
  readonly tier: QualityTier;
  readonly via: readonly LanguageCode[];
}

export interface ChannelPlan {
  readonly recogniser: Recogniser;
  readonly renditions: readonly PlannedRendition[];
}

/** Reads which models are installed, without loading one. */
export async function findInstalled(store: ModelStore): Promise<Installed> {
  const states = await Promise.all(store.models.map(({ id }) => store.status(id)));
  const installed = new Set(states.filter(({ state }) => state === 'installed').map(({ id }) => id));
  const translators = await Promise.all(
    TRANSLATORS.map(async (adapter) => ({ adapter, pairs: await adapter.available(installed) })),
  );
  return {
    recognisers: RECOGNISERS.filter(({ model }) => installed.has(model)),
    translators: translators.filter(({ pairs }) => pairs.length > 0),
    synthesisers: SYNTHESISERS.filter(({ model }) => installed.has(model)),
  };
}

/** Everything a channel needs of models/, chosen from what is installed and loaded when first needed. */
export class Engines {
  readonly vad: Vad;
  readonly aligner: Aligner;
  readonly installed: Installed;
  readonly pool: SessionPool;
  readonly #store: ModelStore;
  readonly #ownsPool: boolean;
  readonly #espeak: EspeakEngine;
  /** One promise for each engine that was asked for, by adapter. */
  readonly #loaded = new Map<object, Promise<{ close(): Promise<void> }>>();
  #phonemes: Promise<EspeakPhonemes> | undefined;
  #whisper: Promise<WhisperHost> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    parts: Pick<Engines, 'vad' | 'installed' | 'pool'> & {
      store: ModelStore;
      espeak: EspeakEngine;
      ownsPool: boolean;
    },
  ) {
    this.vad = parts.vad;
    this.installed = parts.installed;
    this.pool = parts.pool;
    this.#store = parts.store;
    this.#ownsPool = parts.ownsPool;
    this.#espeak = parts.espeak;
    this.aligner = new PhonemeAligner(parts.espeak);
  }

  /** @throws LIVEDUB_E_MODEL_MISSING when the VAD or eSpeak NG, which every dub needs, are not installed */
  static async load(options: LoadEnginesOptions = {}): Promise<Engines> {
    const store = options.store ?? new ModelStore();
    const pool = options.pool ?? new SessionPool();
    const [vadPaths, espeakPaths, installed] = await Promise.all([
      store.paths('silero-vad-v5'),
      store.paths('espeak-ng'),
      findInstalled(store),
    ]);
    options.signal?.throwIfAborted();
    const vad = await SileroVad.load({ modelPath: vadPaths.model!, pool });
    const espeak = new EspeakEngine({ scriptPath: espeakPaths.script!, pool });
    return new Engines({ store, pool, vad, installed, espeak, ownsPool: options.pool === undefined });
  }

  /** Every pair that can be dubbed now. */
  pairs(): SupportedPair[] {
    return supportedPairs(this.installed);
  }

  /**
   * Chooses and loads the engines of a channel.
   * @throws LIVEDUB_E_LANGUAGE_UNKNOWN, LIVEDUB_E_LANGUAGE_NOT_RECOGNISED, LIVEDUB_E_PAIR_UNSUPPORTED,
   * LIVEDUB_E_BAD_REQUEST, and what loading throws
   */
  async plan(request: PlanRequest): Promise<ChannelPlan> {
    const pairs = choosePairs(this.installed, request);
    const first = pairs[0];
    if (first === undefined)
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'Name at least one language to dub into.');
    const [recogniser, renditions] = await Promise.all([
      this.#once(first.recogniser),
      Promise.all(pairs.map((pair) => this.#rendition(pair))),
    ]);
    return { recogniser, renditions };
  }

  /**
   * Which language some stretches of speech are in.
   * @param segments 16 kHz mono
   * @returns undefined when no installed engine recognises it
   */
  async identifyLanguage(
    segments: readonly Float32Array[],
    signal: AbortSignal,
  ): Promise<LanguageCode | undefined> {
    const recognisers = await Promise.all(this.installed.recognisers.map((adapter) => this.#once(adapter)));
    return hearLanguage({ recognisers, languageId: await this.languageId(), segments, signal });
  }

  /**
   * The best installed voice of a language that keeps up.
   * @throws LIVEDUB_E_MODEL_MISSING when none is installed, and what loading throws
   */
  async speaker(language: LanguageCode): Promise<{ synthesiser: Synthesiser; voice: Voice }> {
    const [best] = speakersOf(this.installed, language);
    if (best === undefined)
      throw new LivedubError('LIVEDUB_E_MODEL_MISSING', `No voice for ${language} is installed.`);
    const synthesiser = await this.#once(best.adapter);
    return { synthesiser, voice: synthesiser.voices.find(({ id }) => id === best.voice.id) ?? best.voice };
  }

  /** Names the language of a text; undefined when it is not installed. */
  async languageId(): Promise<LanguageId | undefined> {
    if ((await this.#store.status(LANGUAGE_ID.model)).state !== 'installed') return undefined;
    return this.#once(LANGUAGE_ID);
  }

  /** Tells speakers apart; undefined when it is not installed. */
  async speakerId(): Promise<SpeakerId | undefined> {
    if ((await this.#store.status(SPEAKER_ID.model)).state !== 'installed') return undefined;
    return this.#once(SPEAKER_ID);
  }

  /** CPU time of each engine's own compute so far, s. */
  cpuSecondsByEngine(): Record<string, number> {
    const { engines } = this.pool.stats();
    return Object.fromEntries(Object.entries(engines).map(([engine, { cpuMs }]) => [engine, cpuMs / 1000]));
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #rendition(pair: SupportedPair): Promise<PlannedRendition> {
    const [speaker] = pair.speakers;
    const next = pair.speakers.find(({ adapter }) => adapter !== speaker?.adapter && adapter.slow !== true);
    const [translator, synthesiser, second] = await Promise.all([
      this.#once(pair.translator),
      this.#once(speaker!.adapter),
      next === undefined ? undefined : this.#once(next.adapter),
    ]);
    // Dictionaries take most of a second to load: not with the first clause.
    if (translator instanceof ApertiumTranslator) await translator.warm(pair.from, pair.to);
    return {
      language: pair.to,
      translator,
      synthesiser,
      // What the engine itself says of the voice counts: it has read the files.
      voice: synthesiser.voices.find(({ id }) => id === speaker!.voice.id) ?? speaker!.voice,
      tier: pair.tier,
      via: pair.via,
      ...(second === undefined || next === undefined
        ? {}
        : { fallback: { synthesiser: second, voice: next.voice } }),
    };
  }

  #once<Engine extends { close(): Promise<void> }>(adapter: {
    load(context: AdapterContext): Promise<Engine>;
  }): Promise<Engine> {
    if (this.#closing !== undefined) {
      return Promise.reject(new LivedubError('LIVEDUB_E_CLOSED', 'The engines are closed.'));
    }
    let engine = this.#loaded.get(adapter) as Promise<Engine> | undefined;
    if (engine === undefined) {
      engine = adapter.load(this.#context);
      this.#loaded.set(adapter, engine);
      // A load that failed is tried again by the next caller.
      engine.catch(() => this.#loaded.delete(adapter));
    }
    return engine;
  }

  get #context(): AdapterContext {
    return {
      pool: this.pool,
      paths: (id) => this.#store.paths(id),
      espeak: async () => this.#espeak,
      phonemes: () => {
        this.#phonemes ??= this.#store
          .paths('espeak-ng')
          .then(({ script }) => EspeakPhonemes.load({ scriptPath: script! }));
        return this.#phonemes;
      },
      whisper: () => {
        this.#whisper ??= this.#store.paths(WHISPER_MODEL).then((paths) =>
          WhisperHost.load({
            encoderPath: paths['encoder.onnx']!,
            decoderPath: paths['decoder.onnx']!,
            tokensPath: paths['whisper.json']!,
            pool: this.pool,
          }),
        );
        return this.#whisper;
      },
    };
  }

  async #closeAll(): Promise<void> {
    const engines = await Promise.allSettled(this.#loaded.values());
    await Promise.all(
      engines.map((engine) => (engine.status === 'fulfilled' ? engine.value.close() : undefined)),
    );
    const phonemes = await this.#phonemes?.catch(() => undefined);
    const whisper = await this.#whisper?.catch(() => undefined);
    await Promise.all([this.vad.close(), this.#espeak.close(), phonemes?.close(), whisper?.close()]);
    if (this.#ownsPool) await this.pool.close();
  }
}

const LANGUAGE_ID = {
  model: 'fasttext-lid-176',
  load: async ({ paths }: AdapterContext): Promise<LanguageId> => {
    const { model } = await paths('fasttext-lid-176');
    return FastTextLanguageId.open({ modelPath: model! });
  },
};

const SPEAKER_ID = {
  model: 'resemblyzer',
  load: async ({ paths, pool }: AdapterContext): Promise<SpeakerId> => {
    const files = await paths('resemblyzer');
    return ResemblyzerSpeakerId.load({ modelPath: files['speaker.onnx']!, pool });
  },
};
