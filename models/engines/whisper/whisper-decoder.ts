import { readFile } from 'node:fs/promises';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { LivedubError } from '../../../pipeline/errors.ts';
import { openNativeSession } from '../../ort-native.ts';
import { type WhisperJson, whisperJsonSchema } from './convert-whisper.ts';
import { ENCODER_FRAME_SAMPLES, LogMel } from './log-mel.ts';

export interface WhisperFiles {
  readonly encoderPath: string;
  readonly decoderPath: string;
  readonly tokensPath: string;
}

export interface WhisperRequest {
  readonly pcm: Float32Array;
  /** Whisper's language code, or `auto`. */
  readonly language: string;
  readonly task: 'transcribe' | 'translate';
  readonly maxTokens: number;
  /** Collect the alignment heads' attention. */
  readonly align: boolean;
  /** Silence behind the sound, in encoder frames. Default 50. */
  readonly padFrames?: number;
  /** Text tokens of the last hypothesis for the same sound. */
  readonly draft?: readonly number[];
}

export interface WhisperTokensResult {
  readonly ids: readonly number[];
  readonly logProbs: readonly number[];
  /** Of all decided tokens, the end mark included. */
  readonly meanLogProb: number;
  readonly noSpeechProb: number;
  readonly language: string;
  readonly languageProb: number;
  readonly hitLimit: boolean;
  /** Per predicted token (the end mark too) the attention of the alignment heads, [heads × frames]; empty without `align`. */
  readonly attention: readonly Float32Array[];
}

/** Silence behind the sound, in encoder frames: without any, Whisper invents an ending. */
const PAD_FRAMES = 50;
/** Lengths are rounded up to this, so that onnxruntime sees few shapes. */
const ROUND_FRAMES = 25;
const MIN_FRAMES = 150;
const DRAFT_TOLERANCE = 0.1;
const MASKED = -1e9;

interface Run {
  readonly topId: number[];
  readonly topLogProb: Float32Array;
  readonly draftLogProb: Float32Array;
  readonly sotProbs: Float32Array;
  readonly outputs: Record<string, Tensor>;
}

/** Whisper on the calling thread: encoder once per sound, greedy decoding with cached keys and values. */
export class WhisperDecoder {
  readonly json: WhisperJson;
  readonly #encoder: InferenceSession;
  readonly #decoder: InferenceSession;
  readonly #logMel: LogMel;
  readonly #caches: readonly string[];

