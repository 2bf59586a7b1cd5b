import { GraphBuilder } from '../../onnx/graph-builder.ts';
import {
  gelu,
  joinHeads,
  type LinearPrecision,
  type LinearWeights,
  layerNorm,
  linear,
  quantiseLinear,
  selfAttention,
  splitHeads,
  splitLast,
} from '../../onnx/transformer-ops.ts';
import type { Ct2Model } from './ct2-model.ts';

/** Sizes of a Whisper model, read off its weights. */
export interface WhisperShape {
  readonly dim: number;
  readonly heads: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  readonly vocabulary: number;
  readonly mels: number;
  /** Most encoder frames (20 ms each). */
  readonly audioFrames: number;
  /** Most decoder tokens. */
  readonly textTokens: number;
}

export interface WhisperTokens {
  readonly end: number;
  readonly start: number;
  readonly noSpeech: number;
  /** Language tokens in the order of the `sot_probs` output; `noSpeech` comes last there. */
  readonly languages: readonly number[];
  /** Never chosen. */
  readonly suppressed: readonly number[];
  /** Not chosen as the first text token. */
  readonly suppressedFirst: readonly number[];
}

export function whisperShape(model: Ct2Model): WhisperShape {
  const count = (side: string): number => {
    let layers = 0;
    while (model.has(`${side}/layer_${layers}/ffn/linear_0/weight`)) layers++;
    return layers;
  };
  const [vocabulary = 0, dim = 0] = model.floats('decoder/embeddings/weight').dims;
  return {
    dim,
    heads: model.scalar('encoder/num_heads'),
    encoderLayers: count('encoder'),
    decoderLayers: count('decoder'),
    vocabulary,
    mels: model.floats('encoder/conv1/weight').dims[1]!,
    audioFrames: model.floats('encoder/position_encodings/encodings').dims[0]!,
    textTokens: model.floats('decoder/position_encodings/encodings').dims[0]!,
  };
}

const OPSET = { name: 'whisper', opset: 17, domains: ['com.microsoft'] } as const;
const LAST = { axis: { int: -1 } };

class Weights {
  readonly #model: Ct2Model;
  constructor(model: Ct2Model) {
    this.#model = model;
  }
  floats(name: string): Float32Array {
    return this.#model.floats(name).data;
  }
  linear(name: string): LinearWeights {
    const { dims, data } = this.#model.floats(`${name}/weight`);
    return { outputs: dims[0]!, inputs: dims[1]!, weight: data, bias: this.floats(`${name}/bias`) };
  }
  norm(g: GraphBuilder, name: string, x: string): string {
    return layerNorm(g, name, x, this.floats(`${name}/gamma`), this.floats(`${name}/beta`));
  }
}

/** Rows `from`…`to` of a fused layer. */
function rows(w: LinearWeights, from: number, to: number): LinearWeights {
  const weight = w.weight.subarray(from * w.inputs, to * w.inputs);
  return { outputs: to - from, inputs: w.inputs, weight, bias: w.bias!.subarray(from, to) };
}

const feedForward = (
  g: GraphBuilder,
  w: Weights,
  layer: string,
  x: string,
  precision: LinearPrecision,
): string => {
  const inner = linear(
    g,
    `${layer}/ffn/linear_0`,
    w.norm(g, `${layer}/ffn/layer_norm`, x),
    w.linear(`${layer}/ffn/linear_0`),
    precision,
  );
  const outer = linear(
    g,
    `${layer}/ffn/linear_1`,
    gelu(g, inner),
    w.linear(`${layer}/ffn/linear_1`),
    precision,
  );
  return g.op('Add', [x, outer]);
};

/**
 * `mel` [1, mels, 2·n] → per decoder layer `cross_key.i` [1, heads, size, n] and `cross_value.i` [1, heads, n, size].
 * n may be any length up to 1500: the position table is cut to it, so a short clip costs what it is long.
 */
