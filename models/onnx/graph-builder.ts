import { ProtoWriter } from './proto-writer.ts';

/** Element types with the numbers of onnx.proto's TensorProto.DataType. */
export const ONNX_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
} as const;
export type OnnxType = keyof typeof ONNX_TYPES;

/** A number fixes a dimension, a name leaves it to the caller. */
export type OnnxDim = number | string;

export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string };

export interface NodeOptions {
  readonly outputs?: number;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** Names the outputs instead of numbering them. */
  readonly names?: readonly string[];
  /** Empty for the standard operators. */
  readonly domain?: string;
}

export type TensorBytes = Float32Array | Int8Array | Uint8Array | Uint16Array | Int32Array | BigInt64Array;

const bytesOf = (data: TensorBytes): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/**
 * Builds an ONNX model (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) node by node. Values are named by
 * strings; `node` returns the names of what it computes.
 */
export class GraphBuilder {
  readonly #nodes: ProtoWriter[] = [];
  readonly #initializers: ProtoWriter[] = [];
  readonly #inputs: ProtoWriter[] = [];
  readonly #outputs: ProtoWriter[] = [];
  readonly #constants = new Map<string, string>();
  #next = 0;

  input(name: string, type: OnnxType, dims: readonly OnnxDim[]): string {
    this.#inputs.push(valueInfo(name, type, dims));
    return name;
  }

  output(name: string, type: OnnxType, dims: readonly OnnxDim[]): void {
    this.#outputs.push(valueInfo(name, type, dims));
  }

  /** Weights: little-endian row-major `data` of `type`. */
  weight(name: string, type: OnnxType, dims: readonly number[], data: TensorBytes): string {
    this.#initializers.push(
      new ProtoWriter().packedInts(1, dims).int(2, ONNX_TYPES[type]).string(8, name).bytes(9, bytesOf(data)),
    );
    return name;
  }

  /** A small int64 vector, shared by all who ask for the same one. */
  ints(values: readonly number[]): string {
    const name = `ints_${values.join('_')}`;
    if (!this.#constants.has(name)) {
      this.#constants.set(
        name,
        this.weight(name, 'int64', [values.length], BigInt64Array.from(values.map(BigInt))),
      );
    }
    return name;
  }

  /** A float scalar, shared like `ints`. */
  scalar(value: number): string {
    const name = `scalar_${value}`;
    if (!this.#constants.has(name)) {
      this.#constants.set(name, this.weight(name, 'float32', [], Float32Array.of(value)));
    }
    return name;
  }

  node(op: string, inputs: readonly string[], options: NodeOptions = {}): string[] {
    const count = options.names?.length ?? options.outputs ?? 1;
    const id = this.#next++;
    const outputs = options.names ?? Array.from({ length: count }, (_, i) => `${op}_${id}_${i}`);
    const node = new ProtoWriter();
    for (const name of inputs) node.string(1, name);
    for (const name of outputs) node.string(2, name);
    node.string(3, `${op}_${id}`).string(4, op);
    for (const [name, value] of Object.entries(options.attributes ?? {}))
      node.message(5, attribute(name, value));
    if (options.domain) node.string(7, options.domain);
    this.#nodes.push(node);
    return [...outputs];
  }

  /** For the many operators with one result. */
  op(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string {
    return this.node(op, inputs, { attributes })[0]!;
  }

  /** @returns a whole model file, in pieces */
  model(options: {
    readonly name: string;
    readonly opset: number;
    readonly domains?: readonly string[];
  }): readonly Uint8Array[] {
    const model = new ProtoWriter().int(1, 8).string(2, 'livedub').message(7, this.#graph(options.name));
    model.message(8, new ProtoWriter().string(1, '').int(2, options.opset));
    for (const domain of options.domains ?? [])
      model.message(8, new ProtoWriter().string(1, domain).int(2, 1));
    return model.chunks();
  }

  /**
   * Bytes that, put behind an existing model file, add these nodes and outputs to its graph: a parser merges a message
   * that comes twice.
   */
  addition(): Uint8Array {
    return new ProtoWriter().message(7, this.#graph(undefined)).toBytes();
  }

  #graph(name: string | undefined): ProtoWriter {
    const graph = new ProtoWriter();
    for (const node of this.#nodes) graph.message(1, node);
    if (name !== undefined) graph.string(2, name);
    for (const tensor of this.#initializers) graph.message(5, tensor);
    for (const value of this.#inputs) graph.message(11, value);
    for (const value of this.#outputs) graph.message(12, value);
    return graph;
  }
}

function valueInfo(name: string, type: OnnxType, dims: readonly OnnxDim[]): ProtoWriter {
  const shape = new ProtoWriter();
  for (const dim of dims) {
    shape.message(
      1,
      typeof dim === 'number' ? new ProtoWriter().int(1, dim) : new ProtoWriter().string(2, dim),
    );
  }
  const tensor = new ProtoWriter().int(1, ONNX_TYPES[type]).message(2, shape);
  return new ProtoWriter().string(1, name).message(2, new ProtoWriter().message(1, tensor));
}

function attribute(name: string, value: OnnxAttribute): ProtoWriter {
  const writer = new ProtoWriter().string(1, name);
  if ('int' in value) return writer.int(3, value.int).int(20, 2);
  if ('float' in value) return writer.float(2, value.float).int(20, 1);
  if ('text' in value) return writer.string(4, value.text).int(20, 3);
  for (const number of value.ints) writer.int(8, number);
  return writer.int(20, 7);
}
