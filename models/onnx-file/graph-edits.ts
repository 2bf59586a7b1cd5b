import { ONNX_TYPES } from '../onnx/graph-builder.ts';
import { makeNode, OnnxModel, type OnnxNode } from './onnx-model.ts';

export interface GraphEdits {
  /** See `fixNoise`. */
  readonly noiseSeed?: number;
  /** See `floatConvolutions`. Default false. */
  readonly floatConvolutions?: boolean;
  /** Gives the result of the graph's only node of this operator as the output `durations`. */
  readonly durationsFrom?: string;
}

/** Name of the output that `durationsFrom` adds. */
export const DURATIONS = 'durations';

/**
 * Applies the edits a voice wants to a model file.
 * @throws RangeError when the bytes are no ONNX model
 */
export function editGraph(file: Uint8Array, edits: GraphEdits): Uint8Array {
  const model = OnnxModel.read(file);
  if (edits.noiseSeed !== undefined) fixNoise(model, edits.noiseSeed);
  if (edits.floatConvolutions) floatConvolutions(model);
  if (edits.durationsFrom) {
    const found = model.nodes.filter(({ opType }) => opType === edits.durationsFrom);
    // More than one: another export than the published one; the voice then speaks without phoneme times.
    if (found.length === 1) {
      model.nodes.push(makeNode('Identity', [found[0]!.outputs[0]!], [DURATIONS]));
      model.addOutput(DURATIONS, 'float32');
    }
  }
  return model.write();
}

/** Gaussian numbers kept in the graph; 192 channels of them are 5.9 s of a VITS latent before they repeat. */
const NOISE_LENGTH = 192 * 512;

/**
 * Replaces every RandomNormalLike by a fixed sequence of gaussian numbers, so that the same input always gives the
 * same output: the operator's own `seed` only fixes the first run after loading. Mean 0 and scale 1, the operator's
 * defaults, are what the published voices use.
 * @param seed any 32-bit integer; another seed gives another, equally good reading
 * @returns how many nodes were replaced
 */
export function fixNoise(model: OnnxModel, seed: number): number {
  const random = model.nodes.filter(({ opType }) => opType === 'RandomNormalLike');
  if (random.length === 0) return 0;
  const noise = 'livedub.noise';
  const constant = (name: string, value: bigint): string => {
    model.addInitializer({ name, type: 'int64', dims: [], data: BigInt64Array.of(value) });
    return name;
  };
  model.addInitializer({
    name: noise,
    type: 'float32',
    dims: [NOISE_LENGTH],
    data: gaussian(NOISE_LENGTH, seed),
  });
  const zero = constant('livedub.noise.zero', 0n);
  const one = constant('livedub.noise.one', 1n);
  const length = constant('livedub.noise.length', BigInt(NOISE_LENGTH));
  for (const [i, node] of random.entries()) {
    const name = (part: string): string => `livedub.noise.${i}.${part}`;
    const replacement = [
      makeNode('Shape', [node.inputs[0]!], [name('shape')]),
      makeNode('ReduceProd', [name('shape')], [name('count')], { keepdims: 0 }),
      makeNode('Range', [zero, name('count'), one], [name('index')]),
      makeNode('Mod', [name('index'), length], [name('wrapped')]),
      makeNode('Gather', [noise, name('wrapped')], [name('values')]),
      makeNode('Reshape', [name('values'), name('shape')], [node.outputs[0]!]),
    ];
    model.nodes.splice(model.nodes.indexOf(node), 1, ...replacement);
  }
  return random.length;
}

/** Box-Muller over a 32-bit mixing generator (splitmix-like), both deterministic on every machine. */
function gaussian(count: number, seed: number): Float32Array {
  let state = seed | 0;
  const uniform = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/**
 * Turns dynamically quantised convolutions (DynamicQuantizeLinear → ConvInteger → [Add bias] → Cast → Mul scale, as
 * onnxruntime's quantiser writes them) back into float ones that keep the int8 weights in the file: ConvInteger has no
 * fast kernel on CPUs, a float convolution has. The weights are dequantised by Cast, Sub and Mul of constants, which
 * the runtime folds once at load.
 * @returns how many convolutions were turned
 */
export function floatConvolutions(model: OnnxModel): number {
  const producer = new Map<string, OnnxNode>();
  const consumers = new Map<string, OnnxNode[]>();
  for (const node of model.nodes) {
    for (const output of node.outputs) producer.set(output, node);
    for (const input of node.inputs) consumers.set(input, [...(consumers.get(input) ?? []), node]);
  }
  const onlyConsumer = (name: string | undefined): OnnxNode | undefined => {
    const list = name === undefined ? undefined : consumers.get(name);
    return list?.length === 1 ? list[0] : undefined;
  };
  const gone = new Set<OnnxNode>();
  const added: OnnxNode[] = [];
  let turned = 0;
  for (const conv of model.nodes.filter(({ opType }) => opType === 'ConvInteger')) {
    const [input, weight, , weightZero] = conv.inputs;
    const quantise = producer.get(input!);
    const next = onlyConsumer(conv.outputs[0]);
    const add = next?.opType === 'Add' ? next : undefined;
    const cast = add ? onlyConsumer(add.outputs[0]) : next;
    const scale = onlyConsumer(cast?.outputs[0]);
    const scales = producer.get(scale?.inputs.find((name) => name !== cast?.outputs[0]) ?? '');
    const weightScale = scales?.inputs.find((name) => name !== quantise?.outputs[1]);
    if (quantise?.opType !== 'DynamicQuantizeLinear' || cast?.opType !== 'Cast') continue;
    if (scale?.opType !== 'Mul' || scales?.opType !== 'Mul' || weightScale === undefined) continue;
    const bias = add ? biasOf(producer, add.inputs.find((name) => name !== conv.outputs[0])!) : undefined;
    if (add && bias === undefined) continue;
    const name = (part: string): string => `livedub.${weight}.${turned}.${part}`;
    added.push(
      makeNode('Cast', [weight!], [name('cast')], { to: ONNX_TYPES.float32 }),
      ...(weightZero
        ? [
            makeNode('Cast', [weightZero], [name('zero')], { to: ONNX_TYPES.float32 }),
            makeNode('Sub', [name('cast'), name('zero')], [name('centred')]),
          ]
        : []),
      makeNode('Mul', [weightZero ? name('centred') : name('cast'), weightScale], [name('float')]),
      {
        opType: 'Conv',
        inputs: [quantise.inputs[0]!, name('float'), ...(bias === undefined ? [] : [bias])],
        outputs: [scale.outputs[0]!],
        rest: conv.rest,
      },
    );
    for (const node of [conv, add, cast, scale]) if (node) gone.add(node);
    turned++;
  }
  const kept = model.nodes.filter((node) => !gone.has(node));
  model.nodes.splice(0, model.nodes.length, ...kept, ...added);
  return turned;
}

/** The float bias behind Reshape(Cast(Floor(Div(bias, scale)))). */
function biasOf(producer: ReadonlyMap<string, OnnxNode>, name: string): string | undefined {
  let node = producer.get(name);
  for (let step = 0; step < 6 && node; step++) {
    if (node.opType === 'Div') return node.inputs[0];
    node = producer.get(node.inputs[0]!);
  }
  return undefined;
}
