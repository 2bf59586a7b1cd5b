import { LivedubError } from '../../pipeline/errors.ts';
import { type GpuBudget, memoryError } from '../gpu-budget.ts';
import { GPUBufferUsage, type GpuDevice } from '../gpu-device.ts';
import { downloader, unshared } from '../transfer.ts';
import { type RingCounts, RingLedger, type RingPolicy, type RingReader } from './ring-ledger.ts';

export interface FeatureRingOptions {
  /** Numbers in a row, e.g. mel bands. */
  readonly columns: number;
  /** Rows kept. */
  readonly rows: number;
  /** Rows that may be asked for at a time. Default: all. */
  readonly windowRows?: number;
  /** Default `block`. */
  readonly policy?: RingPolicy;
}

/** Rows one after the other. Kernels bind the whole buffer and count from `offsetBytes`, which need not suit a binding. */
export interface GpuRows {
  readonly buffer: GPUBuffer;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/**
 * The newest rows of features of a sound, 32-bit floats: one writer, any number of readers, each row known by its number, which only
 * ever grows. Rows are kept twice where a window could begin before the ring's end and end after it, so every window lies in one
 * piece. `Place` is where it lies.
 */
export class FeatureRing<Place> {
  readonly columns: number;
  readonly windowRows: number;
  readonly #ledger: RingLedger;
  readonly #store: RowStore<Place>;
  #uploads = 0;
  #uploadedBytes = 0;
  #readBacks = 0;
  #readBackBytes = 0;

  private constructor(options: FeatureRingOptions, store: RowStore<Place>) {
    const { rows, columns, policy = 'block' } = options;
    this.columns = columns;
    this.windowRows = windowRows(options);
    this.#ledger = new RingLedger({ slots: rows, policy, name: 'ring of features' });
    this.#store = store;
  }

  /** @throws LIVEDUB_E_GPU_MEMORY beyond `budget`, where one is given */
  static onHost(options: FeatureRingOptions & { readonly budget?: GpuBudget }): FeatureRing<Float32Array> {
    const { columns } = options;
    const numbers = (options.rows + windowRows(options)) * columns;
    const giveBack = options.budget?.reserve(4 * numbers, 'A ring of features');
    const memory = new Float32Array(numbers);
    const place = (row: number, count: number) => memory.subarray(row * columns, (row + count) * columns);
    return new FeatureRing<Float32Array>(options, {
      put: (row, values) => memory.set(values, row * columns),
      place,
      fetch: async (row, count) => place(row, count).slice(),
      close: () => giveBack?.(),
    });
  }

  /** @throws LIVEDUB_E_GPU_MEMORY beyond the device's budget or what it has; why the device is gone */
  static async onGpu(
    options: FeatureRingOptions & { readonly gpu: GpuDevice },
  ): Promise<FeatureRing<GpuRows>> {
    const { gpu, columns } = options;
    const rowBytes = 4 * columns;
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const bytes = (options.rows + windowRows(options)) * rowBytes;
    const usage = STORAGE | COPY_SRC | COPY_DST;
    const memory = gpu.memory({ label: 'A ring of features', bytes, usage });
    if (!(await memory.fits)) {
      gpu.gone.throwIfAborted();
      throw memoryError(`${bytes} bytes of features do not fit`);
    }
    const window = gpu.memory({
      label: 'A window of features',
      bytes: windowRows(options) * rowBytes,
      usage,
    });
    const download = downloader(gpu, windowRows(options) * rowBytes);
    return new FeatureRing<GpuRows>(options, {
      put(row, values) {
        gpu.gone.throwIfAborted();
        gpu.device.queue.writeBuffer(memory.buffer, row * rowBytes, unshared(values));
      },
      place: (row, count) => ({
        buffer: memory.buffer,
        offsetBytes: row * rowBytes,
        sizeBytes: count * rowBytes,
      }),
      async fetch(row, count) {
        const sizeBytes = count * rowBytes;
        const made = await download.fetchAfter((encoder) => {
          encoder.copyBufferToBuffer(memory.buffer, row * rowBytes, window.buffer, 0, sizeBytes);
          return window.buffer;
        });
        return new Float32Array(made.buffer, 0, count * columns).slice();
      },
      close() {
        download.close();
        window.free();
        memory.free();
      },
    });
  }

