import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineInfo, LanguageCode } from '../../../pipeline/ports/engine.ts';
import type {
  TranslateRequest,
  Translation,
  TranslationPair,
  Translator,
} from '../../../pipeline/ports/translator.ts';
import type { SessionPool } from '../../session-pool.ts';
import { type Seq2SeqFiles, Seq2SeqSession } from '../seq2seq/seq2seq-session.ts';
import { NLLB_CODES } from './nllb-languages.ts';

export interface NllbOptions extends Seq2SeqFiles {
  readonly pool: SessionPool;
  readonly info: EngineInfo;
  /** Languages offered, each with each. Default: all of NLLB_CODES. */
  readonly languages?: readonly LanguageCode[];
  /** Translations followed side by side, 1…6. Default 1. */
  readonly beams?: number;
}

/**
 * NLLB-200 (https://arxiv.org/abs/2207.04672, an M2M-100 network) in its ONNX export. The source starts with its own
 * language's code, the translation with the target's. Weights: CC-BY-NC-4.0, from a model hub; none is installed out of
 * the box.
 */
export class Nllb implements Translator {
  static readonly requiredFiles = ['encoder', 'decoder', 'tokenizer', 'config'] as const;
  readonly info: EngineInfo;
  readonly pairs: readonly TranslationPair[];
  readonly needsAudio = false;
  readonly #session: Seq2SeqSession;
  readonly #beams: number;

  private constructor(session: Seq2SeqSession, options: NllbOptions) {
    this.#session = session;
    this.#beams = Math.min(6, Math.max(1, Math.round(options.beams ?? 1)));
    this.info = options.info;
    const languages = (options.languages ?? [...NLLB_CODES.keys()]).filter((code) => NLLB_CODES.has(code));
    this.pairs = languages.flatMap((from) =>
      languages.filter((to) => to !== from).map((to) => ({ from, to, tier: 'good' as const, via: [] })),
    );
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: NllbOptions): Promise<Nllb> {
    return new Nllb(await Seq2SeqSession.load({ ...options, engine: options.info.id }), options);
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
    return this.#session.translate(request, {
      text: request.text,
      sourcePrefix: [NLLB_CODES.get(from)!],
      targetPrefix: [NLLB_CODES.get(to)!],
      beams: this.#beams,
    });
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
