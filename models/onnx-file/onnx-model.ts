import { ONNX_TYPES, type OnnxType, type TensorBytes } from '../onnx/graph-builder.ts';
import {
  allBytes,
  bytesField,
  firstBytes,
  messageField,
  readFields,
  text,
  textField,
  varintField,
  type WireField,
  writeFields,
} from './protobuf.ts';

/** Field numbers of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3) that are touched here. */
const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1, initializer: 5, output: 12 } as const;
const NODE = { input: 1, output: 2, opType: 4, attribute: 5 } as const;
const TENSOR = { dims: 1, dataType: 2, name: 8, raw: 9 } as const;

export interface OnnxNode {
  readonly opType: string;
  readonly inputs: string[];
  readonly outputs: string[];
  /** Attribute, name, domain and whatever else the node has, as they were. */
  readonly rest: readonly WireField[];
}

export interface OnnxTensor {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly data: TensorBytes;
}

/** An ONNX file opened for small changes; tensors and subgraphs keep their bytes. */
export class OnnxModel {
  readonly nodes: OnnxNode[];
  readonly #model: readonly WireField[];
  readonly #graph: readonly WireField[];
  readonly #added: WireField[] = [];

  private constructor(model: readonly WireField[], graph: readonly WireField[]) {
    this.#model = model;
    this.#graph = graph;
    this.nodes = allBytes(graph, GRAPH.node).map(readNode);
  }

  /** @throws RangeError when the bytes are no ONNX model */
  static read(bytes: Uint8Array): OnnxModel {
    const model = readFields(bytes);
    const graph = firstBytes(model, MODEL.graph);
    if (!graph) throw new RangeError('The file holds no ONNX graph.');
    return new OnnxModel(model, readFields(graph));
  }

  addInitializer(tensor: OnnxTensor): void {
    this.#added.push(bytesField(GRAPH.initializer, encodeTensor(tensor)));
  }

  /** Makes an inner tensor one of the graph's results, its shape left open. */
  addOutput(name: string, type: OnnxType): void {
    this.#added.push(bytesField(GRAPH.output, encodeOutput(name, type)));
  }

  write(): Uint8Array {
    const graph = writeFields([
      ...this.nodes.map((node) => bytesField(GRAPH.node, encodeNode(node))),
      ...this.#graph.filter(({ number }) => number !== GRAPH.node),
      ...this.#added,
    ]);
    return writeFields(
      this.#model.map((field) => (field.number === MODEL.graph ? bytesField(MODEL.graph, graph) : field)),
    );
  }
}

function readNode(bytes: Uint8Array): OnnxNode {
  const fields = readFields(bytes);
  return {
    opType: text(firstBytes(fields, NODE.opType)),
    inputs: allBytes(fields, NODE.input).map(text),
    outputs: allBytes(fields, NODE.output).map(text),
    rest: fields.filter(
      ({ number }) => number !== NODE.opType && number !== NODE.input && number !== NODE.output,
    ),
  };
}

function encodeNode({ opType, inputs, outputs, rest }: OnnxNode): Uint8Array {
  return writeFields([
    ...inputs.map((name) => textField(NODE.input, name)),
    ...outputs.map((name) => textField(NODE.output, name)),
    textField(NODE.opType, opType),
    ...rest,
  ]);
}

function encodeTensor({ name, type, dims, data }: OnnxTensor): Uint8Array {
  return writeFields([
    ...dims.map((dim) => varintField(TENSOR.dims, dim)),
    varintField(TENSOR.dataType, ONNX_TYPES[type]),
    textField(TENSOR.name, name),
    bytesField(TENSOR.raw, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ]);
}

/** A graph output whose shape is left open. */
const encodeOutput = (name: string, type: OnnxType): Uint8Array =>
  writeFields([textField(1, name), messageField(2, [messageField(1, [varintField(1, ONNX_TYPES[type])])])]);

/** @param attributes integers only: no other kind is needed here */
export function makeNode(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, number>> = {},
): OnnxNode {
  const rest = Object.entries(attributes).map(([name, value]) =>
    messageField(NODE.attribute, [textField(1, name), varintField(3, value), varintField(20, 2)]),
  );
  return { opType, inputs: [...inputs], outputs: [...outputs], rest };
}
