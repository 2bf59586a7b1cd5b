import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import { openNativeSession } from '../ort-native.ts';

export interface MoonshineFiles {
  readonly encoderPath: string;
  readonly decoderPath: string;
}

export interface MoonshineTokens {
  /** Without the begin and end marks. */
  readonly ids: readonly number[];
  /** Mean log-probability over all decided tokens, the end mark included. */
  readonly meanLogProb: number;
  /** True when it ran into the token limit instead of ending by itself. */
  readonly hitLimit: boolean;
}

const LAYERS = 6;
const HEADS = 8;
const HEAD_DIM = 36;
const BEGIN = 1;
const END = 2;
/** A drafted token stands unless another is clearly likelier: keeps partial hypotheses from flickering. */
const DRAFT_TOLERANCE = 0.1;

const LAYER_KEYS = Array.from({ length: LAYERS }, (_, layer) => layer);
const pastName = (layer: number, side: string, part: string): string =>
  `past_key_values.${layer}.${side}.${part}`;
const presentName = (layer: number, side: string, part: string): string => `present.${layer}.${side}.${part}`;

/**
 * Adds greedy choice to the decoder graph, so that 32 768 scores a token stay on the native side and one number comes
 * out. `draft_ids` asks for the score of a guess beside that of the best.
 */
function greedyChoice(): Uint8Array {
  const g = new GraphBuilder();
  g.input('draft_ids', 'int64', ['batch', 'tokens', 1]);
  g.node('ArgMax', ['logits'], {
    attributes: { axis: { int: -1 }, keepdims: { int: 0 } },
    names: ['top_id'],
  });
  const logProbs = g.op('LogSoftmax', ['logits'], { axis: { int: -1 } });
  const last = { axis: { int: -1 } };
  g.node('GatherElements', [logProbs, 'draft_ids'], { attributes: last, names: ['draft_log_prob'] });
  const reduce = { axes: { ints: [-1] }, keepdims: { int: 0 } };
  g.node('ReduceMax', [logProbs], { attributes: reduce, names: ['top_log_prob'] });
  g.output('top_id', 'int64', ['batch', 'tokens']);
  g.output('top_log_prob', 'float32', ['batch', 'tokens']);
  g.output('draft_log_prob', 'float32', ['batch', 'tokens', 1]);
  return g.addition();
}

/**
 * Moonshine tiny (https://arxiv.org/abs/2410.15608): encoder on raw samples, autoregressive decoder with cached keys and
 * values. A growing segment is decoded by checking the tokens of its last hypothesis in one run and going on from the
 * first that no longer holds (speculative decoding, https://arxiv.org/abs/2211.17192, with the past as the draft).
 */
export class MoonshineDecoder {
  readonly #encoder: InferenceSession;
  readonly #decoder: InferenceSession;

