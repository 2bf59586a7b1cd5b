import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../onnx/graph-builder.ts';
import type { PoolSlot } from '../../session-pool.ts';
import { fromHalves, toHalves } from './half.ts';
import { OnnxModels } from './onnx-models.ts';

const slot: PoolSlot = { signal: new AbortController().signal, addComputeMs: () => {} };

describe('models of one engine', () => {
  let dir: string;
  let file: string;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'livedub-onnx-models-'));
    file = path.join(dir, 'double.onnx');
    const g = new GraphBuilder();
    g.node('Mul', [g.input('x', 'float32', ['batch', 2]), g.scalar(2)], { names: ['y'] });
    g.output('y', 'float32', ['batch', 2]);
    await writeFile(file, Buffer.concat(g.model({ name: 'double', opset: 17 })));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const good = { x: { dims: [1, 2], data: Float32Array.of(1, 2) } };
  const bad = { x: { dims: [1, 3], data: Float32Array.of(1, 2, 3) } };

  it('are loaded anew after a run failed, and again when that failed', async () => {
    const models = await OnnxModels.load({ paths: { double: file }, engine: 'double', reloadMs: 0 });
    const run = (feeds: typeof good): Promise<Float32Array[]> => models.run(slot, 'double', 1, feeds);
    expect(await run(good)).toEqual([Float32Array.of(2, 4)]);
    await expect(run(bad)).rejects.toMatchObject({ code: 'LIVEDUB_E_ENGINE_FAILED' });
    await rename(file, `${file}.away`);
    await expect(run(good)).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_MISSING' });
    await rename(`${file}.away`, file);
    expect(await run(good)).toEqual([Float32Array.of(2, 4)]);
    await models.close();
    await models.close();
    await expect(run(good)).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });
});

describe('16-bit floats', () => {
  it('keep what fits and round the rest to even', () => {
    const same = Float32Array.of(0, 1, -2.5, 65_504, 2 ** -14, 2 ** -24, 0.333251953125);
    expect(fromHalves(toHalves(same))).toEqual(same);
    expect([
      ...fromHalves(toHalves(Float32Array.of(65_520, -1e9, 2 ** -26, 1 + 2 ** -11, 1 + 3 * 2 ** -11))),
    ]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1, 1 + 2 ** -9]);
    expect(fromHalves(toHalves(Float32Array.of(Number.NaN)))[0]).toBeNaN();
    for (let half = 0; half < 0x7c00; half += 7) {
      const value = fromHalves(Uint16Array.of(half));
      expect(toHalves(value)[0]).toBe(half);
    }
  });
});
