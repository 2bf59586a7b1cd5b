import { readFile } from 'node:fs/promises';
import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineInfo } from '../../../pipeline/ports/engine.ts';
import type {
  SynthesisedSpeech,
  SynthesiseRequest,
  Synthesiser,
  Voice,
} from '../../../pipeline/ports/synthesiser.ts';
import { DURATIONS } from '../../onnx-file/graph-edits.ts';
import type { PoolSlot, SessionPool } from '../../session-pool.ts';
import type { Phonemes } from '../espeak-phonemes.ts';
import { joinSentences, phonemeTimes, type SentenceSpeech } from '../neural-voice/sentence-speech.ts';
import { VoiceSession } from '../neural-voice/voice-session.ts';
import { type KokoroSymbol, kokoroRuns } from './kokoro-phonemes.ts';
import { KOKORO_VOICES, type KokoroVoice } from './kokoro-voices.ts';

export interface KokoroOptions {
  /** kokoro-v1.0.int8.onnx, verified. */
  readonly modelPath: string;
  /** Style files by name without `.bin`, e.g. `{ af_heart: '/…/af_heart.bin' }`; a voice without one is not offered. */
  readonly stylePaths: Readonly<Record<string, string>>;
  readonly pool: SessionPool;
  /** Shared with other voices; stays open when this engine closes. */
  readonly phonemes: Phonemes;
}

type Styles = ReadonlyMap<string, { readonly voice: KokoroVoice; readonly rows: Float32Array }>;

const SAMPLE_RATE_HZ = 24_000;
const STYLE_NUMBERS = 256;
/** Phoneme ids the model takes in one run, and rows of a style file. */
const MAX_IDS = 510;
const RATE_LIMITS = [0.7, 1.4] as const;

/**
 * Kokoro-82M (https://huggingface.co/hexgrad/Kokoro-82M, Apache-2.0), int8: eSpeak phonemes and a style vector in, sound
 * out, one run a sentence. Its row of the style file goes by the number of phonemes. About ten times the compute of a
 * Piper voice: for replays and machines with time to spare.
 */
export class Kokoro implements Synthesiser {
  static readonly requiredFiles = ['kokoro-v1.0.int8.onnx'] as const;
  readonly info: EngineInfo = { id: 'kokoro-82m-int8', version: '1.0', licence: 'Apache-2.0' };
  readonly voices: readonly Voice[];
  readonly deterministic = true;
  readonly #session: VoiceSession;
  readonly #phonemes: Phonemes;
  readonly #styles: Styles;

  private constructor(session: VoiceSession, options: KokoroOptions, styles: Styles) {
    this.#session = session;
    this.#phonemes = options.phonemes;
    this.#styles = styles;
    this.voices = [...styles.values()].map(({ voice }) => {
      const { style: _style, espeakVoice: _espeak, dialect: _dialect, ...plain } = voice;
      return plain;
    });
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: KokoroOptions): Promise<Kokoro> {
    const styles = new Map<string, { readonly voice: KokoroVoice; readonly rows: Float32Array }>();
    for (const voice of KOKORO_VOICES) {
      const path = options.stylePaths[voice.style];
      if (path !== undefined) styles.set(voice.id, { voice, rows: await readStyle(path) });
    }
    if (styles.size === 0) {
      throw new LivedubError('LIVEDUB_E_MODEL_MISSING', 'No style file of a Kokoro voice was named.');
    }
    const session = await VoiceSession.load({
      path: options.modelPath,
      edits: { floatConvolutions: true, durationsFrom: 'Clip' },
      pool: options.pool,
      engine: 'kokoro-82m-int8',
    });
    return new Kokoro(session, options, styles);
  }

  /** @throws LIVEDUB_E_BAD_REQUEST for a voice it does not have, and what a pool and an engine throw */
  async synthesise(request: SynthesiseRequest): Promise<SynthesisedSpeech> {
    const style = this.#styles.get(request.voice.id);
    if (!style) {
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `${this.info.id} has no voice ${request.voice.id}.`);
    }
    const rate = Math.min(RATE_LIMITS[1], Math.max(RATE_LIMITS[0], request.rate));
    const { voice, rows } = style;
    return this.#session.job(request, async (slot) => {
      const body = { text: request.text, voice: voice.espeakVoice };
      const sentences: SentenceSpeech[] = [];
      for (const phonemes of await this.#phonemes.phonemes(slot, body)) {
        for (const symbols of kokoroRuns(phonemes, voice.dialect, MAX_IDS)) {
          sentences.push(await this.#run(slot, symbols, rows, rate));
        }
      }
      // The model itself ends a sentence with a pause.
      return joinSentences(sentences, SAMPLE_RATE_HZ, 0);
    });
  }

  async #run(
    slot: PoolSlot,
    symbols: readonly KokoroSymbol[],
    rows: Float32Array,
    rate: number,
  ): Promise<SentenceSpeech> {
    const ids = symbols.flatMap((symbol) => symbol.ids);
    const row = Math.min(MAX_IDS, ids.length) - 1;
    const result = await this.#session.run(slot, {
      tokens: { type: 'int64', dims: [1, ids.length + 2], data: BigInt64Array.from([0, ...ids, 0], BigInt) },
      style: {
        type: 'float32',
        dims: [1, STYLE_NUMBERS],
        data: rows.slice(row * STYLE_NUMBERS, (row + 1) * STYLE_NUMBERS),
      },
      speed: { type: 'float32', dims: [1], data: Float32Array.of(rate) },
    });
    const pcm = result.audio?.data as Float32Array | undefined;
    if (!pcm) throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `${this.info.id} gave no sound.`);
    const frames = result[DURATIONS]?.data as Float32Array | undefined;
    if (!frames) return { pcm, phonemes: [] };
    const total = frames.reduce((sum, n) => sum + n, 0);
    const frameMs = ((pcm.length / SAMPLE_RATE_HZ) * 1000) / Math.max(1, total);
    let at = 1;
    const timed = symbols.map(({ phoneme, ids: own }) => {
      let sum = 0;
      for (let i = 0; i < own.length; i++) sum += frames[at++] ?? 0;
      return { symbol: phoneme, durationMs: sum * frameMs };
    });
    return {
      pcm,
      phonemes: phonemeTimes([{ symbol: '', durationMs: (frames[0] ?? 0) * frameMs }, ...timed]),
    };
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

async function readStyle(path: string): Promise<Float32Array> {
  let file: Buffer;
  try {
    file = await readFile(path);
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MODEL_MISSING', `No style file at ${path}.`, { cause });
  }
  if (file.length !== MAX_IDS * STYLE_NUMBERS * 4) {
    throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${path} is no Kokoro style file.`);
  }
  return new Float32Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.length));
}
