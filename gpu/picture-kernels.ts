import type { CropMask, CropPlace } from '../pipeline/face/affine-paste.ts';
import type { Rect } from '../pipeline/face/canvas.ts';
import { type PictureFormat, planeLayout } from '../pipeline/face/picture.ts';
import { GPUBufferUsage, type GpuDevice, type GpuMemory } from './gpu-device.ts';
import { type Bindings, Kernel } from './kernel.ts';
import { FORMAT_BYTES, formatWords, wordStretches } from './picture-format.ts';
import type { GpuRows } from './rings/feature-ring.ts';
import { unshared } from './transfer.ts';

const KERNELS = {
  toRgb: { name: 'to-rgb', uses: ['picture'] },
  fromRgb: { name: 'from-rgb', uses: ['picture'] },
  cut: { name: 'affine-crop', uses: ['picture'] },
  paste: { name: 'affine-paste', uses: ['picture'] },
  smooth: { name: 'smooth-landmarks', uses: [] },
} as const;

type Name = keyof typeof KERNELS;

/** As `pasteCrop`: less changes no byte. */
const LEAST_ALPHA = 1 / 512;
/** As `cutCrop`: samples across one pixel of a crop, at most. */
const MOST_TAPS = 4;
const SETTINGS_BYTES = 96;

/**
 * What stages on a GPU do to pictures of one format, between rings or into the stage's own memory: each call is submitted at once and
 * comes after those before it, and nothing leaves the GPU.
 */
export class PictureKernels {
  readonly #gpu: GpuDevice;
  readonly #pictureFormat: PictureFormat;
  readonly #kernels: Readonly<Record<Name, Kernel>>;
  readonly #format: GpuMemory;
  readonly #settings: GpuMemory;

