import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNativeSession } from '../../ort-native.ts';
import { readTfjsModel } from './tfjs-model.ts';
import { tfjsToOnnx } from './tfjs-to-onnx.ts';

const b64 = (text: string) => Buffer.from(text).toString('base64');
const list = (...i: number[]) => ({ list: { i: i.map(String) } });
const [SIDE, IN, OUT] = [5, 2, 3];
const value = (i: number, k: number) => Math.round(64 * Math.sin(i * 1.7 + k)) / 64;

/** Weights of a small network that has what face networks have, in the order of the file. */
const WEIGHTS = [
  { name: 'kernel', shape: [3, 3, IN, OUT], quantization: { dtype: 'float16', original_dtype: 'float32' } },
  { name: 'bias', shape: [OUT] },
  { name: 'slope', shape: [1, 1, OUT] },
  { name: 'depth', shape: [3, 3, OUT, 1] },
  { name: 'gain', shape: [OUT] },
  { name: 'six', shape: [] },
] as const;
const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
const weight = (name: string): number[] => {
  const k = WEIGHTS.findIndex((one) => one.name === name);
  return Array.from({ length: sizeOf(WEIGHTS[k]!.shape) }, (_, i) => (name === 'six' ? 6 : value(i, k)));
};

function half(number: number): number {
  if (number === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(number)));
  const fraction = Math.round((Math.abs(number) / 2 ** exponent - 1) * 1024);
  return (number < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}

function weightsFile(): Buffer {
  const floats = (numbers: number[]) => Buffer.from(Float32Array.from(numbers).buffer);
  const parts = WEIGHTS.map(({ name }) =>
    name === 'kernel' ? Buffer.from(Uint16Array.from(weight(name), half).buffer) : floats(weight(name)),
  );
  const pads = Int32Array.from([0, 0, 0, 1, 0, 1, 0, 1]);
  const shape = Int32Array.from([1, -1, 2]);
  return Buffer.concat([...parts, Buffer.from(pads.buffer), Buffer.from(shape.buffer)]);
}

const NODES = [
  {
    name: 'x',
    op: 'Placeholder',
    attr: { shape: { shape: { dim: [-1, SIDE, SIDE, IN].map((size) => ({ size: String(size) })) } } },
  },
  {
    name: 'conv',
    op: '_FusedConv2D',
    input: ['x', 'kernel', 'bias', 'slope'],
    attr: {
      ...{ strides: list(1, 2, 2, 1), dilations: list(1, 1, 1, 1), padding: { s: b64('SAME') } },
      fused_ops: { list: { s: [b64('BiasAdd'), b64('Prelu')] } },
    },
  },
  { name: 'unused', op: 'ArgMax', input: ['conv'] },
  {
    name: 'depthwise',
    op: 'DepthwiseConv2dNative',
    input: ['conv', 'depth'],
    attr: { strides: list(1, 1, 1, 1), padding: { s: b64('SAME') } },
  },
  { name: 'scaled', op: 'Mul', input: ['depthwise', 'gain'] },
  { name: 'capped', op: 'Minimum', input: ['scaled', 'six'] },
  { name: 'padded', op: 'Pad', input: ['capped', 'pads'] },
  { name: 'pairs', op: 'Reshape', input: ['padded', 'shape'] },
  { name: 'Identity', op: 'Identity', input: ['pairs'] },
];

/** The same, written out with loops. @param x [SIDE][SIDE][IN] */
function reference(x: (row: number, column: number, channel: number) => number): number[] {
  const at = (name: string, ...place: number[]) => {
    const { shape } = WEIGHTS.find((one) => one.name === name)!;
    return weight(name)[place.reduce((sum, p, axis) => sum * shape[axis]! + p, 0)]!;
  };
  const taps = [0, 1, 2].flatMap((j) => [0, 1, 2].map((i) => [j, i] as const));
  const conv = (row: number, column: number, c: number) => {
    if (row < 0 || column < 0 || row > 2 || column > 2) return 0;
    let sum = at('bias', c);
    // 5 in, 3 out, stride 2: one row of zeros before and one after.
    for (const [j, i] of taps)
      for (let k = 0; k < IN; k += 1) {
        const [y, z] = [2 * row + j - 1, 2 * column + i - 1];
        if (y >= 0 && z >= 0 && y < SIDE && z < SIDE) sum += x(y, z, k) * at('kernel', j, i, k, c);
      }
    return sum > 0 ? sum : sum * at('slope', 0, 0, c);
  };
  const out: number[] = [];
  for (let row = 0; row < 4; row += 1)
    for (let column = 0; column < 4; column += 1)
      for (let c = 0; c < 4; c += 1) {
        if (row > 2 || column > 2 || c > 2) out.push(0);
        else {
          const sum = taps.reduce(
            (sum, [j, i]) => sum + conv(row + j - 1, column + i - 1, c) * at('depth', j, i, c, 0),
            0,
          );
          out.push(Math.min(6, sum * at('gain', c)));
        }
      }
  return out;
}

describe('tfjsToOnnx', () => {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'livedub-tfjs-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  async function convert(nodes: readonly object[], weights = weightsFile()): Promise<string> {
    const manifest = [
      ...WEIGHTS.map((one) => ({ dtype: 'float32', ...one })),
      { name: 'pads', dtype: 'int32', shape: [4, 2] },
      { name: 'shape', dtype: 'int32', shape: [3] },
    ];
    const [json, bin, onnx] = ['m.json', 'm.bin', 'm.onnx'].map((name) => join(dir, name));
    await writeFile(
      json!,
      JSON.stringify({
        modelTopology: { node: nodes },
        weightsManifest: [{ paths: ['m.bin'], weights: manifest }],
      }),
    );
    await writeFile(bin!, weights);
    const outputs = { pairs: { node: 'Identity', dims: [32, 2] } };
    const model = await readTfjsModel(json!, bin!);
    await writeFile(onnx!, tfjsToOnnx({ name: 'm', model, input: 'picture', outputs }));
    return onnx!;
  }

  it('computes what the layers say, plane by plane, without what nobody asked for', async () => {
    const session = await openNativeSession(await convert(NODES));
    const x = (row: number, column: number, channel: number) => value(row * 31 + column * 7, channel);
    const planes = Float32Array.from({ length: IN * SIDE * SIDE }, (_, i) =>
      x(Math.floor(i / SIDE) % SIDE, i % SIDE, Math.floor(i / (SIDE * SIDE))),
    );
    const { pairs } = await session.run({ picture: new Tensor('float32', planes, [1, IN, SIDE, SIDE]) });
    expect(pairs!.dims).toEqual([32, 2]);
    const expected = reference(x);
    expect(expected.some((one) => Math.abs(one) > 0.1)).toBe(true);
    for (const [i, one] of [...(pairs!.data as Float32Array)].entries())
      expect(one).toBeCloseTo(expected[i]!, 4);
  });

  it('refuses operations it does not know and files that do not belong together', async () => {
    const corrupt = expect.objectContaining({ code: 'LIVEDUB_E_MODEL_CORRUPT' });
    const strange = NODES.map((node) => (node.name === 'scaled' ? { ...node, op: 'Erf' } : node));
    await expect(convert(strange)).rejects.toEqual(corrupt);
    await expect(convert(NODES.filter(({ name }) => name !== 'capped'))).rejects.toEqual(corrupt);
    await expect(convert(NODES, weightsFile().subarray(0, 100))).rejects.toEqual(corrupt);
    await expect(convert(NODES, Buffer.concat([weightsFile(), Buffer.alloc(4)]))).rejects.toEqual(corrupt);
  });
});
