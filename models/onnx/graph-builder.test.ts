import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNativeSession } from '../ort-native.ts';
import { GraphBuilder } from './graph-builder.ts';
import { layerNorm, linear } from './transformer-ops.ts';

describe('GraphBuilder', () => {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'livedub-onnx-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  const save = async (g: GraphBuilder): Promise<string> => {
    const file = path.join(dir, `${Math.random()}.onnx`);
    await writeFile(file, Buffer.concat(g.model({ name: 't', opset: 17, domains: ['com.microsoft'] })));
    return file;
  };

  it('writes a model that onnxruntime runs, and an addition that gives it another output', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', [1, 'n']);
    g.node('Add', [x, g.scalar(2)], { names: ['y'] });
    g.output('y', 'float32', [1, 'n']);
    const more = new GraphBuilder();
    more.node('ArgMax', ['y'], { attributes: { axis: { int: -1 }, keepdims: { int: 0 } }, names: ['best'] });
    more.output('best', 'int64', [1]);
    const session = await openNativeSession(await save(g), { addition: more.addition() });
    const { y, best } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 5, -3), [1, 3]) });
    expect([...(y!.data as Float32Array)]).toEqual([3, 7, -1]);
    expect(Number((best!.data as BigInt64Array)[0])).toBe(1);
  });

  it('multiplies in int8 to within two hundredths of what floats give', async () => {
    const [inputs, outputs] = [64, 32];
    const wave = (n: number, k: number): Float32Array =>
      Float32Array.from({ length: n }, (_, i) => Math.sin(i * i * k));
    const w = { inputs, outputs, weight: wave(inputs * outputs, 0.7), bias: wave(outputs, 0.3) };
    const results = [];
    for (const precision of ['int8', 'float32'] as const) {
      const g = new GraphBuilder();
      const x = layerNorm(
        g,
        'norm',
        g.input('x', 'float32', [1, 1, inputs]),
        new Float32Array(inputs).fill(1),
        new Float32Array(inputs),
      );
      g.node('Identity', [linear(g, 'w', x, w, precision)], { names: ['y'] });
      g.output('y', 'float32', [1, 1, outputs]);
      const session = await openNativeSession(await save(g));
      results.push(
        (await session.run({ x: new Tensor('float32', wave(inputs, 1.3), [1, 1, inputs]) })).y!
          .data as Float32Array,
      );
    }
    const [a, b] = results as [Float32Array, Float32Array];
    const size = Math.hypot(...b);
    expect(Math.hypot(...a.map((value, i) => value - b[i]!)) / size).toBeLessThan(0.02);
  });

  it('says which file is missing and which is no model', async () => {
    await expect(openNativeSession(path.join(dir, 'none'))).rejects.toMatchObject({
      code: 'LIVEDUB_E_MODEL_MISSING',
    });
    const junk = path.join(dir, 'junk');
    await writeFile(junk, 'junk');
    await expect(openNativeSession(junk)).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_CORRUPT' });
  });
});
