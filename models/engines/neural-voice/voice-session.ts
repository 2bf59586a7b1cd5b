import type { EngineCall } from '../../../pipeline/ports/engine.ts';
import { EngineThread } from '../../engine-thread.ts';
import type { GraphEdits } from '../../onnx-file/graph-edits.ts';
import type { OrtRunBody, TensorData } from '../../ort-session.ts';
import type { PoolSlot, SessionPool } from '../../session-pool.ts';

export interface VoiceSessionOptions {
  readonly path: string;
  readonly edits: GraphEdits;
  readonly pool: SessionPool;
  /** Manifest id. */
  readonly engine: string;
}

export interface VoiceLoadBody {
  readonly path: string;
  readonly edits: GraphEdits;
}

/** A speech model on a thread of its own, its graph edited while loading. */
export class VoiceSession {
  readonly #thread: EngineThread;
  readonly #pool: SessionPool;
  readonly #engine: string;

  private constructor(thread: EngineThread, options: VoiceSessionOptions) {
    this.#thread = thread;
    this.#pool = options.pool;
    this.#engine = options.engine;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: VoiceSessionOptions): Promise<VoiceSession> {
    const thread = new EngineThread({
      entry: new URL('./voice-thread.ts', import.meta.url),
      label: options.engine,
    });
    try {
      const body: VoiceLoadBody = { path: options.path, edits: options.edits };
      await thread.request('load', body);
      return new VoiceSession(thread, options);
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  /** Queues one utterance: `work` may ask for several runs, one a sentence. */
  job<T>(call: EngineCall, work: (slot: PoolSlot) => Promise<T>): Promise<T> {
    return this.#pool.run(call, { engine: this.#engine }, work);
  }

  /** @throws LIVEDUB_E_ABORTED, LIVEDUB_E_CLOSED, LIVEDUB_E_ENGINE_FAILED */
  async run(
    slot: PoolSlot,
    feeds: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, TensorData>> {
    const body: OrtRunBody = { feeds };
    const answer = await this.#thread.request<Record<string, TensorData>>('run', body, {
      signal: slot.signal,
    });
    slot.addComputeMs(answer.computeMs);
    return answer.result;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