  private constructor(gpu: GpuDevice, format: PictureFormat, kernels: Readonly<Record<Name, Kernel>>) {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    this.#gpu = gpu;
    this.#pictureFormat = format;
    this.#kernels = kernels;
    this.#format = gpu.memory({ label: 'A format', bytes: FORMAT_BYTES, usage });
    this.#settings = gpu.memory({ label: 'Settings', bytes: SETTINGS_BYTES, usage });
    gpu.device.queue.writeBuffer(this.#format.buffer, 0, unshared(formatWords(format)));
  }

  /** @throws LIVEDUB_E_GPU_MEMORY, why the device is gone */
  static async create(options: {
    readonly gpu: GpuDevice;
    readonly format: PictureFormat;
  }): Promise<PictureKernels> {
    const { gpu, format } = options;
    const names = Object.keys(KERNELS) as Name[];
    const loaded = await Promise.all(
      names.map(async (name) => [name, await Kernel.load({ gpu, ...KERNELS[name] })] as const),
    );
    return new PictureKernels(gpu, format, Object.fromEntries(loaded) as Record<Name, Kernel>);
  }

  /**
   * A part of a picture as colours, as `toRgb` does on the processor.
   * @param rgba four bytes a pixel of the part
   */
  toRgba(picture: GPUBuffer, part: Rect, rgba: GPUBuffer): void {
    this.#set(Uint32Array.of(part.x, part.y, part.widthPx, part.heightPx));
    this.#run('toRgb', { 1: picture, 4: rgba }, Math.ceil(part.widthPx / 16), Math.ceil(part.heightPx / 16));
  }

  /** A picture of colours, four bytes a pixel, as planes; as `fromRgb` where all was touched. */
  fromRgba(rgba: GPUBuffer, picture: GPUBuffer): void {
    const words = Math.ceil(planeLayout(this.#pictureFormat).totalBytes / 4);
    this.#run('fromRgb', { 4: rgba, 5: picture }, Math.ceil(words / 64));
  }

  /**
   * Cuts a crop out, as `cutCrop`.
   * @param cut [3][sizePx][sizePx] 32-bit floats, red, green, blue, 0…1
   */
  cutCrop(picture: GPUBuffer, place: CropPlace, cut: GPUBuffer): void {
    const { sizePx, xu, xv, x0, yu, yv, y0 } = place;
    const step = Math.max(Math.hypot(xu, yu), Math.hypot(xv, yv));
    const bytes = new ArrayBuffer(32);
    new Uint32Array(bytes).set([sizePx, Math.min(MOST_TAPS, Math.max(1, Math.round(step)))]);
    new Float32Array(bytes).set([xu, xv, x0, yu, yv, y0], 2);
    this.#set(new Uint8Array(bytes));
    const groups = Math.ceil(sizePx / 8);
    this.#run('cut', { 1: picture, 3: cut }, groups, groups);
  }

  /**
   * Blends a crop into a picture, as `pasteCrop`.
   * @param job.rect what of the picture the crop may cover
   * @param job.mask its alpha lies in `maskAlpha`
   * @param result a copy of the picture, which is changed in place
   */
  pasteCrop(
    picture: GPUBuffer,
    job: {
      readonly place: CropPlace;
      readonly rgb: GPUBuffer;
      readonly mask: Pick<CropMask, 'sizePx'>;
      readonly maskAlpha: GPUBuffer;
      readonly opacity: number;
      readonly rect: Rect;
    },
    result: GPUBuffer,
  ): void {
    const { place, rect } = job;
    const { firstWords, wordsBefore } = wordStretches(this.#pictureFormat, rect);
    const bytes = new ArrayBuffer(SETTINGS_BYTES);
    const [words, numbers] = [new Uint32Array(bytes), new Float32Array(bytes)];
    words.set([place.sizePx, job.mask.sizePx]);
    numbers.set([job.opacity, LEAST_ALPHA], 2);
    numbers.set([place.xu, place.xv, place.x0, place.yu, place.yv, place.y0], 4);
    words.set([rect.x, rect.y, rect.x + rect.widthPx, rect.y + rect.heightPx], 12);
    words.set(firstWords, 16);
    words.set(wordsBefore, 20);
    this.#set(new Uint8Array(bytes));
    const bindings = { 1: picture, 3: job.rgb, 4: job.maskAlpha, 5: result };
    this.#run('paste', bindings, Math.ceil(wordsBefore[2] / 64));
  }

  /**
   * Points of a face freed of tremor, as `smoothedLandmarks`.
   * @param rows x, y, z of every point, a row for each picture of the window
   * @param weights what each row weighs by its distance in time
   * @param smooth points × (x, y, z)
   */
  smoothLandmarks(
    rows: GpuRows,
    window: { readonly points: number; readonly rows: number; readonly centre: number },
    weights: GPUBuffer,
    smooth: GPUBuffer,
  ): void {
    this.#set(Uint32Array.of(rows.offsetBytes / 4, window.rows, window.centre, window.points));
    const bindings = { 3: rows.buffer, 4: weights, 5: smooth };
    this.#run('smooth', bindings, Math.ceil(window.points / 64));
  }

  close(): void {
    this.#format.free();
    this.#settings.free();
  }

  #set(settings: Uint8Array | Uint32Array): void {
    this.#gpu.gone.throwIfAborted();
    this.#gpu.device.queue.writeBuffer(this.#settings.buffer, 0, unshared(settings));
  }

  #run(name: Name, bindings: Bindings, columns: number, rows = 1): void {
    this.#gpu.gone.throwIfAborted();
    const kernel = this.#kernels[name];
    const given: Bindings = {
      ...(name === 'smooth' ? {} : { 0: this.#format.buffer }),
      ...(name === 'fromRgb' ? {} : { 2: this.#settings.buffer }),
      ...bindings,
    };
    const encoder = this.#gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    kernel.run(pass, kernel.bind(given), columns, rows);
    pass.end();
    this.#gpu.device.queue.submit([encoder.finish()]);
  }
}
