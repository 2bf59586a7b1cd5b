import llamaTokenizer from 'llama-tokenizer-js';
import type { EngineInfo } from '../../pipeline/ports/engine.ts';
import type {
  RecogniseRequest,
  Recogniser,
  RecogniserCapabilities,
  Recognition,
} from '../../pipeline/ports/recogniser.ts';
import { EngineThread } from '../engine-thread.ts';
import type { SessionPool } from '../session-pool.ts';
import { speechGain } from './level.ts';
import type { MoonshineFiles, MoonshineTokens } from './moonshine-decoder.ts';
import { repeatsItself } from './repetition.ts';

export interface MoonshineOptions extends MoonshineFiles {
  readonly pool: SessionPool;
  /** Mean token log-probability below which the speech is taken for another language. Default −0.4. */
  readonly languageGate?: number;
}

export interface MoonshineRecogniseBody {
  readonly pcm: Float32Array;
  /** Factor that brings quiet speech up; apart, so that a growing segment is known by its own samples. */
  readonly gain: number;
  readonly final: boolean;
  readonly maxTokens: number;
}

const RATE_HZ = 16_000;
/** English does not go faster; more tokens are the decoder talking to itself. From Moonshine's own reference code. */
const TOKENS_PER_SECOND = 6.5;
const SPARE_TOKENS = 10;
/** Fewer words make the mean less sure: below this length the gate opens by SHORT_SLACK a second. */
const SURE_SECONDS = 5;
const SHORT_SLACK = 0.12;
/** Shorter sound is padded with silence to this length: the encoder's convolutions need some context. */
const MIN_SAMPLES = RATE_HZ / 2;

/** Moonshine tiny, English, int8 (https://github.com/moonshine-ai/moonshine, MIT). Writes case and punctuation. */
export class MoonshineRecogniser implements Recogniser {
  static readonly requiredFiles = ['encoder_model.onnx', 'decoder_model_merged.onnx'] as const;
  readonly info: EngineInfo = { id: 'moonshine-tiny-en', version: '0.1.29', licence: 'MIT' };
  readonly capabilities: RecogniserCapabilities = {
    languages: ['en'],
    wordTimes: false,
    identifiesLanguage: false,
    maxWindowMs: 20_000,
    partialEveryMs: 480,
  };
  readonly #thread: EngineThread;
  readonly #pool: SessionPool;
  readonly #languageGate: number;

  private constructor(thread: EngineThread, options: MoonshineOptions) {
    this.#thread = thread;
    this.#pool = options.pool;
    this.#languageGate = options.languageGate ?? -0.4;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: MoonshineOptions): Promise<MoonshineRecogniser> {
    const thread = new EngineThread({
      entry: new URL('./moonshine-thread.ts', import.meta.url),
      label: 'moonshine',
    });
    const { encoderPath, decoderPath } = options;
    try {
      await thread.request('load', { encoderPath, decoderPath } satisfies MoonshineFiles);
    } catch (error) {
      await thread.close();
      throw error;
    }
    return new MoonshineRecogniser(thread, options);
  }

  async recognise(request: RecogniseRequest): Promise<Recognition> {
    const seconds = request.pcm.length / RATE_HZ;
    const gain = speechGain(request.pcm);
    if (gain === undefined) return { text: '', language: 'en', confidence: 0, rejected: 'noise' };
    const pcm = padded(request.pcm);
    const maxTokens = Math.ceil(seconds * TOKENS_PER_SECOND) + SPARE_TOKENS;
    const body: MoonshineRecogniseBody = { pcm, gain, final: request.final, maxTokens };
    const tokens = await this.#pool.run(request, { engine: this.info.id }, async (slot) => {
      const answer = await this.#thread.request<MoonshineTokens>('recognise', body, { signal: slot.signal });
      slot.addComputeMs(answer.computeMs);
      return answer.result;
    });
    return this.#judge(tokens, seconds);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  #judge({ ids, meanLogProb, hitLimit }: MoonshineTokens, seconds: number): Recognition {
    const text = withoutQuotes(llamaTokenizer.decode([...ids], false, false)).trim();
    const confidence = Math.exp(meanLogProb);
    const heard = { text, language: 'en', confidence };
    if (!/\p{L}|\p{N}/u.test(text)) return { ...heard, text: '', rejected: 'noise' };
    if (hitLimit || repeatsItself(text)) return { ...heard, rejected: 'noise' };
    if (meanLogProb <= this.#languageGate - SHORT_SLACK * Math.max(0, SURE_SECONDS - seconds))
      return { ...heard, rejected: 'language' };
    return heard;
  }
}

/** Quotation marks are guesses, opened and never closed; they would be translated and spoken as noise. */
function withoutQuotes(text: string): string {
  return text.replace(/["“”]/gu, '').replace(/(^|\s)'+/gu, '$1');
}

function padded(pcm: Float32Array): Float32Array {
  if (pcm.length >= MIN_SAMPLES) return pcm;
  const longer = new Float32Array(MIN_SAMPLES);
  longer.set(pcm);
  return longer;
}
