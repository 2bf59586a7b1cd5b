import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import { DURATIONS, editGraph, floatConvolutions } from './graph-edits.ts';
import { OnnxModel } from './onnx-model.ts';
import { readFields, writeFields } from './protobuf.ts';

const open = (model: Uint8Array) => InferenceSession.create(model, { logSeverityLevel: 3 });

function noisyModel(): Uint8Array {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [1, 'n']);
  g.node('RandomNormalLike', [x], { names: ['y'] });
  g.node('Ceil', [x], { names: ['whole'] });
  g.output('y', 'float32', [1, 'n']);
  return Buffer.concat(g.model({ name: 'noisy', opset: 17 }));
}

/** x [1, 2, n] → [1, 3, n], quantised the way onnxruntime's quantiser writes it. */
function quantisedModel(): Uint8Array {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [1, 2, 'n']);
  const [q, scale, zero] = g.node('DynamicQuantizeLinear', [x], { outputs: 3 });
  const weight = g.weight(
    'w',
    'uint8',
    [3, 2, 3],
    Uint8Array.from({ length: 18 }, (_, i) => 100 + ((i * 37) % 60)),
  );
  const weightZero = g.weight('w_zero', 'uint8', [], Uint8Array.of(128));
  const conv = g.op('ConvInteger', [q!, weight, zero!, weightZero], { pads: { ints: [1, 1] } });
  const weightScale = g.weight('w_scale', 'float32', [], Float32Array.of(0.01));
  const scales = g.op('Mul', [scale!, weightScale]);
  const bias = g.weight('b', 'float32', [3], Float32Array.of(0.5, -0.25, 1));
  const biasSteps = g.op('Floor', [g.op('Div', [bias, scales])]);
  const biasInteger = g.op('Reshape', [g.op('Cast', [biasSteps], { to: { int: 6 } }), g.ints([1, -1, 1])]);
  const sum = g.op('Cast', [g.op('Add', [conv, biasInteger])], { to: { int: 1 } });
  g.node('Mul', [sum, scales], { names: ['y'] });
  g.output('y', 'float32', [1, 3, 'n']);
  return Buffer.concat(g.model({ name: 'quantised', opset: 17 }));
}

describe('editing an ONNX file', () => {
  it('keeps what it does not change', () => {
    const file = noisyModel();
    expect(OnnxModel.read(file).nodes.map(({ opType }) => opType)).toEqual(['RandomNormalLike', 'Ceil']);
    expect(Buffer.from(writeFields(readFields(file))).equals(file)).toBe(true);
    expect(() => OnnxModel.read(new TextEncoder().encode('not a model'))).toThrow(RangeError);
  });

  it('makes random numbers the same on every run, gaussian, and another for another seed', async () => {
    const x = new Tensor('float32', new Float32Array(200_000), [1, 200_000]);
    const session = await open(editGraph(noisyModel(), { noiseSeed: 1 }));
    const first = (await session.run({ x })).y!.data as Float32Array;
    const second = (await session.run({ x })).y!.data as Float32Array;
    expect(Buffer.from(first.buffer).equals(Buffer.from(second.buffer))).toBe(true);
    const mean = first.reduce((sum, v) => sum + v, 0) / first.length;
    const variance = first.reduce((sum, v) => sum + (v - mean) ** 2, 0) / first.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(variance).toBeCloseTo(1, 1);
    const other = await open(editGraph(noisyModel(), { noiseSeed: 2 }));
    expect(((await other.run({ x })).y!.data as Float32Array)[0]).not.toBe(first[0]);
  });

  it('shows an inner result as durations when there is just one such node', async () => {
    const session = await open(editGraph(noisyModel(), { durationsFrom: 'Ceil' }));
    const x = new Tensor('float32', Float32Array.of(0.2, 1.7), [1, 2]);
    expect([...((await session.run({ x }))[DURATIONS]!.data as Float32Array)]).toEqual([1, 2]);
    expect((await open(editGraph(noisyModel(), { durationsFrom: 'Clip' }))).outputNames).toEqual(['y']);
  });

  it('turns quantised convolutions into float ones that say the same', async () => {
    const x = new Tensor(
      'float32',
      Float32Array.from({ length: 40 }, (_, i) => Math.sin(i * 1.3)),
      [1, 2, 20],
    );
    const model = OnnxModel.read(quantisedModel());
    expect(floatConvolutions(model)).toBe(1);
    expect(model.nodes.some(({ opType }) => opType === 'ConvInteger')).toBe(false);
    const before = (await (await open(quantisedModel())).run({ x })).y!.data as Float32Array;
    const after = (await (await open(model.write())).run({ x })).y!.data as Float32Array;
    for (let i = 0; i < before.length; i++) expect(Math.abs(before[i]! - after[i]!)).toBeLessThan(0.02);
  });
});
