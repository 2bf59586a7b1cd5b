import { LivedubError } from '../../../pipeline/errors.ts';
import { GraphBuilder, type OnnxAttribute } from '../../onnx/graph-builder.ts';
import type { TfjsModel, TfjsNode, TfjsTensor } from './tfjs-model.ts';

export interface TfjsToOnnxOptions {
  readonly name: string;
  readonly model: TfjsModel;
  /** What the ONNX file calls the only input, [1, channels, height, width]. */
  readonly input: string;
  /** Nodes whose results are wanted, by what the ONNX file calls them, with the shape they are to have; the rest is left out. */
  readonly outputs: Readonly<Record<string, { readonly node: string; readonly dims: readonly number[] }>>;
}

/**
 * Writes a convolutional TensorFlow.js model as ONNX: channels last becomes channels first, so that a picture goes in plane by plane.
 * @returns the file, in pieces
 * @throws LIVEDUB_E_MODEL_CORRUPT for an operation that face networks do not have
 */
export function tfjsToOnnx(options: TfjsToOnnxOptions): readonly Uint8Array[] {
  return new Translation(options).write();
}

/** A value of the new graph: `image` has channels first, `flat` is laid out as in the old one. */
interface Value {
  readonly name: string;
  readonly layout: 'image' | 'flat';
}

type Attributes = Record<string, OnnxAttribute>;

class Translation {
  readonly #options: TfjsToOnnxOptions;
  readonly #graph = new GraphBuilder();
  readonly #nodes: ReadonlyMap<string, TfjsNode>;
  readonly #values = new Map<string, Value>();
  #weights = 0;

  constructor(options: TfjsToOnnxOptions) {
    this.#options = options;
    this.#nodes = new Map(options.model.nodes.map((node) => [node.name, node]));
  }

  write(): readonly Uint8Array[] {
    const { outputs, name } = this.#options;
    for (const [output, { node, dims }] of Object.entries(outputs)) {
      const value = this.#value(node);
      const flat = value.layout === 'flat' ? value.name : this.#toFlat(value.name);
      this.#graph.node('Reshape', [flat, this.#graph.ints(dims)], { names: [output] });
      this.#graph.output(output, 'float32', dims);
    }
    return this.#graph.model({ name, opset: 17 });
  }

