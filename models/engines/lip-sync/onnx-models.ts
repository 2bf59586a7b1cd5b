import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../../../pipeline/cache-paths.ts';
import { LivedubError, toLivedubError } from '../../../pipeline/errors.ts';
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
  /** After a run failed, models are loaded anew no sooner than this, ms. Default 2000. */
  readonly reloadMs?: number;
}

/** Not beside this module: inside the bundle of another thread that is somewhere else. */
const ENTRY = pathToFileURL(join(repositoryRoot, 'models', 'engines', 'lip-sync', 'lip-sync-thread.ts'));
/** Failures in a row after which the GPU is given up for the processor. */
const GPU_CHANCES = 2;

/**
 * The models of one engine, together on a thread of their own. When a run fails (the GPU was lost, memory was short) they are loaded
 * anew, on the processor once the GPU failed several times.
 */
export class OnnxModels {
  readonly engine: string;
  readonly #o: Required<OnnxModelsOptions>;
  readonly #signatures: Readonly<Record<string, ModelSignature>>;
  #thread: EngineThread;
  #failures = 0;
  #failedMs = 0;
  #reloading: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    options: Required<OnnxModelsOptions>,
    loaded: { thread: EngineThread; signatures: Readonly<Record<string, ModelSignature>> },
  ) {
    this.engine = options.engine;
    this.#o = options;
    this.#thread = loaded.thread;
    this.#signatures = loaded.signatures;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: OnnxModelsOptions): Promise<OnnxModels> {
    const all = { threads: 1, gpu: false, reloadMs: 2_000, ...options };
    return new OnnxModels(all, await start(all, all.gpu));
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

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#thread.close();
    return this.#closing;
  }

  async #runOnce(
    slot: PoolSlot,
    model: string,
    feeds: Readonly<Record<string, Feed>>,
  ): Promise<Float32Array[]> {
    const body: RunBody = { model, feeds };
    if (this.#failures > 0 && performance.now() - this.#failedMs >= this.#o.reloadMs) await this.#reload();
    try {
      const answer = await this.#thread.request<Float32Array[]>('run', body, { signal: slot.signal });
      slot.addComputeMs(answer.computeMs);
      this.#failures = 0;
      return answer.result;
    } catch (thrown) {
      const error = toLivedubError(thrown, 'LIVEDUB_E_ENGINE_FAILED');
      if (error.code !== 'LIVEDUB_E_ABORTED' && this.#closing === undefined) {
        this.#failures++;
        this.#failedMs = performance.now();
      }
      throw error;
    }
  }

  #reload(): Promise<void> {
    this.#reloading ??= (async () => {
      await this.#thread.close();
      const loaded = await start(this.#o, this.#o.gpu && this.#failures < GPU_CHANCES);
      if (this.#closing) await loaded.thread.close();
      this.#thread = loaded.thread;
    })().finally(() => {
      this.#reloading = undefined;
      this.#failedMs = performance.now();
    });
    return this.#reloading;
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

async function start(
  { engine, paths, threads }: Required<OnnxModelsOptions>,
  gpu: boolean,
): Promise<{ thread: EngineThread; signatures: Readonly<Record<string, ModelSignature>> }> {
  const thread = new EngineThread({
    entry: ENTRY,
    label: engine,
  });
  try {
    const body: LoadBody = { paths, threads, gpu };
    const { result } = await thread.request<Record<string, ModelSignature>>('load', body);
    return { thread, signatures: result };
  } catch (error) {
    await thread.close();
    throw error;
  }
}