export function whisperEncoder(model: Ct2Model, precision: LinearPrecision): readonly Uint8Array[] {
  const s = whisperShape(model);
  const size = s.dim / s.heads;
  const w = new Weights(model);
  const g = new GraphBuilder();
  const conv = (name: string, x: string, inputs: number, stride: number): string => {
    const weight = g.weight(`${name}/weight`, 'float32', [s.dim, inputs, 3], w.floats(`${name}/weight`));
    const bias = g.weight(`${name}/bias`, 'float32', [s.dim], w.floats(`${name}/bias`));
    const attributes = { kernel_shape: { ints: [3] }, pads: { ints: [1, 1] }, strides: { ints: [stride] } };
    return gelu(g, g.op('Conv', [x, weight, bias], attributes));
  };
  const mel = g.input('mel', 'float32', [1, s.mels, 'mel_frames']);
  const sound = conv('encoder/conv2', conv('encoder/conv1', mel, s.mels, 1), s.dim, 2);
  let x = g.op('Transpose', [sound], { perm: { ints: [0, 2, 1] } });
  const positions = g.weight(
    'positions',
    'float32',
    [s.audioFrames, s.dim],
    w.floats('encoder/position_encodings/encodings'),
  );
  const frames = g.op('Gather', [g.op('Shape', [x]), g.ints([1])], { axis: { int: 0 } });
  x = g.op('Add', [x, g.op('Slice', [positions, g.ints([0]), frames, g.ints([0])])]);
  for (let i = 0; i < s.encoderLayers; i++) {
    const layer = `encoder/layer_${i}`;
    const name = `${layer}/self_attention`;
    const qkv = linear(
      g,
      `${name}/linear_0`,
      w.norm(g, `${name}/layer_norm`, x),
      w.linear(`${name}/linear_0`),
      precision,
    );
    const [q, k, v] = splitLast(g, qkv, [s.dim, s.dim, s.dim]);
    const heard = selfAttention(g, q!, k!, v!, s.heads);
    x = g.op('Add', [x, linear(g, `${name}/linear_1`, heard, w.linear(`${name}/linear_1`), precision)]);
    x = feedForward(g, w, layer, x, precision);
  }
  x = w.norm(g, 'encoder/layer_norm', x);
  for (let i = 0; i < s.decoderLayers; i++) {
    const name = `decoder/layer_${i}/attention/linear_1`;
    const [k, v] = splitLast(g, linear(g, name, x, w.linear(name), precision), [s.dim, s.dim]);
    g.node('Identity', [splitHeads(g, k!, s.heads, size, true)], { names: [`cross_key.${i}`] });
    g.node('Identity', [splitHeads(g, v!, s.heads, size)], { names: [`cross_value.${i}`] });
    g.output(`cross_key.${i}`, 'float32', [1, s.heads, size, 'frames']);
    g.output(`cross_value.${i}`, 'float32', [1, s.heads, 'frames', size]);
  }
  return g.model(OPSET);
}

/**
 * `ids`, `positions` [n], `mask` [n, past + n] (0 or −1e9), `draft_ids` [1, n, 1], `is_first` [1, n, 1] (1 where the first
 * text token is predicted), past and cross keys and values → `top_id`, `top_log_prob` [1, n], `draft_log_prob` [1, n, 1],
 * `sot_probs` [1, 1, languages + 1] (of the first position), `alignment` [1, alignment heads, n, frames], present keys and values.
 */
export function whisperDecoder(
  model: Ct2Model,
  precision: LinearPrecision,
  tokens: WhisperTokens,
  alignmentHeads: readonly (readonly [number, number])[],
): readonly Uint8Array[] {
  const s = whisperShape(model);
  const size = s.dim / s.heads;
  const w = new Weights(model);
  const g = new GraphBuilder();
  const ids = g.input('ids', 'int64', ['n']);
  const positions = g.input('positions', 'int64', ['n']);
  const mask = g.input('mask', 'float32', ['n', 'all']);
  const { x: embedded, project } = embeddings(g, w, s, precision, ids);
  const table = g.weight(
    'position_table',
    'float32',
    [s.textTokens, s.dim],
    w.floats('decoder/position_encodings/encodings'),
  );
  let x = g.op('Unsqueeze', [g.op('Add', [embedded, g.op('Gather', [table, positions])]), g.ints([0])]);
  // Folded into the query weights, so that it costs nothing at run time.
  const scaled = ({ weight, bias, ...sizes }: LinearWeights): LinearWeights => {
    const factor = 1 / Math.sqrt(size);
    return { ...sizes, weight: weight.map((v) => v * factor), bias: bias!.map((v) => v * factor) };
  };
  const watched: string[] = [];
  for (let i = 0; i < s.decoderLayers; i++) {
    const layer = `decoder/layer_${i}`;
    const self = `${layer}/self_attention`;
    const fused = w.linear(`${self}/linear_0`);
    const normed = w.norm(g, `${self}/layer_norm`, x);
    const q = linear(g, `${self}/query`, normed, scaled(rows(fused, 0, s.dim)), precision);
    const kv = linear(g, `${self}/key_value`, normed, rows(fused, s.dim, 3 * s.dim), precision);
    const [k, v] = splitLast(g, kv, [s.dim, s.dim]);
    const pastKey = g.input(`past_key.${i}`, 'float32', [1, s.heads, 'past', size]);
    const pastValue = g.input(`past_value.${i}`, 'float32', [1, s.heads, 'past', size]);
    const join = { attributes: { axis: { int: 2 } } };
    const key = g.node('Concat', [pastKey, splitHeads(g, k!, s.heads, size)], {
      ...join,
      names: [`present_key.${i}`],
    })[0]!;
    const value = g.node('Concat', [pastValue, splitHeads(g, v!, s.heads, size)], {
      ...join,
      names: [`present_value.${i}`],
    })[0]!;
    g.output(key, 'float32', [1, s.heads, 'all', size]);
    g.output(value, 'float32', [1, s.heads, 'all', size]);
    const flipped = g.op('Transpose', [key], { perm: { ints: [0, 1, 3, 2] } });
    const scores = g.op('Add', [g.op('MatMul', [splitHeads(g, q, s.heads, size), flipped]), mask]);
    const said = joinHeads(g, g.op('MatMul', [g.op('Softmax', [scores], LAST), value]), s.dim);
    x = g.op('Add', [x, linear(g, `${self}/linear_1`, said, w.linear(`${self}/linear_1`), precision)]);

    const cross = `${layer}/attention`;
    const ask = linear(
      g,
      `${cross}/query`,
      w.norm(g, `${cross}/layer_norm`, x),
      scaled(w.linear(`${cross}/linear_0`)),
      precision,
    );
    const crossKey = g.input(`cross_key.${i}`, 'float32', [1, s.heads, size, 'frames']);
    const crossValue = g.input(`cross_value.${i}`, 'float32', [1, s.heads, 'frames', size]);
    const weights = g.op('Softmax', [g.op('MatMul', [splitHeads(g, ask, s.heads, size), crossKey])], LAST);
    const heads = alignmentHeads.filter(([of]) => of === i).map(([, head]) => head);
    if (heads.length > 0) watched.push(g.op('Gather', [weights, g.ints(heads)], { axis: { int: 1 } }));
    const heard = joinHeads(g, g.op('MatMul', [weights, crossValue]), s.dim);
    x = g.op('Add', [x, linear(g, `${cross}/linear_2`, heard, w.linear(`${cross}/linear_2`), precision)]);
    x = feedForward(g, w, layer, x, precision);
  }
  g.node('Concat', watched, { attributes: { axis: { int: 1 } }, names: ['alignment'] });
  g.output('alignment', 'float32', [1, alignmentHeads.length, 'n', 'frames']);
  choose(g, project(w.norm(g, 'decoder/layer_norm', x)), s, tokens);
  return g.model(OPSET);
}

