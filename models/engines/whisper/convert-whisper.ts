import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { LivedubError } from '../../../pipeline/errors.ts';
import type { LinearPrecision } from '../../onnx/transformer-ops.ts';
import { Ct2Model } from './ct2-model.ts';
import { type WhisperTokens, whisperDecoder, whisperEncoder, whisperShape } from './whisper-graphs.ts';

/** What `convertWhisper` writes and the engines read. */
export const WHISPER_FILES = ['encoder.onnx', 'decoder.onnx', 'whisper.json'] as const;
/** Lies beside them: `<sha256>  <file>` per line. */
export const WHISPER_SUMS = 'SHA256SUMS';

export interface ConvertWhisperOptions {
  /** CTranslate2 `model.bin`, or the parts of it in order. */
  readonly modelBin: readonly string[];
  readonly configJson: string;
  readonly tokenizerJson: string;
  /** Made if absent; files in it are replaced one by one, each whole. */
  readonly outDir: string;
  /** `int8`: a quarter of the size and faster. Default `int8`. */
  readonly precision?: LinearPrecision;
  readonly signal: AbortSignal;
  /** 0…1 with what is being done. */
  readonly onProgress?: (fraction: number, step: string) => void;
}

const configSchema = z.object({
  alignment_heads: z.array(z.tuple([z.number().int(), z.number().int()])).min(1),
  lang_ids: z.array(z.number().int()).min(1),
  suppress_ids: z.array(z.number().int()),
  suppress_ids_begin: z.array(z.number().int()),
});

const tokenizerSchema = z.object({
  added_tokens: z.array(z.object({ id: z.number().int(), content: z.string() })),
  model: z.object({ vocab: z.record(z.string(), z.number().int()) }),
});

export const whisperJsonSchema = z.object({
  format: z.literal(1),
  shape: z.object({
    dim: z.number(),
    heads: z.number(),
    encoderLayers: z.number(),
    decoderLayers: z.number(),
    vocabulary: z.number(),
    mels: z.number(),
    audioFrames: z.number(),
    textTokens: z.number(),
  }),
  alignmentHeads: z.number(),
  special: z.object({
    end: z.number(),
    start: z.number(),
    noSpeech: z.number(),
    translate: z.number(),
    transcribe: z.number(),
    noTimestamps: z.number(),
  }),
  /** Whisper's language codes with their tokens, in the order of `sot_probs`. */
  languages: z.array(z.tuple([z.string(), z.number()])),
  /** Byte-level BPE pieces by id. */
  vocabulary: z.array(z.string()),
});
export type WhisperJson = z.infer<typeof whisperJsonSchema>;

/**
 * Turns a Whisper model in CTranslate2's format into ONNX graphs for onnxruntime and one JSON file with its tokens.
 * Done once, at install; the same input gives the same bytes.
 * @throws LIVEDUB_E_MODEL_CORRUPT when the files are not what they should be, LIVEDUB_E_ABORTED
 */
export async function convertWhisper(
  options: ConvertWhisperOptions,
): Promise<{ readonly files: readonly string[] }> {
  const { outDir, signal } = options;
  const precision = options.precision ?? 'int8';
  const progress = (fraction: number, step: string): void => {
    if (signal.aborted)
      throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: signal.reason });
    options.onProgress?.(fraction, step);
  };
  progress(0, 'read');
  const parts = await Promise.all(options.modelBin.map((part) => readFile(part)));
  const model = new Ct2Model(Buffer.concat(parts));
  if (model.spec !== 'WhisperSpec') {
    throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `A ${model.spec} model is no Whisper model.`);
  }
  const config = await readJson(options.configJson, configSchema);
  const json = describe(model, config, await readJson(options.tokenizerJson, tokenizerSchema));
  const { end, start, noSpeech, noTimestamps } = json.special;
  const timestamps = Array.from(
    { length: Math.max(0, json.shape.vocabulary - noTimestamps) },
    (_, i) => noTimestamps + i,
  );
  const tokens: WhisperTokens = {
    end,
    start,
    noSpeech,
    languages: config.lang_ids,
    suppressed: [...config.suppress_ids, ...config.lang_ids, ...timestamps],
    suppressedFirst: config.suppress_ids_begin,
  };
  await mkdir(outDir, { recursive: true });
  const sums: string[] = [];
  const put = async (file: string, chunks: readonly Uint8Array[]): Promise<void> => {
    sums.push(`${await writeWhole(path.join(outDir, file), chunks)}  ${file}\n`);
  };
  progress(0.1, 'encoder');
  await put('encoder.onnx', whisperEncoder(model, precision));
  progress(0.4, 'decoder');
  await put('decoder.onnx', whisperDecoder(model, precision, tokens, config.alignment_heads));
  progress(0.95, 'tokens');
  await put('whisper.json', [Buffer.from(JSON.stringify(json))]);
  // Last: a folder without it is not a finished conversion.
  await writeWhole(path.join(outDir, WHISPER_SUMS), [Buffer.from(sums.join(''))]);
  progress(1, 'done');
  return { files: [...WHISPER_FILES, WHISPER_SUMS].map((file) => path.join(outDir, file)) };
}

function describe(
  model: Ct2Model,
  config: z.infer<typeof configSchema>,
  tokenizer: z.infer<typeof tokenizerSchema>,
): WhisperJson {
  const shape = whisperShape(model);
  const special = new Map(tokenizer.added_tokens.map(({ content, id }) => [content, id]));
  const content = new Map(tokenizer.added_tokens.map((token) => [token.id, token.content]));
  const token = (...names: string[]): number => {
    for (const name of names) {
      const id = special.get(`<|${name}|>`);
      if (id !== undefined) return id;
    }
    throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `tokenizer.json has no <|${names[0]}|>.`);
  };
  const vocabulary: string[] = [];
  for (const [piece, id] of Object.entries(tokenizer.model.vocab)) vocabulary[id] = piece;
  return {
    format: 1,
    shape,
    alignmentHeads: config.alignment_heads.length,
    special: {
      end: token('endoftext'),
      start: token('startoftranscript'),
      noSpeech: token('nospeech', 'nocaptions'),
      translate: token('translate'),
      transcribe: token('transcribe'),
      noTimestamps: token('notimestamps'),
    },
    languages: config.lang_ids.map((id) => [(content.get(id) ?? '').replace(/^<\||\|>$/g, ''), id]),
    vocabulary: Array.from(vocabulary, (piece) => piece ?? ''),
  };
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new LivedubError(
      'LIVEDUB_E_MODEL_CORRUPT',
      `${path.basename(file)} does not describe a Whisper model.`,
      { cause },
    );
  }
}

/** Writes beside the target and renames, so that a file is there whole or not at all. @returns its SHA-256 */
async function writeWhole(file: string, chunks: readonly Uint8Array[]): Promise<string> {
  const partial = `${file}.${randomUUID()}.part`;
  const hash = createHash('sha256');
  try {
    await writeFile(partial, '');
    const handle = await open(partial, 'w');
    try {
      for (const chunk of chunks) {
        hash.update(chunk);
        await handle.write(chunk);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return hash.digest('hex');
}
