import { deflateSync } from 'node:zlib';
import type { EngineCall, LanguageCode } from '../../../pipeline/ports/engine.ts';
import { EngineThread } from '../../engine-thread.ts';
import type { SessionPool } from '../../session-pool.ts';
import { speechGain } from '../level.ts';
import { repeatsItself } from '../repetition.ts';
import type { WhisperFiles } from './whisper-decoder.ts';

export interface WhisperHostOptions extends WhisperFiles {
  readonly pool: SessionPool;
  /** Manifest id. Default `whisper-base`. */
  readonly id?: string;
  /** Default `1`. */
  readonly version?: string;
}

export interface WhisperAsk {
  readonly pcm: Float32Array;
  readonly gain: number;
  readonly language: string;
  readonly task: 'transcribe' | 'translate';
  readonly maxTokens: number;
  /** The same sound will come again, longer. */
  readonly grows: boolean;
  readonly align: boolean;
}

export interface WhisperAnswer {
  readonly text: string;
  readonly tokens: number;
  readonly words: readonly {
    readonly text: string;
    readonly startMs: number;
    readonly endMs: number;
    readonly confidence: number;
  }[];
  readonly language: string;
  readonly meanLogProb: number;
  readonly noSpeechProb: number;
  readonly languageProb: number;
  readonly hitLimit: boolean;
}

const RATE_HZ = 16_000;
export const WHISPER_WINDOW_MS = 28_000;
const MIN_SAMPLES = RATE_HZ / 10;
/** No language is spoken faster; more is a loop. */
const TOKENS_PER_SECOND = 12;
const SPARE_TOKENS = 12;

/** One loaded Whisper model on a thread of its own, shared by recognition and speech translation. */
export class WhisperHost {
  readonly id: string;
  readonly version: string;
  /** ISO 639-1 codes it hears. */
  readonly languages: readonly LanguageCode[];
  readonly #thread: EngineThread;
  readonly #pool: SessionPool;

  private constructor(thread: EngineThread, options: WhisperHostOptions, languages: readonly string[]) {
    this.#thread = thread;
    this.#pool = options.pool;
    this.id = options.id ?? 'whisper-base';
    this.version = options.version ?? '1';
    this.languages = languages.map(fromWhisper).filter((code) => code.length === 2);
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: WhisperHostOptions): Promise<WhisperHost> {
    const thread = new EngineThread({
      entry: new URL('./whisper-thread.ts', import.meta.url),
      label: 'whisper',
    });
    const { encoderPath, decoderPath, tokensPath } = options;
    try {
      const files: WhisperFiles = { encoderPath, decoderPath, tokensPath };
      return new WhisperHost(thread, options, (await thread.request<string[]>('load', files)).result);
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  /** @returns undefined for silence */
  async ask(
    call: EngineCall,
    ask: { readonly pcm: Float32Array; readonly language: string } & Pick<
      WhisperAsk,
      'task' | 'grows' | 'align'
    >,
  ): Promise<WhisperAnswer | undefined> {
    const pcm = ask.pcm.subarray(0, (WHISPER_WINDOW_MS * RATE_HZ) / 1000);
    const gain = pcm.length < MIN_SAMPLES ? undefined : speechGain(pcm);
    if (gain === undefined) return undefined;
    const maxTokens = Math.ceil((pcm.length / RATE_HZ) * TOKENS_PER_SECOND) + SPARE_TOKENS;
    const body: WhisperAsk = { ...ask, language: toWhisper(ask.language), pcm: pcm.slice(), gain, maxTokens };
    return this.#pool.run(call, { engine: this.id }, async (slot) => {
      const answer = await this.#thread.request<WhisperAnswer>('decode', body, { signal: slot.signal });
      slot.addComputeMs(answer.computeMs);
      return { ...answer.result, language: fromWhisper(answer.result.language) };
    });
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

/**
 * Whether an answer is Whisper talking to itself on sound without speech: the thresholds of `transcribe.py`
 * (compression ratio 2.4, no-speech 0.6 with log-probability −1), loops, and the token limit.
 * @param lowestLogProb mean token log-probability that is still believed
 */
export function isHallucination(answer: WhisperAnswer, lowestLogProb = -1): boolean {
  const { text, meanLogProb, noSpeechProb, hitLimit } = answer;
  if (!/[\p{L}\p{N}]/u.test(text)) return true;
  if (hitLimit || repeatsItself(text)) return true;
  const bytes = Buffer.from(text);
  if (bytes.length > 100 && bytes.length / deflateSync(bytes).length > 2.4) return true;
  return meanLogProb < lowestLogProb || (noSpeechProb > 0.6 && meanLogProb < lowestLogProb + 0.6);
}

/** Whisper writes Javanese `jw`; ISO 639-1 is `jv`. */
const fromWhisper = (code: string): LanguageCode => (code === 'jw' ? 'jv' : code);
const toWhisper = (code: LanguageCode): string => (code === 'jv' ? 'jw' : code);
