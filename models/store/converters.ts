import { LivedubError } from '../../pipeline/errors.ts';
import type { Model } from '../manifest.ts';

export interface Conversion {
  /** The model's files by name, verified. */
  readonly files: Readonly<Record<string, string>>;
  /** Empty folder for what the engine loads. */
  readonly outDir: string;
  readonly signal: AbortSignal;
}

export type Converter = (conversion: Conversion) => Promise<void>;

/** Loaded on demand: a start that converts nothing needs none of it. */
export const CONVERTERS: Readonly<Record<NonNullable<Model['convert']>, Converter>> = {
  whisper: (conversion) => callConverter('../engines/whisper/convert.ts', 'convertWhisper', conversion),
  resemblyzer: (conversion) =>
    callConverter('../engines/resemblyzer/convert.ts', 'convertResemblyzer', conversion),
};

async function callConverter(path: string, name: string, conversion: Conversion): Promise<void> {
  const loaded: Record<string, unknown> = await import(new URL(path, import.meta.url).href);
  const convert = loaded[name];
  if (typeof convert !== 'function') throw new LivedubError('LIVEDUB_E_INTERNAL', `${path} has no ${name}.`);
  await convert(conversion);
}