  private constructor(encoder: InferenceSession, decoder: InferenceSession) {
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  static async load(files: MoonshineFiles): Promise<MoonshineDecoder> {
    const encoder = await openNativeSession(files.encoderPath);
    return new MoonshineDecoder(
      encoder,
      await openNativeSession(files.decoderPath, { addition: greedyChoice() }),
    );
  }

  /**
   * @param pcm 16 kHz mono
   * @param draft tokens of the last hypothesis of the same segment, or none
   * @param step called before each decoder run; may throw to stop
   */
  async decode(
    pcm: Float32Array,
    options: { readonly maxTokens: number; readonly draft?: readonly number[]; readonly step?: () => void },
  ): Promise<MoonshineTokens> {
    const { maxTokens, step } = options;
    const draft = (options.draft ?? []).slice(0, maxTokens);
    step?.();
    const { last_hidden_state: hidden } = await this.#encoder.run({
      input_values: new Tensor('float32', pcm, [1, pcm.length]),
    });
    step?.();
    const feeds: Record<string, Tensor> = { encoder_hidden_states: hidden as Tensor };
    const none = new Tensor('float32', new Float32Array(0), [1, HEADS, 0, HEAD_DIM]);
    for (const name of this.#decoder.inputNames) if (name.startsWith('past_')) feeds[name] = none;

    const ids: number[] = [];
    let logProb = 0;
    const first = await this.#run(feeds, [BEGIN, ...draft], false);
    let next = END;
    for (let i = 0; i <= draft.length; i++) {
      const guess = draft[i];
      if (guess !== undefined && first.draftLogProb[i]! >= first.topLogProb[i]! - DRAFT_TOLERANCE) {
        ids.push(guess);
        logProb += first.draftLogProb[i]!;
        continue;
      }
      next = first.topId[i]!;
      logProb += first.topLogProb[i]!;
      break;
    }
    this.#keep(feeds, first.outputs, ids.length + 1);
    let decided = ids.length + 1;
    while (next !== END && ids.length < maxTokens) {
      ids.push(next);
      step?.();
      const { topId, topLogProb, outputs } = await this.#run(feeds, [next], true);
      for (const layer of LAYER_KEYS) {
        for (const part of ['key', 'value']) {
          feeds[pastName(layer, 'decoder', part)] = outputs[presentName(layer, 'decoder', part)]!;
        }
      }
      next = topId[0]!;
      logProb += topLogProb[0]!;
      decided++;
    }
    return { ids, meanLogProb: logProb / decided, hitLimit: next !== END };
  }

  async #run(feeds: Record<string, Tensor>, tokens: readonly number[], cached: boolean) {
    feeds.input_ids = new Tensor('int64', BigInt64Array.from(tokens.map(BigInt)), [1, tokens.length]);
    feeds.use_cache_branch = new Tensor('bool', [cached], [1]);
    // What each position should predict: the token after it. The last one predicts freely.
    const guesses = BigInt64Array.from([...tokens.slice(1), END].map(BigInt));
    feeds.draft_ids = new Tensor('int64', guesses, [1, tokens.length, 1]);
    const outputs = (await this.#decoder.run(feeds, cached ? STEP_OUTPUTS : FIRST_OUTPUTS)) as Record<
      string,
      Tensor
    >;
    return {
      topId: Array.from(outputs.top_id!.data as BigInt64Array, Number),
      topLogProb: outputs.top_log_prob!.data as Float32Array,
      draftLogProb: outputs.draft_log_prob!.data as Float32Array,
      outputs,
    };
  }

  /** Takes over the keys and values of the first `length` positions; those of refused guesses are cut off. */
  #keep(feeds: Record<string, Tensor>, outputs: Record<string, Tensor>, length: number): void {
    for (const layer of LAYER_KEYS) {
      for (const part of ['key', 'value']) {
        feeds[pastName(layer, 'encoder', part)] = outputs[presentName(layer, 'encoder', part)]!;
        const whole = outputs[presentName(layer, 'decoder', part)]!;
        feeds[pastName(layer, 'decoder', part)] = firstPositions(whole, length);
      }
    }
  }
}

const FIRST_OUTPUTS = [
  'top_id',
  'top_log_prob',
  'draft_log_prob',
  ...LAYER_KEYS.flatMap((layer) =>
    ['decoder', 'encoder'].flatMap((side) => ['key', 'value'].map((part) => presentName(layer, side, part))),
  ),
];
const STEP_OUTPUTS = FIRST_OUTPUTS.filter((name) => !name.includes('.encoder.'));

/** [1, heads, n, dim] → [1, heads, length, dim] */
function firstPositions(tensor: Tensor, length: number): Tensor {
  const positions = tensor.dims[2]!;
  if (positions === length) return tensor;
  const from = tensor.data as Float32Array;
  const to = new Float32Array(HEADS * length * HEAD_DIM);
  for (let head = 0; head < HEADS; head++) {
    const start = head * positions * HEAD_DIM;
    to.set(from.subarray(start, start + length * HEAD_DIM), head * length * HEAD_DIM);
  }
  return new Tensor('float32', to, [1, HEADS, length, HEAD_DIM]);
}
