import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineInfo, LanguageCode, QualityTier } from '../../../pipeline/ports/engine.ts';
import type {
  TranslateRequest,
  Translation,
  TranslationPair,
  Translator,
} from '../../../pipeline/ports/translator.ts';
import type { SessionPool } from '../../session-pool.ts';
import { type Seq2SeqFiles, Seq2SeqSession } from '../seq2seq/seq2seq-session.ts';

export interface MarianOptions extends Seq2SeqFiles {
  readonly pool: SessionPool;
  readonly info: EngineInfo;
  /** What it translates; several pairs for a model with several targets. */
  readonly pairs: readonly { readonly from: LanguageCode; readonly to: LanguageCode }[];
  /** Default `good`. */
  readonly tier?: QualityTier;
  /** First token of the source for a target language, e.g. `{ es: '>>es<<' }`; models with one target have none. */
  readonly targetTokens?: Readonly<Record<LanguageCode, string>>;
  /** Translations followed side by side, 1…6. Default 1: greedy, several times faster and about 1 BLEU worse than 4. */
  readonly beams?: number;
}

/**
 * Marian models (https://marian-nmt.github.io, OPUS-MT and the like) in their ONNX export: encoder_model.onnx,
 * decoder_model_merged.onnx, tokenizer.json, config.json. Their weights come from a model hub: none is installed out of
 * the box.
 */
export class Marian implements Translator {
  static readonly requiredFiles = ['encoder', 'decoder', 'tokenizer', 'config'] as const;
  readonly info: EngineInfo;
  readonly pairs: readonly TranslationPair[];
  readonly needsAudio = false;
  readonly #session: Seq2SeqSession;
  readonly #options: MarianOptions;

  private constructor(session: Seq2SeqSession, options: MarianOptions) {
    this.#session = session;
    this.#options = options;
    this.info = options.info;
    this.pairs = options.pairs.map((pair) => ({ ...pair, tier: options.tier ?? 'good', via: [] }));
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: MarianOptions): Promise<Marian> {
    return new Marian(await Seq2SeqSession.load({ ...options, engine: options.info.id }), options);
  }

  /** @throws LIVEDUB_E_PAIR_UNSUPPORTED, and what a pool and an engine throw */
  async translate(request: TranslateRequest): Promise<Translation> {
    const { from, to } = request;
    if (!this.pairs.some((pair) => pair.from === from && pair.to === to)) {
      throw new LivedubError(
        'LIVEDUB_E_PAIR_UNSUPPORTED',
        `${this.info.id} does not translate ${from} to ${to}.`,
      );
    }
    const token = this.#options.targetTokens?.[to];
    return this.#session.translate(request, {
      text: request.text,
      sourcePrefix: token === undefined ? [] : [token],
      targetPrefix: [],
      beams: Math.min(6, Math.max(1, Math.round(this.#options.beams ?? 1))),
    });
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