/** Token embedding and output projection share one table; as int8 it is kept once, [dim, vocabulary]. */
function embeddings(g: GraphBuilder, w: Weights, s: WhisperShape, precision: LinearPrecision, ids: string) {
  const weight = w.floats('decoder/embeddings/weight');
  if (precision === 'float32') {
    const table = g.weight('embeddings', 'float32', [s.vocabulary, s.dim], weight);
    const flipped = g.op('Transpose', [table], { perm: { ints: [1, 0] } });
    return { x: g.op('Gather', [table, ids]), project: (x: string) => g.op('MatMul', [x, flipped]) };
  }
  const { q, scales } = quantiseLinear({ outputs: s.vocabulary, inputs: s.dim, weight });
  const table = g.weight('embeddings', 'int8', [s.dim, s.vocabulary], q);
  const scale = g.weight('embeddings.scale', 'float32', [s.vocabulary], scales);
  const columns = g.op('Cast', [g.op('Gather', [table, ids], { axis: { int: 1 } })], { to: { int: 1 } });
  const rows = g.op('Transpose', [g.op('Mul', [columns, g.op('Gather', [scale, ids])])], {
    perm: { ints: [1, 0] },
  });
  const project = (x: string): string =>
    g.node('DynamicQuantizeMatMul', [x, table, scale], { domain: 'com.microsoft' })[0]!;
  return { x: rows, project };
}

/** Greedy choice inside the graph: what leaves it per token is three numbers, not the whole vocabulary. */
function choose(g: GraphBuilder, logits: string, s: WhisperShape, tokens: WhisperTokens): void {
  const bar = (ids: readonly number[]): Float32Array => {
    const values = new Float32Array(s.vocabulary);
    for (const id of ids) if (id < s.vocabulary) values[id] = -1e9;
    return values;
  };
  const first = g.op('Slice', [logits, g.ints([0]), g.ints([1]), g.ints([1])]);
  const asked = g.ints([...tokens.languages, tokens.noSpeech]);
  g.node('Gather', [g.op('Softmax', [first], LAST), asked], {
    attributes: { axis: { int: 2 } },
    names: ['sot_probs'],
  });
  g.output('sot_probs', 'float32', [1, 1, tokens.languages.length + 1]);

  const always = g.weight('suppressed', 'float32', [s.vocabulary], bar(tokens.suppressed));
  const atFirst = g.weight('suppressed_first', 'float32', [s.vocabulary], bar(tokens.suppressedFirst));
  const isFirst = g.input('is_first', 'float32', [1, 'n', 1]);
  const allowed = g.op('Add', [g.op('Add', [logits, always]), g.op('Mul', [isFirst, atFirst])]);
  const logProbs = g.op('LogSoftmax', [allowed], LAST);
  const drafts = g.input('draft_ids', 'int64', [1, 'n', 1]);
  g.node('ArgMax', [allowed], { attributes: { ...LAST, keepdims: { int: 0 } }, names: ['top_id'] });
  g.node('ReduceMax', [logProbs], {
    attributes: { axes: { ints: [-1] }, keepdims: { int: 0 } },
    names: ['top_log_prob'],
  });
  g.node('GatherElements', [logProbs, drafts], { attributes: LAST, names: ['draft_log_prob'] });
  g.output('top_id', 'int64', [1, 'n']);
  g.output('top_log_prob', 'float32', [1, 'n']);
  g.output('draft_log_prob', 'float32', [1, 'n', 1]);
}