  /** Translates what a node needs, then the node: whatever no output needs is never reached. */
  #value(name: string): Value {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const node = this.#nodes.get(name);
    if (node === undefined) throw this.#corrupt(`a part called ${name} is missing`);
    const value = this.#translate(node);
    this.#values.set(name, value);
    return value;
  }

  #translate(node: TfjsNode): Value {
    switch (node.op) {
      case 'Placeholder': {
        const [, height, width, channels] = node.ints('shape');
        const { input } = this.#options;
        return image(this.#graph.input(input, 'float32', [1, channels!, height!, width!]));
      }
      case 'Identity':
        return this.#value(node.inputs[0]!);
      case 'Conv2D':
      case '_FusedConv2D':
      case 'DepthwiseConv2dNative':
        return image(this.#convolution(node));
      case 'MaxPool':
        return image(
          this.#graph.op('MaxPool', [this.#operand(node, 0)], {
            ...window(node),
            kernel_shape: { ints: node.ints('ksize').slice(1, 3) },
          }),
        );
      case 'Pad':
        return image(this.#pad(node));
      case 'ConcatV2':
        return image(this.#graph.op('Concat', this.#operands(node).slice(0, -1), { axis: { int: 1 } }));
      case 'Mean':
        // Over height and width; what is left has one order only.
        return flat(
          this.#graph.op('Flatten', [this.#graph.op('GlobalAveragePool', [this.#operand(node, 0)])]),
        );
      case 'Reshape': {
        const { name, layout } = this.#value(node.inputs[0]!);
        const shape = [...this.#constant(node, 1).data];
        return flat(
          this.#graph.op('Reshape', [
            layout === 'image' ? this.#toFlat(name) : name,
            this.#graph.ints(shape),
          ]),
        );
      }
      default:
        return this.#elementwise(node);
    }
  }

  #elementwise(node: TfjsNode): Value {
    const op = ELEMENTWISE[node.op];
    if (op === undefined) throw this.#corrupt(`it has an operation ${node.op}`);
    const first = node.inputs.find((input) => !this.#options.model.constants.has(input))!;
    const { layout } = this.#value(first);
    return { name: this.#graph.op(op, this.#operands(node)), layout };
  }

  #convolution(node: TfjsNode): string {
    const depthwise = node.op.startsWith('Depthwise');
    const { shape, data } = this.#constant(node, 1);
    const [height, width, inputs, outputs] = shape as [number, number, number, number];
    const order = depthwise ? [2, 3, 0, 1] : [3, 2, 0, 1];
    const dims = depthwise ? [inputs * outputs, 1, height, width] : [outputs, inputs, height, width];
    const operands = [this.#operand(node, 0), this.#weight(dims, transpose({ shape, data }, order).data)];
    const fused = node.texts('fused_ops');
    if (fused[0] === 'BiasAdd') {
      const { data: bias } = this.#constant(node, 2);
      operands.push(this.#weight([bias.length], bias));
    }
    const dilations = node.ints('dilations').slice(1, 3);
    const result = this.#graph.op('Conv', operands, {
      ...window(node),
      kernel_shape: { ints: [height, width] },
      group: { int: depthwise ? inputs : 1 },
      ...(dilations.length === 0 ? {} : { dilations: { ints: dilations } }),
    });
    const activation = fused.find((op) => op !== 'BiasAdd');
    if (activation === undefined) return result;
    if (activation === 'Relu') return this.#graph.op('Relu', [result]);
    if (activation === 'Prelu')
      return this.#graph.op('PRelu', [result, this.#operand(node, node.inputs.length - 1)]);
    throw this.#corrupt(`it has an operation ${activation}`);
  }

  #pad(node: TfjsNode): string {
    const [n0, n1, y0, y1, x0, x1, c0, c1] = this.#constant(node, 1).data as unknown as number[];
    const pads = [n0!, c0!, y0!, x0!, n1!, c1!, y1!, x1!];
    return this.#graph.op('Pad', [this.#operand(node, 0), this.#graph.ints(pads)]);
  }

  #operands(node: TfjsNode): string[] {
    return node.inputs.map((_, index) => this.#operand(node, index));
  }

  /** A constant is turned with the picture it acts upon: its last axis, channels, comes first. */
  #operand(node: TfjsNode, index: number): string {
    const name = node.inputs[index]!;
    const constant = this.#options.model.constants.get(name);
    if (constant === undefined) return this.#value(name).name;
    const known = this.#values.get(name);
    if (known !== undefined) return known.name;
    const rank = constant.shape.length;
    const lead = rank === 4 ? [0] : [];
    const rest = constant.shape.map((_, axis) => axis).slice(lead.length, -1);
    const { shape, data } = rank === 0 ? constant : transpose(constant, [...lead, rank - 1, ...rest]);
    const dims = rank === 1 ? [...shape, 1, 1] : shape;
    const value = image(this.#weight(dims, data));
    this.#values.set(name, value);
    return value.name;
  }

  #constant(node: TfjsNode, index: number): TfjsTensor {
    const constant = this.#options.model.constants.get(node.inputs[index] ?? '');
    if (constant === undefined) throw this.#corrupt(`${node.name} lacks a constant`);
    return constant;
  }

  #weight(dims: readonly number[], data: Float32Array | Int32Array): string {
    this.#weights += 1;
    return this.#graph.weight(`weight_${this.#weights}`, 'float32', dims, Float32Array.from(data));
  }

  #toFlat(name: string): string {
    return this.#graph.op('Transpose', [name], { perm: { ints: [0, 2, 3, 1] } });
  }

  #corrupt(why: string): LivedubError {
    return new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${this.#options.name} cannot be converted: ${why}.`);
  }
}

const ELEMENTWISE: Readonly<Record<string, string>> = {
  Add: 'Add',
  AddV2: 'Add',
  Mul: 'Mul',
  Minimum: 'Min',
  Maximum: 'Max',
  Relu: 'Relu',
  Prelu: 'PRelu',
  Sigmoid: 'Sigmoid',
};

const image = (name: string): Value => ({ name, layout: 'image' });
const flat = (name: string): Value => ({ name, layout: 'flat' });

function window(node: TfjsNode): Attributes {
  const [padding] = node.texts('padding');
  return {
    strides: { ints: node.ints('strides').slice(1, 3) },
    auto_pad: { text: padding === 'SAME' ? 'SAME_UPPER' : 'VALID' },
  };
}

function transpose({ shape, data }: TfjsTensor, order: readonly number[]): TfjsTensor {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const turned = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const out = new Float32Array(data.length);
  const place = turned.map(() => 0);
  let from = 0;
  for (let i = 0; i < out.length; i += 1) {
    out[i] = data[from]!;
    for (let axis = turned.length - 1; axis >= 0; axis -= 1) {
      from += steps[axis]!;
      place[axis]! += 1;
      if (place[axis]! < turned[axis]!) break;
      from -= steps[axis]! * turned[axis]!;
      place[axis] = 0;
    }
  }
  return { shape: turned, data: out };
}
