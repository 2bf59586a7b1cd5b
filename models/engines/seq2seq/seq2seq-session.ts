import type { EngineCall } from '../../../pipeline/ports/engine.ts';
import { EngineThread } from '../../engine-thread.ts';
import type { SessionPool } from '../../session-pool.ts';

/** A model exported to ONNX with its tokenizer, all verified. */
export interface Seq2SeqFiles {
  /** encoder_model.onnx or encoder_model_quantized.onnx */
  readonly encoderPath: string;
  /** decoder_model_merged.onnx or decoder_model_merged_quantized.onnx */
  readonly decoderPath: string;
  readonly tokenizerPath: string;
  readonly configPath: string;
}

export interface Seq2SeqOptions extends Seq2SeqFiles {
  readonly pool: SessionPool;
  /** Manifest id. */
  readonly engine: string;
}

export interface Seq2SeqTranslateBody {
  readonly text: string;
  /** Tokens in front of the source, e.g. a language code. */
  readonly sourcePrefix: readonly string[];
  /** Tokens the translation is made to start with. */
  readonly targetPrefix: readonly string[];
  /** Translations followed side by side; 1 is greedy. */
  readonly beams: number;
}

export interface Seq2SeqTranslateResult {
  readonly text: string;
  readonly unknownWords: readonly string[];
}

/** A translation model (encoder and decoder with key-value cache) on a thread of its own. */
export class Seq2SeqSession {
  readonly #thread: EngineThread;
  readonly #pool: SessionPool;
  readonly #engine: string;

  private constructor(thread: EngineThread, options: Seq2SeqOptions) {
    this.#thread = thread;
    this.#pool = options.pool;
    this.#engine = options.engine;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: Seq2SeqOptions): Promise<Seq2SeqSession> {
    const thread = new EngineThread({
      entry: new URL('./seq2seq-thread.ts', import.meta.url),
      label: options.engine,
    });
    try {
      const files: Seq2SeqFiles = {
        encoderPath: options.encoderPath,
        decoderPath: options.decoderPath,
        tokenizerPath: options.tokenizerPath,
        configPath: options.configPath,
      };
      await thread.request('load', files);
      return new Seq2SeqSession(thread, options);
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  /** @throws LIVEDUB_E_ABORTED, LIVEDUB_E_CLOSED, LIVEDUB_E_ENGINE_FAILED, LIVEDUB_E_PAIR_UNSUPPORTED */
  translate(call: EngineCall, body: Seq2SeqTranslateBody): Promise<Seq2SeqTranslateResult> {
    return this.#pool.run(call, { engine: this.#engine }, async (slot) => {
      const answer = await this.#thread.request<Seq2SeqTranslateResult>('translate', body, {
        signal: slot.signal,
      });
      slot.addComputeMs(answer.computeMs);
      return answer.result;
    });
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
