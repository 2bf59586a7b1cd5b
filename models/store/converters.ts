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
    const { convertResemblyzer } = await import('../engines/resemblyzer/convert.ts');
    await convertResemblyzer(conversion);
  },
  face: async (conversion) => {
    const { convertFace } = await import('../engines/face/convert-face.ts');
    await convertFace(conversion);
  },
};
