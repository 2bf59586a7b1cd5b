import { LivedubError } from '../../pipeline/errors.ts';
import { type GpuBudget, memoryError } from '../gpu-budget.ts';
import { GPUBufferUsage, type GpuDevice, type GpuMemory } from '../gpu-device.ts';
import { downloader, uploadBytes } from '../transfer.ts';
import { type RingCounts, RingLedger, type RingPolicy, type RingReader } from './ring-ledger.ts';

/** How a slot's bytes lie: planes one after the other without padding, chroma of odd sizes rounded up. */
export type PictureLayout = 'i420' | 'nv12' | 'rgba';

export interface PictureRingOptions {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Default `i420`. */
  readonly layout?: PictureLayout;
  readonly slots: number;
  /** Default `block`. */
  readonly policy?: RingPolicy;
}

/**
 * The newest pictures of a stream: one writer, any number of readers, each picture known by its number, which only ever grows.
 * `Place` is where a picture lies: memory of the GPU, or of the processor.
 */
export class PictureRing<Place> {
  readonly layout: PictureLayout;
  readonly pictureBytes: number;
  readonly #ledger: RingLedger;
  readonly #store: PictureStore<Place>;
  readonly #mediaTimesUs: number[];
  #uploads = 0;
  #readBacks = 0;

  private constructor(options: PictureRingOptions, store: PictureStore<Place>) {
    const { slots, policy = 'block', layout = 'i420' } = options;
    this.layout = layout;
    this.pictureBytes = pictureBytes(options);
    this.#ledger = new RingLedger({ slots, policy, name: 'ring of pictures' });
    this.#store = store;
    this.#mediaTimesUs = new Array<number>(slots).fill(0);
  }

  /** @throws LIVEDUB_E_GPU_MEMORY beyond `budget`, where one is given */
  static onHost(options: PictureRingOptions & { readonly budget?: GpuBudget }): PictureRing<Uint8Array> {
    const bytes = pictureBytes(options);
    const giveBack = options.budget?.reserve(bytes * options.slots, 'A ring of pictures');
    const memory = Array.from({ length: options.slots }, () => new Uint8Array(bytes));
    return new PictureRing<Uint8Array>(options, {
      put: (slot, picture) => memory[slot]!.set(picture),
      place: (slot) => memory[slot]!,
      fetch: async (slot) => memory[slot]!.slice(),
      close: () => giveBack?.(),
    });
  }

  /** @throws LIVEDUB_E_GPU_MEMORY beyond the device's budget or what it has; why the device is gone */
  static async onGpu(
    options: PictureRingOptions & { readonly gpu: GpuDevice },
  ): Promise<PictureRing<GPUBuffer>> {
    const { gpu, slots } = options;
    const bytes = pictureBytes(options);
    const memory: GpuMemory[] = [];
    try {
      const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
      for (let slot = 0; slot < slots; slot += 1)
        memory.push(gpu.memory({ label: 'A ring of pictures', bytes, usage: STORAGE | COPY_SRC | COPY_DST }));
      const fits = await Promise.all(memory.map((one) => one.fits));
      gpu.gone.throwIfAborted();
      if (fits.includes(false)) throw memoryError(`${slots} pictures of ${bytes} bytes do not fit`);
    } catch (error) {
      for (const one of memory) one.free();
      throw error;
    }
    const download = downloader(gpu, bytes);
    return new PictureRing<GPUBuffer>(options, {
      put: (slot, picture) => uploadBytes(gpu, memory[slot]!.buffer, picture),
      place: (slot) => memory[slot]!.buffer,
      fetch: (slot) => download.fetch(memory[slot]!.buffer),
      close() {
        download.close();
        for (const one of memory) one.free();
      },
    });
  }

  get slots(): number {
    return this.#ledger.slots;
  }

  get policy(): RingPolicy {
    return this.#ledger.policy;
  }

  /** Number that the next picture will have. */
  get next(): number {
    return this.#ledger.next;
  }

  get oldest(): number {
    return this.#ledger.oldest;
  }

  get counts(): RingCounts {
    return {
      uploads: this.#uploads,
      uploadedBytes: this.#uploads * this.pictureBytes,
      readBacks: this.#readBacks,
      readBackBytes: this.#readBacks * this.pictureBytes,
      dropped: this.#ledger.dropped,
    };
  }

  /**
   * Writes a picture, once there is room.
   * @returns its number
   * @throws LIVEDUB_E_BAD_REQUEST for another size, LIVEDUB_E_CLOSED, what the signal says; why the device is gone
   */
  async write(picture: Uint8Array, mediaTimeUs: number, signal: AbortSignal): Promise<number> {
    await this.#ledger.room(1, signal);
    return this.tryWrite(picture, mediaTimeUs)!;
  }

  /** As `write`, at once; undefined when it would have to wait. */
  tryWrite(picture: Uint8Array, mediaTimeUs: number): number | undefined {
    if (picture.byteLength !== this.pictureBytes) {
      const told = `Pictures of this ring have ${this.pictureBytes} bytes, not ${picture.byteLength}.`;
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', told);
    }
    if (!this.#ledger.hasRoom(1)) return undefined;
    this.#store.put(this.#ledger.next % this.slots, picture);
    this.#uploads += 1;
    return this.#wrote(mediaTimeUs);
  }

  /** As `tryWrite`, by who writes where the picture is to lie, such as a kernel: nothing is uploaded. */
  tryFill(fill: (place: Place) => void, mediaTimeUs: number): number | undefined {
    if (!this.#ledger.hasRoom(1)) return undefined;
    fill(this.#store.place(this.#ledger.next % this.slots));
    return this.#wrote(mediaTimeUs);
  }

  /** @throws as `place` */
  mediaTimeUs(sequence: number): number {
    this.#ledger.require(sequence);
    return this.#mediaTimesUs[sequence % this.slots]!;
  }

  /**
   * Where a picture lies, without a copy. On the GPU, commands that are submitted before the next await read this picture whatever
   * is written later; on the processor it can be written over by the next `write`.
   * @throws LIVEDUB_E_RING_LAPPED, LIVEDUB_E_BAD_REQUEST for one that was not written yet, LIVEDUB_E_CLOSED
   */
  place(sequence: number): Place {
    this.#ledger.require(sequence);
    return this.#store.place(sequence % this.slots);
  }

  /** A copy for the processor. @throws as `place`; why the device is gone */
  mirror(sequence: number): Promise<Uint8Array> {
    this.#ledger.require(sequence);
    this.#readBacks += 1;
    return this.#store.fetch(sequence % this.slots);
  }

  /** @param from number of the first picture it needs. Default: the next one written. */
  reader(from?: number): RingReader {
    return this.#ledger.reader(from);
  }

  /** Idempotent. */
  close(): void {
    if (this.#ledger.closed) return;
    this.#ledger.close();
    this.#store.close();
  }

  #wrote(mediaTimeUs: number): number {
    const sequence = this.#ledger.wrote(1);
    this.#mediaTimesUs[sequence % this.slots] = mediaTimeUs;
    return sequence;
  }
}

interface PictureStore<Place> {
  put(slot: number, picture: Uint8Array): void;
  place(slot: number): Place;
  fetch(slot: number): Promise<Uint8Array>;
  close(): void;
}

function pictureBytes({ widthPx, heightPx, layout = 'i420' }: PictureRingOptions): number {
  if (layout === 'rgba') return 4 * widthPx * heightPx;
  return widthPx * heightPx + 2 * Math.ceil(widthPx / 2) * Math.ceil(heightPx / 2);
}
