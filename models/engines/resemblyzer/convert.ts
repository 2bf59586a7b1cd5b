import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LivedubError } from '../../../pipeline/errors.ts';
import { GraphBuilder } from '../../onnx/graph-builder.ts';
import { readTorchTensors, type TorchTensor } from './torch-pickle.ts';

/** What `convertResemblyzer` writes. */
export const RESEMBLYZER_FILES = ['speaker.onnx'] as const;
const SUMS = 'SHA256SUMS';

export interface ConvertResemblyzerOptions {
  /** The checkpoint, `pretrained.pt`, as the only file. */
  readonly files: Readonly<Record<string, string>>;
  readonly outDir: string;
  readonly signal: AbortSignal;
  readonly onProgress?: (fraction: number, step: string) => void;
}

/**
 * Turns Resemblyzer's checkpoint into an ONNX graph, once, at install; the same bytes every time.
 * @throws LIVEDUB_E_MODEL_CORRUPT, LIVEDUB_E_ABORTED
 */
export async function convertResemblyzer(options: ConvertResemblyzerOptions): Promise<void> {
  const { files, outDir, signal, onProgress } = options;
  const [checkpoint] = Object.values(files);
  if (!checkpoint)
    throw new LivedubError('LIVEDUB_E_MODEL_MISSING', 'No checkpoint of the speaker embedding.');
  onProgress?.(0, 'read');
  const model = Buffer.concat(speakerGraph(readTorchTensors(await readFile(checkpoint))));
  if (signal.aborted)
    throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: signal.reason });
  onProgress?.(0.8, 'write');
  await mkdir(outDir, { recursive: true });
  const sum = createHash('sha256').update(model).digest('hex');
  await writeWhole(path.join(outDir, RESEMBLYZER_FILES[0]), model);
  await writeWhole(path.join(outDir, SUMS), Buffer.from(`${sum}  ${RESEMBLYZER_FILES[0]}\n`));
  onProgress?.(1, 'done');
}

/**
 * `mels` [batch, frames, bands] → `embeds` [batch, size]: stacked LSTM, last hidden state, linear, ReLU, unit length
 * (voice_encoder.py of https://github.com/resemble-ai/Resemblyzer).
 */
export function speakerGraph(tensors: ReadonlyMap<string, TorchTensor>): readonly Uint8Array[] {
  const get = (name: string): TorchTensor => {
    const tensor = tensors.get(`model_state.${name}`);
    if (!tensor) throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `The speaker embedding has no ${name}.`);
    return tensor;
  };
  const g = new GraphBuilder();
  const bands = get('lstm.weight_ih_l0').dims[1]!;
  const size = get('lstm.weight_hh_l0').dims[1]!;
  const mels = g.input('mels', 'float32', ['batch', 'frames', bands]);
  let x = g.op('Transpose', [mels], { perm: { ints: [1, 0, 2] } });
  let hidden = '';
  for (let layer = 0; tensors.has(`model_state.lstm.weight_ih_l${layer}`); layer++) {
    const weight = (name: string): string => {
      const { dims, data } = get(`lstm.${name}_l${layer}`);
      return g.weight(`${name}_${layer}`, 'float32', [1, ...dims], onnxGates(data, size));
    };
    const biases = ['bias_ih', 'bias_hh'].map((name) => onnxGates(get(`lstm.${name}_l${layer}`).data, size));
    const both = g.weight(
      `bias_${layer}`,
      'float32',
      [1, 8 * size],
      Float32Array.from(biases.flatMap((b) => [...b])),
    );
    const [all, last] = g.node('LSTM', [x, weight('weight_ih'), weight('weight_hh'), both], {
      outputs: 2,
      attributes: { hidden_size: { int: size } },
    });
    x = g.op('Squeeze', [all!, g.ints([1])]);
    hidden = g.op('Squeeze', [last!, g.ints([0])]);
  }
  const weight = get('linear.weight');
  const matrix = g.weight('linear.weight', 'float32', weight.dims, weight.data);
  const bias = g.weight('linear.bias', 'float32', get('linear.bias').dims, get('linear.bias').data);
  const raw = g.op('Relu', [g.op('Gemm', [hidden, matrix, bias], { transB: { int: 1 } })]);
  g.node('LpNormalization', [raw], { attributes: { axis: { int: 1 }, p: { int: 2 } }, names: ['embeds'] });
  g.output('embeds', 'float32', ['batch', weight.dims[0]!]);
  return g.model({ name: 'speaker', opset: 17 });
}

/** PyTorch stacks the gates as input, forget, cell, output; ONNX as input, output, forget, cell. */
function onnxGates(data: Float32Array, size: number): Float32Array {
  const part = data.length / 4;
  if (part % size !== 0)
    throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', 'An LSTM weight has the wrong shape.');
  const out = new Float32Array(data.length);
  for (const [to, from] of [0, 3, 1, 2].entries())
    out.set(data.subarray(from * part, (from + 1) * part), to * part);
  return out;
}

async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const partial = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(partial, bytes);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
