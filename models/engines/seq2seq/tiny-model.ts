import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GraphBuilder } from '../../onnx/graph-builder.ts';
import type { Seq2SeqFiles } from './seq2seq-session.ts';

/** Pieces of the tiny vocabulary; special ones in angle brackets, languages as NLLB names them. */
const PIECES = [
  '</s>',
  '<unk>',
  '<pad>',
  'eng_Latn',
  'spa_Latn',
  '▁hello',
  '▁world',
  '▁hola',
  '▁mundo',
  '▁',
] as const;
const WORDS: Readonly<Record<string, string>> = { '▁hello': '▁hola', '▁world': '▁mundo' };
const size = PIECES.length;
const idOf = (piece: string): number => PIECES.indexOf(piece as (typeof PIECES)[number]);

/**
 * For tests: files of a translation model with the names, inputs and outputs of optimum's exports, and four words of
 * vocabulary. It translates the source word that stands at the decoder's position, which it takes from the length of its
 * own cache, and after the first step it sees the source only in the cached encoder keys.
 * @param startPiece what decoding starts with: the padding in Marian, `</s>` in NLLB
 */
export async function writeTinyTranslator(
  folder: string,
  startPiece: '<pad>' | '</s>',
): Promise<Seq2SeqFiles> {
  const file = (name: string): string => path.join(folder, name);
  const files: Seq2SeqFiles = {
    encoderPath: file('encoder_model.onnx'),
    decoderPath: file('decoder_model_merged.onnx'),
    tokenizerPath: file('tokenizer.json'),
    configPath: file('config.json'),
  };
  await writeFile(files.encoderPath, Buffer.concat(encoder()));
  await writeFile(files.decoderPath, Buffer.concat(decoder()));
  await writeFile(files.tokenizerPath, JSON.stringify(tokenizer()));
  const config = {
    decoder_layers: 1,
    decoder_attention_heads: 1,
    d_model: size,
    decoder_start_token_id: idOf(startPiece),
    eos_token_id: idOf('</s>'),
    pad_token_id: idOf('<pad>'),
    max_position_embeddings: 512,
  };
  await writeFile(files.configPath, JSON.stringify(config));
  return files;
}

function tokenizer(): object {
  const special = (content: string) => ({
    id: idOf(content),
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  });
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', add_prefix_space: true };
  return {
    version: '1.0',
    added_tokens: ['</s>', '<unk>', '<pad>', 'eng_Latn', 'spa_Latn'].map(special),
    normalizer: null,
    pre_tokenizer: metaspace,
    post_processor: null,
    decoder: metaspace,
    model: { type: 'Unigram', unk_id: idOf('<unk>'), vocab: PIECES.map((piece) => [piece, -1]) },
  };
}

function oneHot(g: GraphBuilder, ids: string): string {
  const range = g.weight('off_on', 'float32', [2], Float32Array.of(0, 1));
  return g.op('OneHot', [ids, g.ints([size]), range], { axis: { int: -1 } });
}

function encoder(): readonly Uint8Array[] {
  const g = new GraphBuilder();
  const ids = g.input('input_ids', 'int64', ['batch', 'source']);
  g.input('attention_mask', 'int64', ['batch', 'source']);
  g.node('Identity', [oneHot(g, ids)], { names: ['last_hidden_state'] });
  g.output('last_hidden_state', 'float32', ['batch', 'source', size]);
  return g.model({ name: 'encoder', opset: 17 });
}

function decoder(): readonly Uint8Array[] {
  const g = new GraphBuilder();
  const cache = ['batch', 1, 'past', size] as const;
  g.input('encoder_attention_mask', 'int64', ['batch', 'source']);
  const ids = g.input('input_ids', 'int64', ['batch', 'target']);
  const hidden = g.input('encoder_hidden_states', 'float32', ['batch', 'source', size]);
  const pastOwn = g.input('past_key_values.0.decoder.key', 'float32', cache);
  g.input('past_key_values.0.decoder.value', 'float32', cache);
  const pastSource = g.input('past_key_values.0.encoder.key', 'float32', cache);
  g.input('past_key_values.0.encoder.value', 'float32', cache);
  const useCache = g.input('use_cache_branch', 'bool', [1]);

  const first = g.op('Sub', [g.scalar(1), g.op('Cast', [useCache], { to: { int: 1 } })]);
  const own = g.op('Concat', [pastOwn, g.op('Unsqueeze', [oneHot(g, ids), g.ints([1])])], {
    axis: { int: 2 },
  });
  const seen = g.op('Unsqueeze', [g.op('Mul', [hidden, first]), g.ints([1])]);
  const length = g.op('Slice', [g.op('Shape', [hidden]), g.ints([1]), g.ints([2])]);
  const both = g.op('Concat', [pastSource, seen], { axis: { int: 2 } });
  const source = g.op('Slice', [both, g.ints([0]), length, g.ints([2])]);

  const ownLength = g.op('Slice', [g.op('Shape', [own]), g.ints([2]), g.ints([3])]);
  const here = g.op('Min', [g.op('Sub', [ownLength, g.ints([1])]), g.op('Sub', [length, g.ints([1])])]);
  const word = g.op('Squeeze', [g.op('Gather', [source, here], { axis: { int: 2 } }), g.ints([1])]);
  const table = new Float32Array(size * size);
  for (const [i, piece] of PIECES.entries()) table[i * size + idOf(WORDS[piece] ?? piece)] = 10;
  const logits = g.op('MatMul', [word, g.weight('table', 'float32', [size, size], table)]);
  const targets = g.op('Shape', [ids]);
  const shape = g.op('Concat', [targets, g.ints([1])], { axis: { int: 0 } });
  g.node('Expand', [logits, shape], { names: ['logits'] });
  g.output('logits', 'float32', ['batch', 'target', size]);
  for (const side of ['key', 'value']) {
    g.node('Identity', [own], { names: [`present.0.decoder.${side}`] });
    // As in the published files: once the cache is used, these results mean nothing.
    g.node('Mul', [source, first], { names: [`present.0.encoder.${side}`] });
    g.output(`present.0.decoder.${side}`, 'float32', ['batch', 1, 'all', size]);
    g.output(`present.0.encoder.${side}`, 'float32', ['batch', 1, 'source', size]);
  }
  return g.model({ name: 'decoder', opset: 17 });
}