  private constructor(encoder: InferenceSession, decoder: InferenceSession, json: WhisperJson) {
    this.json = json;
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#logMel = new LogMel(json.shape.mels);
    this.#caches = Array.from({ length: json.shape.decoderLayers }, (_, i) => [
      `key.${i}`,
      `value.${i}`,
    ]).flat();
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(files: WhisperFiles): Promise<WhisperDecoder> {
    const json = await readTokens(files.tokensPath);
    const encoder = await openNativeSession(files.encoderPath);
    return new WhisperDecoder(encoder, await openNativeSession(files.decoderPath), json);
  }

  /** Encoder frames for so many samples. */
  frames(samples: number, padFrames = PAD_FRAMES): number {
    const wanted = Math.ceil((samples / ENCODER_FRAME_SAMPLES + padFrames) / ROUND_FRAMES) * ROUND_FRAMES;
    return Math.min(this.json.shape.audioFrames, Math.max(MIN_FRAMES, wanted));
  }

  /** @param step called before each run; may throw to stop */
  async decode(request: WhisperRequest, step: () => void): Promise<WhisperTokensResult> {
    const { special, shape } = this.json;
    const frames = this.frames(request.pcm.length, request.padFrames);
    const mel = this.#logMel.compute(request.pcm, 2 * frames);
    step();
    const feeds: Record<string, Tensor> = {};
    const sound = await this.#encoder.run({ mel: new Tensor('float32', mel, [1, shape.mels, 2 * frames]) });
    for (const [name, tensor] of Object.entries(sound)) feeds[name] = tensor as Tensor;
    step();
    let { language } = request;
    if (language === 'auto') {
      const { sotProbs } = await this.#run(feeds, [special.start], 0, false);
      language = this.#likeliest(sotProbs)[0];
      step();
    }
    const languageToken = this.json.languages.find(([code]) => code === language)?.[1];
    if (languageToken === undefined) {
      throw new LivedubError('LIVEDUB_E_LANGUAGE_NOT_RECOGNISED', `Whisper does not hear ${language}.`);
    }
    const prompt = [special.start, languageToken, special[request.task], special.noTimestamps];
    const maxTokens = Math.min(request.maxTokens, shape.textTokens - prompt.length - 1);
    const draft = (request.draft ?? []).slice(0, maxTokens);
    const first = await this.#run(feeds, [...prompt, ...draft], prompt.length - 1, request.align);
    const ids: number[] = [];
    const logProbs: number[] = [];
    let next: number = special.end;
    for (let i = 0; i <= draft.length; i++) {
      const at = prompt.length - 1 + i;
      const guess = draft[i];
      if (guess !== undefined && first.draftLogProb[at]! >= first.topLogProb[at]! - DRAFT_TOLERANCE) {
        ids.push(guess);
        logProbs.push(first.draftLogProb[at]!);
        continue;
      }
      next = first.topId[at]!;
      logProbs.push(first.topLogProb[at]!);
      break;
    }
    const attention = request.align
      ? attentionRows(first.outputs.alignment!, prompt.length - 1, ids.length + 1)
      : [];
    for (const cache of this.#caches) {
      feeds[`past_${cache}`] = firstPositions(first.outputs[`present_${cache}`]!, prompt.length + ids.length);
    }
    while (next !== special.end && ids.length < maxTokens) {
      ids.push(next);
      step();
      const run = await this.#run(feeds, [next], -1, request.align);
      for (const cache of this.#caches) feeds[`past_${cache}`] = run.outputs[`present_${cache}`]!;
      if (request.align) attention.push(...attentionRows(run.outputs.alignment!, 0, 1));
      next = run.topId[0]!;
      logProbs.push(run.topLogProb[0]!);
    }
    const [, languageProb] = this.#likeliest(first.sotProbs);
    return {
      ids,
      logProbs,
      meanLogProb: logProbs.reduce((sum, value) => sum + value, 0) / logProbs.length,
      noSpeechProb: first.sotProbs.at(-1)!,
      language,
      languageProb: request.language === 'auto' ? languageProb : 1,
      hitLimit: next !== special.end,
      attention,
    };
  }

  #likeliest(sotProbs: Float32Array): [string, number] {
    let best = 0;
    let sum = 0;
    for (let i = 0; i < this.json.languages.length; i++) {
      sum += sotProbs[i]!;
      if (sotProbs[i]! > sotProbs[best]!) best = i;
    }
    return [this.json.languages[best]![0], sotProbs[best]! / (sum || 1)];
  }

  /** @param firstText index of the position that predicts the first text token, or −1 */
  async #run(
    feeds: Record<string, Tensor>,
    ids: readonly number[],
    firstText: number,
    align: boolean,
  ): Promise<Run> {
    const { heads, dim } = this.json.shape;
    const n = ids.length;
    const past = feeds['past_key.0']?.dims[2] ?? 0;
    const mask = new Float32Array(n * (past + n));
    for (let row = 0; row < n; row++)
      mask.fill(MASKED, row * (past + n) + past + row + 1, (row + 1) * (past + n));
    const isFirst = new Float32Array(n);
    if (firstText >= 0) isFirst[firstText] = 1;
    const none = new Tensor('float32', new Float32Array(0), [1, heads, 0, dim / heads]);
    const all: Record<string, Tensor> = {
      ...Object.fromEntries(this.#caches.map((cache) => [`past_${cache}`, none])),
      ...feeds,
      ids: new Tensor('int64', BigInt64Array.from(ids.map(BigInt)), [n]),
      positions: new Tensor(
        'int64',
        BigInt64Array.from(ids, (_, i) => BigInt(past + i)),
        [n],
      ),
      mask: new Tensor('float32', mask, [n, past + n]),
      is_first: new Tensor('float32', isFirst, [1, n, 1]),
      draft_ids: new Tensor('int64', BigInt64Array.from([...ids.slice(1), 0].map(BigInt)), [1, n, 1]),
    };
    const wanted = [
      'top_id',
      'top_log_prob',
      'draft_log_prob',
      'sot_probs',
      ...this.#caches.map((c) => `present_${c}`),
    ];
    if (align) wanted.push('alignment');
    const outputs = (await this.#decoder.run(all, wanted)) as Record<string, Tensor>;
    return {
      topId: Array.from(outputs.top_id!.data as BigInt64Array, Number),
      topLogProb: outputs.top_log_prob!.data as Float32Array,
      draftLogProb: outputs.draft_log_prob!.data as Float32Array,
      sotProbs: outputs.sot_probs!.data as Float32Array,
      outputs,
    };
  }
}

/** Reads what the converter wrote. @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
export async function readTokens(file: string): Promise<WhisperJson> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MODEL_MISSING', `No model file at ${file}.`, { cause });
  }
  try {
    return whisperJsonSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${file} is not what the converter writes.`, { cause });
  }
}

/** [1, heads, n, size] → its first positions */
function firstPositions(tensor: Tensor, length: number): Tensor {
  const [, heads = 0, n = 0, size = 0] = tensor.dims;
  if (n === length) return tensor;
  const from = tensor.data as Float32Array;
  const to = new Float32Array(heads * length * size);
  for (let head = 0; head < heads; head++) {
    to.set(from.subarray(head * n * size, (head * n + length) * size), head * length * size);
  }
  return new Tensor('float32', to, [1, heads, length, size]);
}

/** [1, heads, n, frames] → for `count` positions from `from`: [heads × frames] */
function attentionRows(tensor: Tensor, from: number, count: number): Float32Array[] {
  const [, heads = 0, n = 0, frames = 0] = tensor.dims;
  const data = tensor.data as Float32Array;
  return Array.from({ length: count }, (_, i) => {
    const row = new Float32Array(heads * frames);
    for (let head = 0; head < heads; head++) {
      const start = (head * n + from + i) * frames;
      row.set(data.subarray(start, start + frames), head * frames);
    }
    return row;
  });
}
