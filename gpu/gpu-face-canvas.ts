import { LivedubError } from '../pipeline/errors.ts';
import type {
  CanvasOptions,
  FaceCanvas,
  MouthJob,
  PatchId,
  PictureSlot,
  Rect,
} from '../pipeline/face/canvas.ts';
import { CANVAS_REGION, jobRect } from '../pipeline/face/cpu-canvas.ts';
import { type Picture, planeLayout } from '../pipeline/face/picture.ts';
import { isMemoryError, memoryError } from './gpu-budget.ts';
import { GPUBufferUsage, type GpuDevice, type GpuMemory } from './gpu-device.ts';
import type { Bindings } from './kernel.ts';
import { type KernelRunner, type KernelTimer, passRunner } from './kernel-runner.ts';
import { JOB_BYTES, MESH_BYTES, packJob } from './mouth-job.ts';
import { loadMouthKernels, type MouthKernel, type MouthKernels } from './mouth-kernels.ts';
import { MouthSpace, SUM_TILE_PX } from './mouth-space.ts';
import { FORMAT_BYTES, formatWords, wordStretches } from './picture-format.ts';
import { PictureRing } from './rings/picture-ring.ts';
import type { RingReader } from './rings/ring-ledger.ts';
import { type Downloader, downloader, unshared } from './transfer.ts';

export interface GpuFaceCanvasOptions extends CanvasOptions {
  readonly gpu: GpuDevice;
  /** Times each kernel by itself, which takes longer. Default: none is timed. */
  readonly timer?: KernelTimer;
}

/** What went to and from the GPU. */
export interface CanvasTransfers {
  readonly uploads: number;
  readonly uploadedBytes: number;
  readonly readBacks: number;
  readonly readBackBytes: number;
  /** Meshes and settings of mouths. */
  readonly jobs: number;
  readonly jobBytes: number;
}

interface Patch {
  readonly rect: Rect;
  readonly memory: GpuMemory;
}

/** What a mouth's kernels are told; the first mouth of every picture has the same. */
interface Desk {
  readonly job: GpuMemory;
  readonly mesh: GpuMemory;
}

/** As of the canvas on the processor. */
const MIN_MOVE_PX = 0.02;
const MAX_STREAMS = 64;
const GAIN_BYTES = 4 * 9;
/** With room for fewer mouths than this, a face looks worse than one that the processor draws. */
const FEWEST_PATCHES = 16;
const TILE = 16;
const WORDS_PER_GROUP = 64;

const NO_PICTURE = { mediaTimeUs: 0, bytes: new Uint8Array() };

const MESHES = [CANVAS_REGION.base, CANVAS_REGION.patch, CANVAS_REGION.patchSkin] as const;
const TRIANGLES = Uint32Array.from(MESHES.flatMap((mesh) => [...mesh]));
const TRIANGLE_COUNTS = MESHES.map((mesh) => mesh.length / 3) as [number, number, number];
const MOST_TRIANGLES = Math.max(...TRIANGLE_COUNTS);

/**
 * The pixel work of one channel's faces on a GPU: step by step what `CpuFaceCanvas` does, equal to it within the rounding of 32-bit
 * floats, except that a pixel on the border of a triangle may go to its neighbour. Pictures are one upload each, patches stay, and a
 * rendition's picture is one submission and one read-back. Slots are the ring's numbers, so they are best released in order.
 */
export class GpuFaceCanvas implements FaceCanvas {
  readonly on: string;
  readonly #options: Required<Omit<GpuFaceCanvasOptions, 'timer'>>;
  readonly #gpu: GpuDevice;
  readonly #timer: KernelTimer | undefined;
  readonly #kernels: MouthKernels;
  readonly #ring: PictureRing<GPUBuffer>;
  readonly #reader: RingReader;
  readonly #download: Downloader;
  readonly #memory: GpuMemory[] = [];
  readonly #format: GPUBuffer;
  readonly #part: GPUBuffer;
  readonly #triangles: GPUBuffer;
  readonly #gains: GPUBuffer;
  readonly #result: GPUBuffer;
  readonly #noPatch: GPUBuffer;
  readonly #desks: Desk[] = [];
  readonly #held = new Set<PictureSlot>();
  readonly #patches = new Map<PatchId, Patch>();
  /** Where the gain of each stream is kept, the one used last at the end. */
  readonly #gainPlaces = new Map<number, number>();
  readonly #full = new AbortController();
  #space: MouthSpace | undefined;
  #nextPatch = 0;
  #epoch = 0;
  #readBacks = 0;
  #jobs = 0;
  #closed = false;

