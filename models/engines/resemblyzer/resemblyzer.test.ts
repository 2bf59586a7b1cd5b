import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelsDir } from '../../../pipeline/cache-paths.ts';
import { openNativeSession } from '../../ort-native.ts';
import { SessionPool } from '../../session-pool.ts';
import { hasShared, readWav } from '../test-speech.ts';
import { convertResemblyzer } from './convert.ts';
import { ResemblyzerSpeakerId } from './resemblyzer.ts';
import { readTorchTensors } from './torch-pickle.ts';

const { signal } = new AbortController();
const [BANDS, SIZE] = [3, 2];
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  'lstm.weight_ih_l0': [4 * SIZE, BANDS],
  'lstm.weight_hh_l0': [4 * SIZE, SIZE],
  'lstm.bias_ih_l0': [4 * SIZE],
  'lstm.bias_hh_l0': [4 * SIZE],
  'linear.weight': [SIZE, SIZE],
  'linear.bias': [SIZE],
};
const values = (name: string): number[] => {
  const length = SHAPES[name]!.reduce((a, b) => a * b, 1);
  return Array.from({ length }, (_, i) =>
    Math.fround(Math.sin(i * 1.7 + name.length) * 0.5 + (name === 'linear.bias' ? 1 : 0)),
  );
};

/** Writes a checkpoint the way torch.save did before 1.6. */
function checkpoint(rebuild = 'torch._utils\n_rebuild_tensor_v2'): Buffer {
  const chunks: Buffer[] = [];
  const raw = (...parts: (string | number[] | Buffer)[]): void => {
    for (const part of parts)
      chunks.push(typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part));
  };
  const number = (n: number): string => `M${String.fromCharCode(n & 255, n >> 8)}`;
  const text = (s: string): string => `X${String.fromCharCode(s.length, 0, 0, 0)}${s}`;
  const tuple = (ns: readonly number[]): string => `(${ns.map(number).join('')}t`;
  raw('\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.', `\x80\x02${number(1001)}.`, '\x80\x02}.');
  raw(`\x80\x02}(${text('model_state')}ccollections\nOrderedDict\n)R(`);
  for (const [name, dims] of Object.entries(SHAPES)) {
    const strides = dims.map((_, i) => dims.slice(i + 1).reduce((a, b) => a * b, 1));
    const storage = `(${text('storage')}ctorch\nFloatStorage\n${text(name)}${text('cpu')}${number(values(name).length)}NtQ`;
    raw(
      `${text(name)}c${rebuild}\n(${storage}K\x00${tuple(dims)}${tuple(strides)}\x89ccollections\nOrderedDict\n)RtR`,
    );
  }
  raw('uu.');
  const keys = Object.keys(SHAPES);
  raw(`\x80\x02](${keys.map(text).join('')}e.`);
  for (const key of keys) {
    const count = Buffer.alloc(8);
    count.writeBigInt64LE(BigInt(values(key).length));
    raw(count, Buffer.from(Float32Array.from(values(key)).buffer));
  }
  return Buffer.concat(chunks);
}

/** PyTorch's LSTM and the layers behind it, written out. */
function reference(frames: readonly number[][]): number[] {
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  const w = Object.fromEntries(Object.keys(SHAPES).map((name) => [name, values(name)]));
  let [h, c] = [new Array<number>(SIZE).fill(0), new Array<number>(SIZE).fill(0)];
  for (const x of frames) {
    const gate = (row: number): number =>
      w['lstm.bias_ih_l0']![row]! +
      w['lstm.bias_hh_l0']![row]! +
      x.reduce((sum, v, i) => sum + v * w['lstm.weight_ih_l0']![row * BANDS + i]!, 0) +
      h.reduce((sum, v, i) => sum + v * w['lstm.weight_hh_l0']![row * SIZE + i]!, 0);
    c = c.map((v, i) => sigmoid(gate(SIZE + i)) * v + sigmoid(gate(i)) * Math.tanh(gate(2 * SIZE + i)));
    h = c.map((v, i) => sigmoid(gate(3 * SIZE + i)) * Math.tanh(v));
  }
  const raw = w['linear.bias']!.map((bias, row) =>
    Math.max(0, bias + h.reduce((sum, v, i) => sum + v * w['linear.weight']![row * SIZE + i]!, 0)),
  );
  return raw.map((v) => v / Math.hypot(...raw));
}

describe('convertResemblyzer', () => {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'livedub-speaker-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('makes a graph that computes what PyTorch would', async () => {
    const model = path.join(dir, 'pretrained.pt');
    await writeFile(model, checkpoint());
    await convertResemblyzer({ files: { model }, outDir: dir, signal });
    const frames = [1, 2, 3, 4].map((t) => [0, 1, 2].map((b) => Math.cos(t + b)));
    const session = await openNativeSession(path.join(dir, 'speaker.onnx'));
    const { embeds } = await session.run({
      mels: new Tensor('float32', Float32Array.from(frames.flat()), [1, 4, BANDS]),
    });
    for (const [i, value] of reference(frames).entries())
      expect((embeds!.data as Float32Array)[i]).toBeCloseTo(value, 5);
  });

  it('reads tensors as data and refuses a file that names anything else', () => {
    const { dims, data } = readTorchTensors(checkpoint()).get('model_state.linear.weight')!;
    expect({ dims, data: [...data] }).toEqual({ dims: [SIZE, SIZE], data: values('linear.weight') });
    const bad = [
      checkpoint('posix\nsystem'),
      checkpoint().subarray(0, 300),
      Buffer.from('junk'),
      Buffer.alloc(0),
    ];
    for (const file of bad) {
      expect(() => readTorchTensors(file)).toThrow(
        expect.objectContaining({ code: 'LIVEDUB_E_MODEL_CORRUPT' }),
      );
    }
  });
});

const real =
  process.env.LIVEDUB_TEST_SPEAKER_MODEL ??
  path.join(modelsDir(), 'resemblyzer', '0.1.4', 'converted', 'speaker.onnx');
const VOICES = ['speech/en/LJ001-0001.wav', 'speech/en/LJ001-0003.wav', 'speech/en/jfk_16k.wav'];

describe.skipIf(!existsSync(real) || !hasShared(VOICES[0]!))(
  'ResemblyzerSpeakerId',
  { timeout: 30_000 },
  () => {
    it('puts one speaker nearer to herself than to another', async () => {
      const speakers = await ResemblyzerSpeakerId.load({ modelPath: real, pool: new SessionPool() });
      const call = { signal, priority: 'upload' } as const;
      const [her, herAgain, him] = await Promise.all(
        VOICES.map((file) => speakers.embed(readWav(file), call)),
      );
      const cosine = (a: Float32Array, b: Float32Array): number =>
        a.reduce((sum, value, i) => sum + value * b[i]!, 0);
      expect(cosine(her!, her!)).toBeCloseTo(1, 4);
      expect(cosine(her!, herAgain!)).toBeGreaterThan(0.8);
      expect(cosine(her!, him!)).toBeLessThan(0.7);
      await expect(speakers.embed(new Float32Array(16_000), call)).rejects.toMatchObject({
        code: 'LIVEDUB_E_BAD_REQUEST',
      });
      await speakers.close();
    });
  },
);
