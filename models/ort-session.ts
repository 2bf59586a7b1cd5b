import type { EngineCall } from '../pipeline/ports/engine.ts';
import { EngineThread } from './engine-thread.ts';
import type { NativeSessionOptions } from './ort-native.ts';
import type { PoolSlot, SessionPool } from './session-pool.ts';

export type TensorArray = Float32Array | Float64Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

/** A tensor that can cross threads. `bool` is a Uint8Array of 0 and 1. */
export interface TensorData {
  readonly type: 'float32' | 'float64' | 'int8' | 'uint8' | 'int32' | 'int64' | 'bool';
  readonly dims: readonly number[];
  readonly data: TensorArray;
}

export interface OrtSessionOptions extends NativeSessionOptions {
  /** Model file, already verified by the model store. */
  readonly path: string;
  readonly pool: SessionPool;
  /** Name in the pool's statistics: the manifest id. */
  readonly engine: string;
}

export interface OrtLoadBody {
  readonly path: string;
  readonly options: NativeSessionOptions;
}

export interface OrtRunBody {
  readonly feeds: Readonly<Record<string, TensorData>>;
  readonly fetches?: readonly string[];
}

/**
 * One ONNX model on a thread of its own (one intra-op thread, no spinning, sequential), its runs queued in the pool.
 * For models that answer in one run; engines that loop (decoders) have their own thread modules.
 */
export class OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #thread: EngineThread;
  readonly #pool: SessionPool;
  readonly #engine: string;

  private constructor(thread: EngineThread, options: OrtSessionOptions, names: OrtNames) {
    this.#thread = thread;
    this.#pool = options.pool;
    this.#engine = options.engine;
    this.inputNames = names.inputNames;
    this.outputNames = names.outputNames;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: OrtSessionOptions): Promise<OrtSession> {
    const thread = new EngineThread({
      entry: new URL('./ort-thread.ts', import.meta.url),
      label: options.engine,
    });
    try {
      const body: OrtLoadBody = {
        path: options.path,
        options: {
          ...(options.threads === undefined ? {} : { threads: options.threads }),
          ...(options.optimise === undefined ? {} : { optimise: options.optimise }),
        },
      };
      const { result } = await thread.request<OrtNames>('load', body);
      return new OrtSession(thread, options, result);
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  /**
   * Queues one run. Feeds are copied to the thread and stay usable.
   * @throws LIVEDUB_E_ABORTED, LIVEDUB_E_CHANNEL_OVERFLOW, LIVEDUB_E_CLOSED, LIVEDUB_E_ENGINE_FAILED
   */
  run(
    call: EngineCall,
    feeds: Readonly<Record<string, TensorData>>,
    fetches?: readonly string[],
  ): Promise<Record<string, TensorData>> {
    return this.#pool.run(call, { engine: this.#engine }, (slot) => this.runIn(slot, feeds, fetches));
  }

  /** Like `run`, inside a slot the caller already holds (several runs as one job). */
  async runIn(
    slot: PoolSlot,
    feeds: Readonly<Record<string, TensorData>>,
    fetches?: readonly string[],
  ): Promise<Record<string, TensorData>> {
    const body: OrtRunBody = { feeds, ...(fetches ? { fetches } : {}) };
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

interface OrtNames {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
}
