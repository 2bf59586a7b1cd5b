import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineInfo } from '../../../pipeline/ports/engine.ts';
import type {
  SynthesisedSpeech,
  SynthesiseRequest,
  Synthesiser,
  Voice,
} from '../../../pipeline/ports/synthesiser.ts';
import { DURATIONS } from '../../onnx-file/graph-edits.ts';
import type { TensorData } from '../../ort-session.ts';
import type { PoolSlot, SessionPool } from '../../session-pool.ts';
import type { Phonemes } from '../espeak-phonemes.ts';
import { joinSentences, phonemeTimes, type SentenceSpeech } from '../neural-voice/sentence-speech.ts';
import { VoiceSession } from '../neural-voice/voice-session.ts';
import { type PiperConfig, piperIds, readPiperConfig, timedSymbols } from './piper-config.ts';

export interface PiperOptions {
  /** `VOICE.onnx`, verified. */
  readonly modelPath: string;
  /** `VOICE.onnx.json`, verified. */
  readonly configPath: string;
  readonly pool: SessionPool;
  /** Shared with other voices; stays open when this one closes. */
  readonly phonemes: Phonemes;
  readonly info: EngineInfo;
  /** What the configuration does not say of its speaker. */
  readonly voice: Pick<Voice, 'id' | 'language' | 'name' | 'gender' | 'pitchHz'>;
  /** Chooses the reading: the same seed and text give the same samples. Default 1. */
  readonly seed?: number;
}

/** Slower or faster than this a VITS voice starts to slur. */
const RATE_LIMITS = [0.7, 1.5] as const;

/**
 * A Piper voice (https://github.com/rhasspy/piper, a VITS model): eSpeak phonemes in, sound out, one run a sentence. The
 * graph's own random numbers are replaced by fixed ones when it is loaded, which is what makes it deterministic.
 */
export class Piper implements Synthesiser {
  static readonly requiredFiles = ['en_US-joe-medium.onnx', 'en_US-joe-medium.onnx.json'] as const;
  readonly info: EngineInfo;
  readonly voices: readonly Voice[];
  readonly deterministic = true;
  readonly #session: VoiceSession;
  readonly #config: PiperConfig;
  readonly #phonemes: Phonemes;

  private constructor(session: VoiceSession, config: PiperConfig, options: PiperOptions) {
    this.#session = session;
    this.#config = config;
    this.#phonemes = options.phonemes;
    this.info = options.info;
    this.voices = [{ ...options.voice, tier: 'good' }];
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: PiperOptions): Promise<Piper> {
    const config = await readPiperConfig(options.configPath);
    const session = await VoiceSession.load({
      path: options.modelPath,
      edits: { noiseSeed: options.seed ?? 1, durationsFrom: 'Ceil' },
      pool: options.pool,
      engine: options.info.id,
    });
    return new Piper(session, config, options);
  }

  /** @throws LIVEDUB_E_BAD_REQUEST for a voice it does not have, and what a pool and an engine throw */
  async synthesise(request: SynthesiseRequest): Promise<SynthesisedSpeech> {
    if (!this.voices.some(({ id }) => id === request.voice.id)) {
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `${this.info.id} has no voice ${request.voice.id}.`);
    }
    const rate = Math.min(RATE_LIMITS[1], Math.max(RATE_LIMITS[0], request.rate));
    return this.#session.job(request, async (slot) => {
      const body = { text: request.text, voice: this.#config.espeak.voice };
      const sentences: SentenceSpeech[] = [];
      for (const phonemes of await this.#phonemes.phonemes(slot, body)) {
        sentences.push(await this.#sentence(slot, phonemes, rate));
      }
      return joinSentences(sentences, this.#config.audio.sample_rate);
    });
  }

  async #sentence(slot: PoolSlot, phonemes: readonly string[], rate: number): Promise<SentenceSpeech> {
    const { inference, phoneme_id_map: map, audio, num_speakers: speakers } = this.#config;
    const input = piperIds(phonemes, map);
    const scales = [inference.noise_scale, inference.length_scale / rate, inference.noise_w];
    const int64 = (values: readonly number[], dims: readonly number[]): TensorData => ({
      type: 'int64',
      dims,
      data: BigInt64Array.from(values, BigInt),
    });
    const result = await this.#session.run(slot, {
      input: int64(input.ids, [1, input.ids.length]),
      input_lengths: int64([input.ids.length], [1]),
      scales: { type: 'float32', dims: [3], data: Float32Array.from(scales) },
      ...(speakers > 1 ? { sid: int64([0], [1]) } : {}),
    });
    const pcm = result.output?.data as Float32Array | undefined;
    if (!pcm) throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `${this.info.id} gave no sound.`);
    const frames = result[DURATIONS]?.data as Float32Array | undefined;
    if (!frames) return { pcm, phonemes: [] };
    const total = frames.reduce((sum, n) => sum + n, 0);
    const frameMs = ((pcm.length / audio.sample_rate) * 1000) / Math.max(1, total);
    return { pcm, phonemes: phonemeTimes(timedSymbols(input, frames, frameMs)) };
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
