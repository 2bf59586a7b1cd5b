import { LivedubError } from '../../pipeline/errors.ts';
import type { EngineInfo } from '../../pipeline/ports/engine.ts';
import type { Vad, VadSession } from '../../pipeline/ports/vad.ts';
import { EngineThread } from '../engine-thread.ts';
import type { SessionPool } from '../session-pool.ts';

export interface SileroVadOptions {
  /** silero_vad v5, ONNX, verified. */
  readonly modelPath: string;
  /** Books what it costs; it runs beside the queue, because a window takes less time than waiting would. */
  readonly pool: SessionPool;
}

/** What the recurrent network carries from one window to the next. */
export interface SileroMemory {
  /** [2, 1, 128] */
  readonly state: Float32Array;
  /** The last 64 samples of the window before. */
  readonly context: Float32Array;
}

export interface SileroProcessBody extends SileroMemory {
  readonly pcm: Float32Array;
}

export interface SileroProcessResult extends SileroMemory {
  readonly probabilities: Float32Array;
}

export const SILERO_WINDOW_SAMPLES = 512;
export const SILERO_CONTEXT_SAMPLES = 64;
const STATE_NUMBERS = 2 * 128;

/** Silero VAD v5 (https://github.com/snakers4/silero-vad, MIT): one speech probability per 32 ms. */
export class SileroVad implements Vad {
  static readonly requiredFiles = ['silero_vad_v5.onnx'] as const;
  readonly info: EngineInfo = { id: 'silero-vad-v5', version: '5', licence: 'MIT' };
  readonly windowSamples = SILERO_WINDOW_SAMPLES;
  readonly #thread: EngineThread;
  readonly #pool: SessionPool;

  private constructor(thread: EngineThread, pool: SessionPool) {
    this.#thread = thread;
    this.#pool = pool;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: SileroVadOptions): Promise<SileroVad> {
    const thread = new EngineThread({
      entry: new URL('./silero-vad-thread.ts', import.meta.url),
      label: 'silero-vad',
    });
    try {
      await thread.request('load', options.modelPath);
    } catch (error) {
      await thread.close();
      throw error;
    }
    return new SileroVad(thread, options.pool);
  }

  open(): VadSession {
    let memory: SileroMemory = {
      state: new Float32Array(STATE_NUMBERS),
      context: new Float32Array(SILERO_CONTEXT_SAMPLES),
    };
    let closed = false;
    let last: Promise<unknown> = Promise.resolve();
    const processNow = async (pcm: Float32Array, signal: AbortSignal): Promise<Float32Array> => {
      if (closed) throw new LivedubError('LIVEDUB_E_CLOSED', 'This VAD session is closed.');
      const body: SileroProcessBody = { pcm, ...memory };
      const answer = await this.#thread.request<SileroProcessResult>('process', body, { signal });
      const { probabilities, state, context } = answer.result;
      memory = { state, context };
      this.#pool.book(this.info.id, answer.computeMs);
      return probabilities;
    };
    return {
      process: (pcm, signal) => {
        if (pcm.length % SILERO_WINDOW_SAMPLES !== 0) {
          const message = `The VAD takes multiples of ${SILERO_WINDOW_SAMPLES} samples, not ${pcm.length}.`;
          return Promise.reject(new LivedubError('LIVEDUB_E_INTERNAL', message));
        }
        // One after another: each call starts from the state the one before left.
        const result = last.then(() => processNow(pcm, signal));
        last = result.catch(() => undefined);
        return result;
      },
      close: () => {
        closed = true;
      },
    };
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