  get rows(): number {
    return this.#ledger.slots;
  }

  /** Number that the next row will have. */
  get next(): number {
    return this.#ledger.next;
  }

  get oldest(): number {
    return this.#ledger.oldest;
  }

  get counts(): RingCounts {
    return {
      uploads: this.#uploads,
      uploadedBytes: this.#uploadedBytes,
      readBacks: this.#readBacks,
      readBackBytes: this.#readBackBytes,
      dropped: this.#ledger.dropped,
    };
  }

  /**
   * Writes rows, once there is room for all of them.
   * @param values rows × columns
   * @returns the first row's number
   * @throws LIVEDUB_E_BAD_REQUEST for half a row or more than the ring holds, LIVEDUB_E_CLOSED, what the signal says; why the device
   *   is gone
   */
  async write(values: Float32Array, signal: AbortSignal): Promise<number> {
    await this.#ledger.room(this.#rowsOf(values), signal);
    return this.tryWrite(values)!;
  }

  /** As `write`, at once; undefined when it would have to wait. */
  tryWrite(values: Float32Array): number | undefined {
    const count = this.#rowsOf(values);
    if (!this.#ledger.hasRoom(count)) return undefined;
    for (let done = 0; done < count; ) {
      const row = (this.#ledger.next + done) % this.rows;
      const part = Math.min(count - done, this.rows - row);
      this.#put(row, values.subarray(done * this.columns, (done + part) * this.columns));
      const twice = Math.min(part, this.windowRows - row);
      if (twice > 0) {
        const again = values.subarray(done * this.columns, (done + twice) * this.columns);
        this.#put(row + this.rows, again);
      }
      done += part;
    }
    return this.#ledger.wrote(count);
  }

  /**
   * Where `count` rows lie, without a copy; as `PictureRing.place`.
   * @throws LIVEDUB_E_RING_LAPPED, LIVEDUB_E_BAD_REQUEST for rows that were not written yet or too many, LIVEDUB_E_CLOSED
   */
  place(first: number, count: number): Place {
    this.#require(first, count);
    return this.#store.place(first % this.rows, count);
  }

  /** A copy for the processor, count × columns. @throws as `place`; why the device is gone */
  mirror(first: number, count: number): Promise<Float32Array> {
    this.#require(first, count);
    this.#readBacks += 1;
    this.#readBackBytes += 4 * count * this.columns;
    return this.#store.fetch(first % this.rows, count);
  }

  /** @param from number of the first row it needs. Default: the next one written. */
  reader(from?: number): RingReader {
    return this.#ledger.reader(from);
  }

  /** Idempotent. */
  close(): void {
    if (this.#ledger.closed) return;
    this.#ledger.close();
    this.#store.close();
  }

  #put(row: number, values: Float32Array): void {
    this.#store.put(row, values);
    this.#uploads += 1;
    this.#uploadedBytes += values.byteLength;
  }

  #rowsOf(values: Float32Array): number {
    if (values.length % this.columns === 0) return values.length / this.columns;
    throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `Rows of this ring have ${this.columns} columns.`);
  }

  #require(first: number, count: number): void {
    this.#ledger.require(first, count);
    if (count <= this.windowRows) return;
    throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `At most ${this.windowRows} rows lie in one piece.`);
  }
}

interface RowStore<Place> {
  put(row: number, values: Float32Array): void;
  place(row: number, count: number): Place;
  fetch(row: number, count: number): Promise<Float32Array>;
  close(): void;
}

function windowRows({ rows, windowRows = rows }: FeatureRingOptions): number {
  return Math.min(windowRows, rows);
}
