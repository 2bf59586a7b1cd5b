import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineCall, EngineInfo } from '../../../pipeline/ports/engine.ts';
import type { SpeakerId } from '../../../pipeline/ports/speaker-id.ts';
import { EngineThread } from '../../engine-thread.ts';
import type { SessionPool } from '../../session-pool.ts';

export interface ResemblyzerOptions {
  /** `speaker.onnx` from `convertResemblyzer`. */
  readonly modelPath: string;
  readonly pool: SessionPool;
}

const MIN_SAMPLES = 1.6 * 16_000;
/** More sound makes the vector no better. */
const MAX_SAMPLES = 10 * 16_000;

/** Speaker vectors from Resemblyzer's encoder (https://github.com/resemble-ai/Resemblyzer, Apache-2.0; GE2E, https://arxiv.org/abs/1710.10467). */
export class ResemblyzerSpeakerId implements SpeakerId {
  readonly info: EngineInfo = { id: 'resemblyzer', version: '0.1.4', licence: 'Apache-2.0' };
  readonly dimensions = 256;
  readonly #thread: EngineThread;
  readonly #pool: SessionPool;

  private constructor(thread: EngineThread, pool: SessionPool) {
    this.#thread = thread;
    this.#pool = pool;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: ResemblyzerOptions): Promise<ResemblyzerSpeakerId> {
    const thread = new EngineThread({
      entry: new URL('./resemblyzer-thread.ts', import.meta.url),
      label: 'resemblyzer',
    });
    try {
      await thread.request('load', options.modelPath);
    } catch (error) {
      await thread.close();
      throw error;
    }
    return new ResemblyzerSpeakerId(thread, options.pool);
  }

  /** @throws LIVEDUB_E_BAD_REQUEST for less than 1.6 s, and what the pool throws */
  async embed(pcm: Float32Array, call: EngineCall): Promise<Float32Array> {
    if (pcm.length < MIN_SAMPLES) {
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'A speaker vector needs at least 1.6 s of speech.');
    }
    const piece = pcm.slice(0, MAX_SAMPLES);
    return this.#pool.run(call, { engine: this.info.id }, async (slot) => {
      const answer = await this.#thread.request<Float32Array>('embed', piece, { signal: slot.signal });
      slot.addComputeMs(answer.computeMs);
      return answer.result;
    });
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
