import type { GraphBuilder } from './graph-builder.ts';

/** Weights of a fully connected layer: row-major [outputs, inputs], as PyTorch and CTranslate2 keep them. */
export interface LinearWeights {
  readonly outputs: number;
  readonly inputs: number;
  readonly weight: Float32Array;
  readonly bias?: Float32Array;
}

export type LinearPrecision = 'int8' | 'float32';

const CONTRIB = 'com.microsoft';

/** Symmetric int8, one scale per output: [outputs, inputs] → [inputs, outputs]. */
export function quantiseLinear({ outputs, inputs, weight }: LinearWeights): {
  q: Int8Array;
  scales: Float32Array;
} {
  const q = new Int8Array(weight.length);
  const scales = new Float32Array(outputs);
  for (let row = 0; row < outputs; row++) {
    let peak = 0;
    for (let i = row * inputs; i < (row + 1) * inputs; i++) peak = Math.max(peak, Math.abs(weight[i]!));
    const scale = peak / 127 || 1;
    scales[row] = scale;
    for (let i = 0; i < inputs; i++) q[i * outputs + row] = Math.round(weight[row * inputs + i]! / scale);
  }
  return { q, scales };
}

/**
 * x [.., inputs] → [.., outputs]. As int8 the input is quantised on the fly (one scale per call) and the products are
 * summed as integers: onnxruntime's DynamicQuantizeMatMul.
 */
export function linear(
  g: GraphBuilder,
  name: string,
  x: string,
  w: LinearWeights,
  precision: LinearPrecision,
): string {
  const bias = w.bias ? g.weight(`${name}.bias`, 'float32', [w.outputs], w.bias) : '';
  if (precision === 'int8') {
    const { q, scales } = quantiseLinear(w);
    const weight = g.weight(`${name}.weight`, 'int8', [w.inputs, w.outputs], q);
    const scale = g.weight(`${name}.scale`, 'float32', [w.outputs], scales);
    const inputs = [x, weight, scale, '', bias];
    while (inputs.at(-1) === '') inputs.pop();
    return g.node('DynamicQuantizeMatMul', inputs, { domain: CONTRIB })[0]!;
  }
  const transposed = new Float32Array(w.weight.length);
  for (let row = 0; row < w.outputs; row++) {
    for (let i = 0; i < w.inputs; i++) transposed[i * w.outputs + row] = w.weight[row * w.inputs + i]!;
  }
  const product = g.op('MatMul', [
    x,
    g.weight(`${name}.weight`, 'float32', [w.inputs, w.outputs], transposed),
  ]);
  return bias ? g.op('Add', [product, bias]) : product;
}

export function layerNorm(
  g: GraphBuilder,
  name: string,
  x: string,
  gamma: Float32Array,
  beta: Float32Array,
): string {
  const scale = g.weight(`${name}.gamma`, 'float32', [gamma.length], gamma);
  const shift = g.weight(`${name}.beta`, 'float32', [beta.length], beta);
  return g.op('LayerNormalization', [x, scale, shift], { axis: { int: -1 }, epsilon: { float: 1e-5 } });
}

/** The exact (erf) form. */
export function gelu(g: GraphBuilder, x: string): string {
  return g.node('Gelu', [x], { domain: CONTRIB })[0]!;
}

/** Attention of all to all: q, k, v [batch, n, dim] → [batch, n, dim]; scaled by 1/√(dim/heads). */
export function selfAttention(g: GraphBuilder, q: string, k: string, v: string, heads: number): string {
  return g.node('MultiHeadAttention', [q, k, v], {
    domain: CONTRIB,
    attributes: { num_heads: { int: heads } },
  })[0]!;
}

/** [1, n, heads·size] → [1, heads, n, size], or [1, heads, size, n] when `flipped`. */
export function splitHeads(g: GraphBuilder, x: string, heads: number, size: number, flipped = false): string {
  const shaped = g.op('Reshape', [x, g.ints([1, -1, heads, size])]);
  return g.op('Transpose', [shaped], { perm: { ints: flipped ? [0, 2, 3, 1] : [0, 2, 1, 3] } });
}

/** [1, heads, n, size] → [1, n, heads·size] */
export function joinHeads(g: GraphBuilder, x: string, dim: number): string {
  return g.op('Reshape', [g.op('Transpose', [x], { perm: { ints: [0, 2, 1, 3] } }), g.ints([1, -1, dim])]);
}

/** Cuts the last axis into equal parts. */
export function splitLast(g: GraphBuilder, x: string, sizes: readonly number[]): string[] {
  return g.node('Split', [x, g.ints(sizes)], { outputs: sizes.length, attributes: { axis: { int: -1 } } });
}
