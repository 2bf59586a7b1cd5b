import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { LivedubError } from '../../../pipeline/errors.ts';
import type { TimedSymbol } from '../neural-voice/sentence-speech.ts';

const schema = z.object({
  audio: z.object({ sample_rate: z.number().int().positive() }),
  espeak: z.object({ voice: z.string().min(1) }),
  inference: z.object({ noise_scale: z.number(), length_scale: z.number().positive(), noise_w: z.number() }),
  phoneme_type: z.literal('espeak').default('espeak'),
  phoneme_id_map: z.record(z.string(), z.array(z.number().int().nonnegative()).min(1)),
  num_speakers: z.number().int().positive().default(1),
});

/** The JSON file beside a Piper voice (https://github.com/rhasspy/piper/blob/master/TRAINING.md). */
export type PiperConfig = z.infer<typeof schema>;

/** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
export async function readPiperConfig(path: string): Promise<PiperConfig> {
  let json: string;
  try {
    json = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MODEL_MISSING', `No voice configuration at ${path}.`, { cause });
  }
  try {
    return schema.parse(JSON.parse(json));
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${path} does not describe a Piper voice.`, { cause });
  }
}

export interface PiperInput {
  readonly ids: readonly number[];
  /** For each phoneme how many of the ids belong to it; the rest, at the ends, belong to none. */
  readonly symbols: readonly { readonly symbol: string; readonly ids: number }[];
}

/**
 * Phonemes to ids as Piper was trained: start `^`, every code point followed by the padding `_`, end `$`. What the voice
 * does not know is left out.
 */
export function piperIds(phonemes: readonly string[], map: PiperConfig['phoneme_id_map']): PiperInput {
  const pad = map._ ?? [];
  const ids: number[] = [];
  const symbols: { symbol: string; ids: number }[] = [];
  const put = (symbol: string, ...values: number[]): void => {
    ids.push(...values);
    symbols.push({ symbol, ids: values.length });
  };
  put('', ...(map['^'] ?? []), ...pad);
  for (const phoneme of phonemes) {
    const known = [...phoneme].flatMap((point) => (map[point] ? [...map[point], ...pad] : []));
    if (known.length > 0) put(phoneme, ...known);
  }
  put('', ...(map.$ ?? []));
  return { ids, symbols };
}

/** Gives each symbol the time of its ids. */
export function timedSymbols(input: PiperInput, frames: ArrayLike<number>, frameMs: number): TimedSymbol[] {
  let at = 0;
  return input.symbols.map(({ symbol, ids }) => {
    let total = 0;
    for (let i = 0; i < ids; i++) total += frames[at++] ?? 0;
    return { symbol, durationMs: total * frameMs };
  });
}