  private constructor(options: GpuFaceCanvasOptions, kernels: MouthKernels, ring: PictureRing<GPUBuffer>) {
    const { gpu, format } = options;
    this.#options = { maxPictures: 32, maxPatches: 512, ...options };
    this.#gpu = gpu;
    this.#timer = options.timer;
    this.on = gpu.info.description;
    this.#kernels = kernels;
    this.#ring = ring;
    this.#reader = ring.reader();
    const { totalBytes } = planeLayout(format);
    this.#download = downloader(gpu, totalBytes);
    const { UNIFORM, STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    this.#format = this.#allocate(FORMAT_BYTES, UNIFORM | COPY_DST);
    this.#part = this.#allocate(16, UNIFORM | COPY_DST);
    this.#triangles = this.#allocate(4 * TRIANGLES.length, STORAGE | COPY_DST);
    this.#gains = this.#allocate(GAIN_BYTES * MAX_STREAMS, STORAGE);
    this.#result = this.#allocate(totalBytes, STORAGE | COPY_DST | COPY_SRC);
    this.#noPatch = this.#allocate(4, STORAGE);
    const { queue } = gpu.device;
    queue.writeBuffer(this.#format, 0, unshared(formatWords(format)));
    queue.writeBuffer(this.#triangles, 0, unshared(TRIANGLES));
  }

  /** @throws LIVEDUB_E_GPU_MEMORY when pictures of this size do not fit; why the device is gone */
  static async create(options: GpuFaceCanvasOptions): Promise<GpuFaceCanvas> {
    const { gpu, format, maxPictures = 32 } = options;
    const kernels = await loadMouthKernels(gpu);
    const ring = await PictureRing.onGpu({ ...format, slots: maxPictures, gpu });
    let canvas: GpuFaceCanvas | undefined;
    try {
      canvas = new GpuFaceCanvas(options, kernels, ring);
      const fits = await Promise.all(canvas.#memory.map((one) => one.fits));
      gpu.gone.throwIfAborted();
      if (fits.includes(false)) throw memoryError('there is no room for a canvas');
      return canvas;
    } catch (error) {
      canvas?.close();
      ring.close();
      throw error;
    }
  }

  /** Grows when the driver had no memory for a patch: then all are dropped, and the budget is what is in use. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Aborts with LIVEDUB_E_GPU_MEMORY when memory that this canvas cannot do without is not to be had any more: every picture would
   * stay as filmed.
   */
  get full(): AbortSignal {
    return this.#full.signal;
  }

  get transfers(): CanvasTransfers {
    const { uploads, uploadedBytes, readBackBytes, readBacks } = this.#ring.counts;
    return {
      ...{ uploads, uploadedBytes },
      readBacks: readBacks + this.#readBacks,
      readBackBytes: readBackBytes + this.#readBacks * this.#ring.pictureBytes,
      jobs: this.#jobs,
      jobBytes: this.#jobs * (JOB_BYTES + MESH_BYTES),
    };
  }

  load(picture: Picture): PictureSlot {
    const { format, maxPictures } = this.#options;
    if (picture.widthPx !== format.widthPx || picture.heightPx !== format.heightPx) {
      const told = `Pictures are ${format.widthPx} × ${format.heightPx}, not ${picture.widthPx} × ${picture.heightPx}.`;
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', told);
    }
    const slot = this.#ring.tryWrite(picture.bytes, picture.mediaTimeUs);
    if (slot === undefined)
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `No more than ${maxPictures} pictures are held.`);
    this.#held.add(slot);
    return slot;
  }

  release(slot: PictureSlot): void {
    if (!this.#held.delete(slot)) return;
    this.#reader.releaseUntil(this.#held.size === 0 ? this.#ring.next : Math.min(...this.#held));
  }

  keepPatch(slot: PictureSlot, rect: Rect): PatchId | undefined {
    const picture = this.#picture(slot);
    if (this.#patches.size >= this.#options.maxPatches) return undefined;
    const memory = this.#patchMemory(4 * rect.widthPx * rect.heightPx);
    if (memory === undefined) {
      if (this.#patches.size < Math.min(FEWEST_PATCHES, this.#options.maxPatches))
        this.#full.abort(memoryError(`${this.#patches.size} mouths are all that fit`));
      return undefined;
    }
    const { device } = this.#gpu;
    const { x, y, widthPx, heightPx } = rect;
    device.queue.writeBuffer(this.#part, 0, Uint32Array.of(x, y, widthPx, heightPx));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const bound = this.#kernels.keep.bind({ 0: this.#format, 1: picture, 2: this.#part, 4: memory.buffer });
    this.#kernels.keep.run(pass, bound, Math.ceil(widthPx / TILE), Math.ceil(heightPx / TILE));
    pass.end();
    device.queue.submit([encoder.finish()]);
    const id = this.#nextPatch;
    this.#nextPatch += 1;
    this.#patches.set(id, { rect, memory });
    return id;
  }

  dropPatch(id: PatchId): void {
    this.#patches.get(id)?.memory.free();
    this.#patches.delete(id);
  }

  async render(slot: PictureSlot, jobs: readonly MouthJob[]): Promise<Uint8Array> {
    try {
      return await this.#render(slot, jobs);
    } catch (error) {
      if (isMemoryError(error)) this.#full.abort(error);
      throw error;
    }
  }

  async #render(slot: PictureSlot, jobs: readonly MouthJob[]): Promise<Uint8Array> {
    this.#picture(slot);
    const drawn = jobs.flatMap((job) => {
      const rect = jobRect(job, { ...this.#options.format, ...NO_PICTURE });
      return rect === undefined ? [] : [{ job, rect }];
    });
    const pixels = Math.max(1, ...drawn.map(({ rect }) => rect.widthPx * rect.heightPx));
    const desks = drawn.flatMap((_, i) => [this.#desk(i).job, this.#desk(i).mesh]);
    if ((await Promise.all(desks.map(({ fits }) => fits))).includes(false))
      throw memoryError('there is no room for a mouth to draw');
    // A larger mouth may want a larger space meanwhile, of which nobody knows yet whether it is there.
    for (let space: MouthSpace | undefined; space === undefined || space !== this.#space; ) {
      // Lost or closed meanwhile, it takes no more memory.
      this.#picture(slot);
      space = this.#spaceFor(pixels);
      await space.fits();
    }
    const picture = this.#picture(slot);
    const bytes = await this.#download.fetchAfter((encoder) => {
      encoder.copyBufferToBuffer(picture, 0, this.#result, 0, this.#result.size);
      const runner = this.#timer?.runner(encoder) ?? passRunner(encoder);
      for (const [i, { job, rect }] of drawn.entries()) this.#draw(job, rect, picture, this.#desk(i), runner);
      runner.end();
      return this.#result;
    });
    this.#readBacks += 1;
    await this.#timer?.collect();
    return bytes;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.close();
    this.#ring.close();
    this.#download.close();
    this.#space?.free();
    for (const { memory } of this.#patches.values()) memory.free();
    for (const { job, mesh } of this.#desks) for (const one of [job, mesh]) one.free();
    for (const one of this.#memory) one.free();
    this.#patches.clear();
    this.#held.clear();
  }

  #draw(job: MouthJob, rect: Rect, picture: GPUBuffer, desk: Desk, runner: KernelRunner): void {
    const space = this.#space!;
    const patch = job.opacity > 0 ? this.#patches.get(job.patch.id) : undefined;
    const former = patch && job.former ? this.#patches.get(job.former.id) : undefined;
    const gain = this.#gainPlace(job, patch !== undefined);
    const packed = packJob(job, {
      ...{ format: this.#options.format, rect, patch: patch?.rect, former: former?.rect },
      ...{ isFresh: gain.isFresh, gainAt: gain.at, triangles: TRIANGLE_COUNTS, minMovePx: MIN_MOVE_PX },
    });
    this.#gpu.device.queue.writeBuffer(desk.job.buffer, 0, unshared(packed.job));
    this.#gpu.device.queue.writeBuffer(desk.mesh.buffer, 0, unshared(packed.mesh));
    this.#jobs += 1;

    const [columns, rows] = [Math.ceil(rect.widthPx / TILE), Math.ceil(rect.heightPx / TILE)];
    const run = (name: MouthKernel, bindings: Bindings, ...groups: readonly [number, number?]): void => {
      const kernel = this.#kernels[name];
      runner.run(name, kernel, kernel.bind(bindings), ...groups);
    };
    const format = { 0: this.#format };
    const told = { 2: desk.job.buffer };
    const meshed = { ...told, 3: desk.mesh.buffer };
    const ids = { 5: space.triangleIds };
    const triangles = { 6: this.#triangles };
    const kept = { 7: patch?.memory.buffer ?? this.#noPatch, 8: former?.memory.buffer ?? this.#noPatch };
    const rasters = { 9: space.drawn, 10: space.laid };
    const gains = { 11: this.#gains };
    run('film', { ...format, 1: picture, ...told, 4: space.filmed, ...ids }, columns, rows);
    run('number', { ...meshed, ...ids, ...triangles }, MOST_TRIANGLES, 3);
    run('warp', { ...meshed, 4: space.filmed, ...ids, ...triangles, ...kept, ...rasters }, columns, rows);
    if (patch !== undefined) {
      const tiles = [rect.widthPx, rect.heightPx].map((px) => Math.ceil(px / SUM_TILE_PX));
      run('sum', { ...told, ...rasters, 12: space.sums }, tiles[0]!, tiles[1]);
      run('solve', { ...told, ...gains, 12: space.sums }, 1);
    }
    run('finish', { ...meshed, ...rasters, ...gains }, columns, rows);
    const words = wordStretches(this.#options.format, rect).wordsBefore[2];
    run(
      'write',
      { ...format, ...told, 9: space.drawn, 13: this.#result },
      Math.ceil(words / WORDS_PER_GROUP),
    );
  }

  #picture(slot: PictureSlot): GPUBuffer {
    this.#gpu.gone.throwIfAborted();
    if (this.#held.has(slot)) return this.#ring.place(slot);
    throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `Picture ${slot} is not held any more.`);
  }

  #patchMemory(bytes: number): GpuMemory | undefined {
    try {
      const memory = this.#gpu.memory({ label: 'A patch', bytes, usage: GPUBufferUsage.STORAGE });
      void memory.fits.then((fits) => {
        if (!fits) this.#loseThePatches();
      });
      return memory;
    } catch (error) {
      if (isMemoryError(error)) return undefined;
      throw error;
    }
  }

  #loseThePatches(): void {
    this.#epoch += 1;
    for (const { memory } of this.#patches.values()) memory.free();
    this.#patches.clear();
  }

  #spaceFor(pixels: number): MouthSpace {
    if (this.#space === undefined || this.#space.pixels < pixels) {
      const before = this.#space;
      this.#space = undefined;
      before?.free();
      this.#space = new MouthSpace(this.#gpu, pixels);
    }
    return this.#space;
  }

  #desk(index: number): Desk {
    const { UNIFORM, STORAGE, COPY_DST } = GPUBufferUsage;
    const allocate = (bytes: number, usage: number) =>
      this.#gpu.memory({ label: 'A mouth to draw', bytes, usage });
    this.#desks[index] ??= {
      job: allocate(JOB_BYTES, UNIFORM | COPY_DST),
      mesh: allocate(MESH_BYTES, STORAGE | COPY_DST),
    };
    return this.#desks[index];
  }

  /** Where a stream's gain is; of more streams than there are places, the one used longest ago is forgotten. */
  #gainPlace({ stream, fresh }: MouthJob, isUsed: boolean): { at: number; isFresh: boolean } {
    const places = this.#gainPlaces;
    let at = places.get(stream);
    if (!isUsed) return { at: at ?? 0, isFresh: true };
    const isFresh = fresh || at === undefined;
    if (at === undefined) {
      at = places.size;
      if (at >= MAX_STREAMS) {
        const [oldest, place] = places.entries().next().value!;
        places.delete(oldest);
        at = place;
      }
    }
    places.delete(stream);
    places.set(stream, at);
    return { at, isFresh };
  }

  #allocate(bytes: number, usage: number): GPUBuffer {
    const memory = this.#gpu.memory({ label: 'A canvas', bytes, usage });
    this.#memory.push(memory);
    return memory.buffer;
  }
}
