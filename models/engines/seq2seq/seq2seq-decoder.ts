import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { LivedubError } from '../../../pipeline/errors.ts';
import { type Beam, bestCandidates, normalised } from './beam.ts';

export interface DecoderShape {
  readonly layers: number;
  readonly heads: number;
  /** Width of one head. */
  readonly headWidth: number;
}

export interface DecodeRequest {
  readonly sourceIds: readonly number[];
  /** What decoding starts with: the start token, and the target language where the model wants one. */
  readonly prompt: readonly number[];
  readonly endId: number;
  readonly bannedIds: readonly number[];
  readonly maxTokens: number;
  /** 1 is greedy. */
  readonly beams: number;
  readonly throwIfAborted: () => void;
}

const int64 = (values: readonly number[], dims: readonly number[]): Tensor =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), dims);

const SIDES = ['key', 'value'] as const;

/**
 * Encoder and merged decoder as optimum exports them (https://huggingface.co/docs/optimum/exporters/onnx/overview):
 * `encoder_model.onnx` and `decoder_model_merged.onnx`, whose first step runs with use_cache_branch = false and gives the
 * encoder's keys and values for all later steps.
 */
export async function decode(
  encoder: InferenceSession,
  decoder: InferenceSession,
  shape: DecoderShape,
  request: DecodeRequest,
): Promise<number[]> {
  const { sourceIds, prompt, endId, beams: width, throwIfAborted } = request;
  const banned = new Set(request.bannedIds);
  const length = sourceIds.length;
  const mask = new Array<number>(length).fill(1);
  const encoded = await encoder.run({
    input_ids: int64(sourceIds, [1, length]),
    attention_mask: int64(mask, [1, length]),
  });
  const hidden = encoded.last_hidden_state;
  if (!hidden) throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', 'The encoder gives no last_hidden_state.');

  let feeds: Record<string, Tensor> = { ...emptyCache(shape, 1) };
  let beams: Beam[] = [{ ids: [], score: 0 }];
  const finished: Beam[] = [];
  for (let step = 0; step < request.maxTokens; step++) {
    throwIfAborted();
    const rows = beams.length;
    const ids = step === 0 ? [...prompt] : beams.map((beam) => beam.ids.at(-1)!);
    const columns = step === 0 ? prompt.length : 1;
    const outputs = await decoder.run({
      ...feeds,
      input_ids: int64(ids, [rows, columns]),
      encoder_hidden_states: repeatRows(hidden, rows),
      encoder_attention_mask: int64(new Array<number>(rows * length).fill(1), [rows, length]),
      use_cache_branch: new Tensor('bool', Uint8Array.of(step > 0 ? 1 : 0), [1]),
    });
    const logits = outputs.logits;
    if (!logits) throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', 'The decoder gives no logits.');
    const vocabulary = logits.dims.at(-1)!;
    const candidates = bestCandidates(
      beams,
      lastRows(logits.data as Float32Array, rows, columns, vocabulary),
      vocabulary,
      banned,
      2 * width,
    );
    const next: Beam[] = [];
    const from: number[] = [];
    for (const [rank, { id, from: row, score }] of candidates.entries()) {
      const { ids: soFar } = beams[row]!;
      if (id === endId) {
        // An end that is not among the best `width` would not have been reached by any of them.
        if (rank < width) finished.push({ ids: soFar, score });
      } else if (next.length < width) {
        next.push({ ids: [...soFar, id], score });
        from.push(row);
      }
    }
    if (finished.length >= width || next.length === 0) break;
    feeds = nextCache(shape, feeds, outputs, from, step === 0);
    beams = next;
  }
  const best = (finished.length > 0 ? finished : beams).toSorted((a, b) => normalised(b) - normalised(a));
  return [...best[0]!.ids];
}

function emptyCache({ layers, heads, headWidth }: DecoderShape, rows: number): Record<string, Tensor> {
  const cache: Record<string, Tensor> = {};
  for (let layer = 0; layer < layers; layer++) {
    for (const part of ['decoder', 'encoder']) {
      for (const side of SIDES) {
        cache[`past_key_values.${layer}.${part}.${side}`] = new Tensor('float32', new Float32Array(0), [
          rows,
          heads,
          0,
          headWidth,
        ]);
      }
    }
  }
  return cache;
}

/** The cache for the next step: the decoder's follows the beams, the encoder's is kept from the first step. */
function nextCache(
  { layers }: DecoderShape,
  feeds: Readonly<Record<string, Tensor>>,
  outputs: InferenceSession.OnnxValueMapType,
  from: readonly number[],
  first: boolean,
): Record<string, Tensor> {
  const cache: Record<string, Tensor> = {};
  for (let layer = 0; layer < layers; layer++) {
    for (const side of SIDES) {
      const own = outputs[`present.${layer}.decoder.${side}`] as Tensor;
      cache[`past_key_values.${layer}.decoder.${side}`] = pickRows(own, from);
      const name = `past_key_values.${layer}.encoder.${side}`;
      const theirs = first ? (outputs[`present.${layer}.encoder.${side}`] as Tensor) : feeds[name]!;
      // All beams look at the same source: any row will do.
      cache[name] =
        theirs.dims[0] === from.length
          ? theirs
          : pickRows(
              theirs,
              from.map(() => 0),
            );
    }
  }
  return cache;
}

function pickRows(tensor: Tensor, rows: readonly number[]): Tensor {
  if (rows.length === tensor.dims[0] && rows.every((row, i) => row === i)) return tensor;
  const data = tensor.data as Float32Array;
  const size = data.length / tensor.dims[0]!;
  const picked = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) picked.set(data.subarray(row * size, (row + 1) * size), i * size);
  return new Tensor('float32', picked, [rows.length, ...tensor.dims.slice(1)]);
}

const repeatRows = (tensor: Tensor, rows: number): Tensor =>
  pickRows(
    tensor,
    Array.from({ length: rows }, () => 0),
  );

/** Logits of the last position of each row. */
function lastRows(data: Float32Array, rows: number, columns: number, vocabulary: number): Float32Array {
  if (columns === 1) return data;
  const last = new Float32Array(rows * vocabulary);
  for (let row = 0; row < rows; row++) {
    const at = (row * columns + columns - 1) * vocabulary;
    last.set(data.subarray(at, at + vocabulary), row * vocabulary);
  }
  return last;
}
