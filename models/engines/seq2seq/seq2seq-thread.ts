import { readFile } from 'node:fs/promises';
import { Tokenizer } from '@huggingface/tokenizers';
import type { InferenceSession } from 'onnxruntime-node';
import { z } from 'zod';
import { LivedubError } from '../../../pipeline/errors.ts';
import { serveEngineThread } from '../../engine-thread-serve.ts';
import { openNativeSession } from '../../ort-native.ts';
import { decode } from './seq2seq-decoder.ts';
import type { Seq2SeqFiles, Seq2SeqTranslateBody, Seq2SeqTranslateResult } from './seq2seq-session.ts';

/** The part of a model's config.json that decoding needs (transformers' MarianConfig and M2M100Config). */
const schema = z.object({
  decoder_layers: z.number().int().positive(),
  decoder_attention_heads: z.number().int().positive(),
  d_model: z.number().int().positive(),
  decoder_start_token_id: z.number().int(),
  eos_token_id: z.number().int(),
  pad_token_id: z.number().int(),
  max_position_embeddings: z.number().int().positive().default(512),
});

interface Loaded {
  readonly encoder: InferenceSession;
  readonly decoder: InferenceSession;
  readonly tokenizer: Tokenizer;
  readonly unknownId: number | undefined;
  readonly config: z.infer<typeof schema>;
}

/** Source tokens in one run; longer text is cut where a sentence or a word ends. */
const MAX_SOURCE = 200;
let loaded: Loaded | undefined;

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MODEL_MISSING', `No model file at ${path}.`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${path} is not JSON.`, { cause });
  }
}

/** Thread side of Seq2SeqSession. */
serveEngineThread({
  load: async (files: Seq2SeqFiles) => {
    const json = (await readJson(files.tokenizerPath)) as {
      model?: { unk_id?: number | null; unk_token?: string | null };
    };
    const config = schema.safeParse(await readJson(files.configPath));
    if (!config.success) {
      throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${files.configPath}: ${config.error.message}`);
    }
    const tokenizer = new Tokenizer(json, {});
    const unknownToken = json.model?.unk_token;
    loaded = {
      encoder: await openNativeSession(files.encoderPath),
      decoder: await openNativeSession(files.decoderPath),
      tokenizer,
      unknownId: json.model?.unk_id ?? (unknownToken ? tokenizer.token_to_id(unknownToken) : undefined),
      config: config.data,
    };
    return { result: undefined };
  },
  translate: async (body: Seq2SeqTranslateBody, { throwIfAborted }) => {
    if (!loaded) throw new LivedubError('LIVEDUB_E_INTERNAL', 'translate came before load.');
    const { encoder, decoder, tokenizer, unknownId, config } = loaded;
    const special = (token: string): number => {
      const id = tokenizer.token_to_id(token);
      if (id === undefined)
        throw new LivedubError('LIVEDUB_E_PAIR_UNSUPPORTED', `The model has no token ${token}.`);
      return id;
    };
    const encode = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false }).ids;
    const before = body.sourcePrefix.map(special);
    const prompt = [config.decoder_start_token_id, ...body.targetPrefix.map(special)];
    const shape = {
      layers: config.decoder_layers,
      heads: config.decoder_attention_heads,
      headWidth: config.d_model / config.decoder_attention_heads,
    };
    const parts: string[] = [];
    for (const part of cutToLength(body.text.trim(), (text) => encode(text).length, MAX_SOURCE)) {
      const source = encode(part);
      const ids = await decode(encoder, decoder, shape, {
        sourceIds: [...before, ...source, config.eos_token_id],
        prompt,
        endId: config.eos_token_id,
        bannedIds: [config.pad_token_id, config.decoder_start_token_id].filter(
          (id) => id !== config.eos_token_id,
        ),
        maxTokens: Math.min(
          config.max_position_embeddings - prompt.length,
          Math.ceil(source.length * 2) + 12,
        ),
        beams: body.beams,
        throwIfAborted,
      });
      parts.push(
        tokenizer.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false }).trim(),
      );
    }
    const words = body.text.match(/[\p{L}\p{M}\p{N}'’-]+/gu) ?? [];
    const unknownWords =
      unknownId === undefined ? [] : words.filter((word) => encode(word).includes(unknownId));
    const result: Seq2SeqTranslateResult = { text: parts.join(' '), unknownWords };
    return { result };
  },
});

/** Cuts text in halves, at the end of a sentence, a comma or a word, until each is short enough. */
function cutToLength(text: string, count: (text: string) => number, most: number): string[] {
  if (text === '') return [];
  if (count(text) <= most) return [text];
  const middle = text.length / 2;
  for (const sign of [/[.!?…]\s+/gu, /[,;:]\s+/gu, /\s+/gu]) {
    const ends = [...text.matchAll(sign)].map((match) => match.index + match[0].length);
    const cut = ends
      .filter((end) => end < text.length)
      .toSorted((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
    if (cut !== undefined) {
      return [text.slice(0, cut), text.slice(cut)].flatMap((half) => cutToLength(half.trim(), count, most));
    }
  }
  // One endless word.
  const half = Math.ceil(middle);
  return [text.slice(0, half), text.slice(half)].flatMap((part) => cutToLength(part, count, most));
}
