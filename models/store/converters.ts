import { LivedubError } from '../../pipeline/errors.ts';
import type { Model } from '../manifest.ts';

export interface Conversion {
  /** The model's files by name, verified. */
  readonly files: Readonly<Record<string, string>>;
  /** Empty folder for what the engine loads. */
  readonly outDir: string;
  readonly signal: AbortSignal;
  /** 0…1 with what is being done. */
  readonly onProgress?: (fraction: number, step: string) => void;
}

export type Converter = (conversion: Conversion) => Promise<void>;

/** Loaded on demand: a start that converts nothing needs none of it. */
export const CONVERTERS: Readonly<Record<NonNullable<Model['convert']>, Converter>> = {
  whisper: async ({ files, outDir, signal, onProgress }) => {
    const { convertWhisper } = await import('../engines/whisper/convert-whisper.ts');
    const { model, config, tokenizer } = files;
    await convertWhisper({
      modelBin: [model!],
      configJson: config!,
      tokenizerJson: tokenizer!,
      outDir,
      signal,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  },
  resemblyzer: async (conversion) => {
    const path = '../engines/resemblyzer/convert.ts';
    const loaded: Record<string, unknown> = await import(new URL(path, import.meta.url).href);
    const convert = loaded.convertResemblyzer;
    if (typeof convert !== 'function')
      throw new LivedubError('LIVEDUB_E_INTERNAL', `${path} converts nothing.`);
    await convert(conversion);
  },
};
