import { LivedubError } from '../../../pipeline/errors.ts';
import { EngineThread } from '../../engine-thread.ts';
import type { PoolSlot } from '../../session-pool.ts';

export interface TensorSignature {
  readonly name: string;
  readonly type: string;
  /** A name leaves a dimension to the caller. */
  readonly dims: readonly (number | string)[];
}

export interface ModelSignature {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
}

export interface LoadBody {
  readonly paths: Readonly<Record<string, string>>;
  readonly threads: number;
  readonly gpu: boolean;
}

/** Floats, whatever the model takes: the thread converts. */
export interface Feed {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export interface RunBody {
  readonly model: string;
  readonly feeds: Readonly<Record<string, Feed>>;
}

export interface OnnxModelsOptions {
  /** Verified files by the name `run` knows them by. */
  readonly paths: Readonly<Record<string, string>>;
  /** Manifest id. */
  readonly engine: string;
  /** Threads inside one operator. Default 1. */
  readonly threads?: number;
  /** Computes on the GPU. Default false. */
  readonly gpu?: boolean;
}

/** The models of one engine, together on a thread of their own. */
export class OnnxModels {
  readonly engine: string;
  readonly #thread: EngineThread;
  readonly #signatures: Readonly<Record<string, ModelSignature>>;

  private constructor(
    thread: EngineThread,
    engine: string,
    signatures: Readonly<Record<string, ModelSignature>>,
  ) {
    this.#thread = thread;
    this.engine = engine;
    this.#signatures = signatures;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: OnnxModelsOptions): Promise<OnnxModels> {
    const { engine, paths, threads = 1, gpu = false } = options;
    const thread = new EngineThread({
      entry: new URL('./lip-sync-thread.ts', import.meta.url),
      label: engine,
    });
    try {
      const body: LoadBody = { paths, threads, gpu };
      const { result } = await thread.request<Record<string, ModelSignature>>('load', body);
      return new OnnxModels(thread, engine, result);
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  signature(model: string): ModelSignature {
    return this.#signatures[model]!;
  }

  /**
   * The input of a model that fits.
   * @throws LIVEDUB_E_MODEL_CORRUPT when there is none
   */
  input(model: string, what: string, fits: (tensor: TensorSignature) => boolean): TensorSignature {
    const found = this.signature(model).inputs.find(fits);
    if (found !== undefined) return found;
    throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${this.engine}: ${model} has no input for ${what}.`);
  }

  /**
   * Runs a model on rows that are independent of one another. One whose batch is fixed runs as often as it takes.
   * @param feeds first dimension `rows` each
   * @returns all outputs in the model's order, first dimension `rows` each
   * @throws LIVEDUB_E_ABORTED, LIVEDUB_E_CLOSED, LIVEDUB_E_ENGINE_FAILED
   */
  async run(
    slot: PoolSlot,
    model: string,
    rows: number,
    feeds: Readonly<Record<string, Feed>>,
  ): Promise<Float32Array[]> {
    const fixed = this.#fixedBatch(model, feeds);
    if (fixed === undefined || fixed === rows) return this.#runOnce(slot, model, feeds);
    const outputs: Float32Array[] = [];
    for (let row = 0; row < rows; row += fixed) {
      const taken = Math.min(fixed, rows - row);
      const part = Object.fromEntries(
        Object.entries(feeds).map(([name, feed]) => [name, rowsOf(feed, row, taken, fixed)]),
      );
      const results = await this.#runOnce(slot, model, part);
      for (const [i, result] of results.entries()) {
        const length = result.length / fixed;
        outputs[i] ??= new Float32Array(length * rows);
        outputs[i].set(result.subarray(0, length * taken), length * row);
      }
    }
    return outputs;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  async #runOnce(
    slot: PoolSlot,
    model: string,
    feeds: Readonly<Record<string, Feed>>,
  ): Promise<Float32Array[]> {
    const body: RunBody = { model, feeds };
    const answer = await this.#thread.request<Float32Array[]>('run', body, { signal: slot.signal });
    slot.addComputeMs(answer.computeMs);
    return answer.result;
  }

  #fixedBatch(model: string, feeds: Readonly<Record<string, Feed>>): number | undefined {
    for (const { name, dims } of this.signature(model).inputs) {
      const [first] = dims;
      // A vector is no batch: a time step is the same for all rows.
      if (name in feeds && dims.length > 1 && typeof first === 'number' && first > 0) return first;
    }
    return undefined;
  }
}

/** Some rows of a tensor, filled up with empty ones. Vectors are the same for all rows. */
function rowsOf(feed: Feed, row: number, count: number, fixed: number): Feed {
  if (feed.dims.length < 2) return feed;
  const length = feed.data.length / feed.dims[0]!;
  const data = new Float32Array(length * fixed);
  data.set(feed.data.subarray(row * length, (row + count) * length));
  return { dims: [fixed, ...feed.dims.slice(1)], data };
}
