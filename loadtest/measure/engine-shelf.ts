import { EspeakEngine } from '../../models/engines/espeak/espeak-engine.ts';
import { EspeakPhonemes } from '../../models/engines/espeak-phonemes.ts';
import { WhisperHost } from '../../models/engines/whisper/whisper-host.ts';
import { type AdapterContext, WHISPER_MODEL } from '../../models/registry/adapters.ts';
import { type Engines, loadEngines } from '../../models/registry.ts';
import { SessionPool } from '../../models/session-pool.ts';
import { ModelStore } from '../../models/store/model-store.ts';

/** Opens every installed engine by itself, not only those that a dub would choose. */
export class EngineShelf {
  readonly engines: Engines;
  readonly #store: ModelStore;
  readonly #pool: SessionPool;
  readonly #closers: (() => Promise<void>)[] = [];

  private constructor(engines: Engines, store: ModelStore, pool: SessionPool) {
    this.engines = engines;
    this.#store = store;
    this.#pool = pool;
  }

  /** @throws LivedubError LIVEDUB_E_MODEL_MISSING when what every dub needs is not installed */
  static async open(signal: AbortSignal): Promise<EngineShelf> {
    const store = new ModelStore();
    const pool = new SessionPool();
    return new EngineShelf(await loadEngines({ store, pool, signal }), store, pool);
  }

  /** Loads one engine, uses it, and closes it again. */
  async using<Engine extends { close(): Promise<void> }, Result>(
    adapter: { load(context: AdapterContext): Promise<Engine> },
    use: (engine: Engine) => Promise<Result>,
  ): Promise<Result> {
    const engine = await adapter.load(this.#context);
    try {
      return await use(engine);
    } finally {
      await engine.close();
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
    await this.engines.close();
    await this.#pool.close();
  }

  get #context(): AdapterContext {
    const script = async () => (await this.#store.paths('espeak-ng')).script!;
    return {
      pool: this.#pool,
      paths: (id) => this.#store.paths(id),
      espeak: async () => {
        const espeak = new EspeakEngine({ scriptPath: await script(), pool: this.#pool });
        this.#closers.push(() => espeak.close());
        return espeak;
      },
      phonemes: async () => {
        const phonemes = await EspeakPhonemes.load({ scriptPath: await script() });
        this.#closers.push(() => phonemes.close());
        return phonemes;
      },
      whisper: async () => {
        const paths = await this.#store.paths(WHISPER_MODEL);
        const whisper = await WhisperHost.load({
          encoderPath: paths['encoder.onnx']!,
          decoderPath: paths['decoder.onnx']!,
          tokensPath: paths['whisper.json']!,
          pool: this.#pool,
        });
        this.#closers.push(() => whisper.close());
        return whisper;
      },
    };
  }
}
