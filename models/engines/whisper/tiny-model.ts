import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** For tests: a Whisper of two layers with made-up weights in the files the converter reads. */
export async function writeTinyWhisper(): Promise<{
  dir: string;
  modelBin: string[];
  configJson: string;
  tokenizerJson: string;
}> {
  const [dim, vocabulary, mels] = [16, 40, 80];
  const chunks: Buffer[] = [];
  const u = (value: number, bytes: number): void => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeUIntLE(value, 0, bytes);
    chunks.push(buffer);
  };
  const text = (value: string): void => {
    u(value.length + 1, 2);
    chunks.push(Buffer.from(`${value}\0`));
  };
  let seed = 7;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 31 - 1;
  };
  const floats: [string, number[]][] = [
    ['decoder/embeddings/weight', [vocabulary, dim]],
    ['decoder/position_encodings/encodings', [32, dim]],
    ['decoder/layer_norm/gamma', [dim]],
    ['decoder/layer_norm/beta', [dim]],
    ['encoder/position_encodings/encodings', [200, dim]],
    ['encoder/layer_norm/gamma', [dim]],
    ['encoder/layer_norm/beta', [dim]],
    ['encoder/conv1/weight', [dim, mels, 3]],
    ['encoder/conv1/bias', [dim]],
    ['encoder/conv2/weight', [dim, dim, 3]],
    ['encoder/conv2/bias', [dim]],
  ];
  const dense = (name: string, outputs: number, inputs: number): void => {
    floats.push([`${name}/weight`, [outputs, inputs]], [`${name}/bias`, [outputs]]);
  };
  const norm = (name: string): void => void floats.push([`${name}/gamma`, [dim]], [`${name}/beta`, [dim]]);
  for (const side of ['encoder', 'decoder']) {
    for (const layer of [0, 1]) {
      const name = `${side}/layer_${layer}`;
      for (const part of ['self_attention', 'ffn', ...(side === 'decoder' ? ['attention'] : [])]) {
        norm(`${name}/${part}/layer_norm`);
      }
      dense(`${name}/self_attention/linear_0`, 3 * dim, dim);
      dense(`${name}/self_attention/linear_1`, dim, dim);
      dense(`${name}/ffn/linear_0`, 4 * dim, dim);
      dense(`${name}/ffn/linear_1`, dim, 4 * dim);
      if (side === 'encoder') continue;
      dense(`${name}/attention/linear_0`, dim, dim);
      dense(`${name}/attention/linear_1`, 2 * dim, dim);
      dense(`${name}/attention/linear_2`, dim, dim);
    }
  }
  u(6, 4);
  text('WhisperSpec');
  u(3, 4);
  u(floats.length + 1, 4);
  text('encoder/num_heads');
  u(0, 1);
  u(2, 1);
  u(2, 4);
  u(2, 2);
  for (const [name, dims] of floats) {
    text(name);
    u(dims.length, 1);
    for (const size of dims) u(size, 4);
    u(0, 1);
    const length = dims.reduce((a, b) => a * b, 1);
    u(4 * length, 4);
    const scale = name.endsWith('gamma') ? 0 : 0.5;
    const data = Float32Array.from({ length }, () => (name.endsWith('gamma') ? 1 : random() * scale));
    chunks.push(Buffer.from(data.buffer));
  }
  u(0, 4);
  const model = Buffer.concat(chunks);
  const dir = await mkdtemp(path.join(tmpdir(), 'livedub-whisper-'));
  const put = async (file: string, data: Uint8Array | string): Promise<string> => {
    await writeFile(path.join(dir, file), data);
    return path.join(dir, file);
  };
  const special = [
    'endoftext',
    'startoftranscript',
    'en',
    'es',
    'translate',
    'transcribe',
    'nospeech',
    'notimestamps',
  ];
  const added_tokens = special.map((name, i) => ({ id: 30 + i, content: `<|${name}|>` }));
  const vocab = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [i % 3 ? `${i}` : `Ġw${i}`, i]));
  const config = {
    alignment_heads: [[1, 0]],
    lang_ids: [32, 33],
    suppress_ids: [31, 34, 35, 36],
    suppress_ids_begin: [30],
  };
  const half = model.length >> 1;
  return {
    dir,
    modelBin: [
      await put('model.part1', model.subarray(0, half)),
      await put('model.part2', model.subarray(half)),
    ],
    configJson: await put('config.json', JSON.stringify(config)),
    tokenizerJson: await put('tokenizer.json', JSON.stringify({ added_tokens, model: { vocab } })),
  };
}
