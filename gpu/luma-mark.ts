import { LivedubError } from '../pipeline/errors.ts';
import {
  ACTIVITY_MAX,
  ACTIVITY_MIN,
  ACTIVITY_SD,
  BRIGHTNESS_FULL,
  BRIGHTNESS_GAIN,
  BRIGHTNESS_MIN,
  type LumaPlane,
} from '../pipeline/mark/video/luma-mark.ts';
import type { VideoMarkPattern } from '../pipeline/mark/video/video-pattern.ts';
import { GPUBufferUsage, GPUMapMode, type GpuDevice } from './gpu-device.ts';
import { kernelSource } from './kernel.ts';

/** Pixels that a workgroup marks. */
const TILE_COLUMNS = 64;
const TILE_ROWS = 16;

export interface GpuLumaMarkerOptions {
  readonly gpu: GpuDevice;
  readonly width: number;
  readonly height: number;
}

/**
 * Marks planes of luma of one size on a GPU, as `LumaMarker` does on the processor: equal but for pixels whose value lies between
 * two steps of brightness to within the rounding of 32-bit floats. One way up and one way back for every plane.
 */
export class GpuLumaMarker {
  readonly #options: GpuLumaMarkerOptions;
  readonly #pipeline: GPUComputePipeline;
  readonly #wordsPerRow: number;
  readonly #settings: GPUBuffer;
  readonly #before: GPUBuffer;
  readonly #pattern: GPUBuffer;
  readonly #after: GPUBuffer;
  readonly #result: GPUBuffer;
  readonly #bindings: GPUBindGroup;
  /** Rows that do not lie as the GPU wants them are put together here. */
  readonly #rows: Uint8Array;
  #patternThere: VideoMarkPattern | undefined;
  #strengthThere: number | undefined;
  #busy = false;

  private constructor(options: GpuLumaMarkerOptions, pipeline: GPUComputePipeline) {
    const { gpu, width, height } = options;
    const { device } = gpu;
    this.#options = options;
    this.#pipeline = pipeline;
    this.#wordsPerRow = Math.ceil(width / 4);
    const planeBytes = 4 * this.#wordsPerRow * height;
    this.#rows = new Uint8Array(planeBytes);
    const { COPY_DST, COPY_SRC, MAP_READ, STORAGE, UNIFORM } = GPUBufferUsage;
    const buffer = (size: number, usage: number) => device.createBuffer({ size, usage });
    this.#settings = buffer(16, UNIFORM | COPY_DST);
    this.#before = buffer(planeBytes, STORAGE | COPY_DST);
    this.#pattern = buffer(4 * width * height, STORAGE | COPY_DST);
    this.#after = buffer(planeBytes, STORAGE | COPY_SRC);
    this.#result = buffer(planeBytes, MAP_READ | COPY_DST);
    this.#bindings = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [this.#settings, this.#before, this.#pattern, this.#after].map((resource, binding) => ({
        binding,
        resource: { buffer: resource },
      })),
    });
  }

  /** @throws LIVEDUB_E_INTERNAL, or why the device is gone */
  static async create(options: GpuLumaMarkerOptions): Promise<GpuLumaMarker> {
    const pipeline = await options.gpu.pipeline({
      label: 'luma-mark',
      wgsl: kernelSource('luma-mark'),
      constants: {
        ...{ ACTIVITY_MIN, ACTIVITY_MAX, ACTIVITY_SD },
        ...{ BRIGHTNESS_MIN, BRIGHTNESS_GAIN, BRIGHTNESS_FULL },
      },
    });
    return new GpuLumaMarker(options, pipeline);
  }

  /**
   * Marks a plane in place. One at a time: wait for it.
   * @throws LIVEDUB_E_BAD_REQUEST for another size; why the device is gone, and then the plane is as it was
   */
  async mark(plane: LumaPlane, pattern: VideoMarkPattern, strength: number): Promise<void> {
    const { gpu, width, height } = this.#options;
    gpu.gone.throwIfAborted();
    if (plane.width !== width || plane.height !== height || this.#busy) {
      const told = this.#busy
        ? 'one at a time'
        : `${width} × ${height}, not ${plane.width} × ${plane.height}`;
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `Planes are marked ${told}.`);
    }
    this.#busy = true;
    try {
      this.#upload(plane, pattern, strength);
      this.#dispatch();
      await this.#result.mapAsync(GPUMapMode.READ);
      this.#download(plane);
      this.#result.unmap();
    } catch (error) {
      gpu.gone.throwIfAborted();
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  /** Gives the memory back. Idempotent. */
  close(): void {
    for (const buffer of [this.#settings, this.#before, this.#pattern, this.#after, this.#result])
      buffer.destroy();
  }

  #upload(plane: LumaPlane, pattern: VideoMarkPattern, strength: number): void {
    const { queue } = this.#options.gpu.device;
    const { width, height } = plane;
    if (this.#strengthThere !== strength) {
      const settings = new Uint32Array([width, height, this.#wordsPerRow, 0]);
      new Float32Array(settings.buffer)[3] = strength;
      queue.writeBuffer(this.#settings, 0, settings);
      this.#strengthThere = strength;
    }
    if (this.#patternThere !== pattern) {
      queue.writeBuffer(this.#pattern, 0, unshared(pattern.values), 0, width * height);
      this.#patternThere = pattern;
    }
    const rowBytes = 4 * this.#wordsPerRow;
    const liesRight = plane.strideBytes === rowBytes && plane.data.length >= rowBytes * height;
    if (!liesRight) copyRows(plane.data, plane.strideBytes, this.#rows, rowBytes, width, height);
    queue.writeBuffer(this.#before, 0, unshared(liesRight ? plane.data : this.#rows), 0, rowBytes * height);
  }

  #dispatch(): void {
    const { gpu, width, height } = this.#options;
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#bindings);
    pass.dispatchWorkgroups(Math.ceil(width / TILE_COLUMNS), Math.ceil(height / TILE_ROWS));
    pass.end();
    encoder.copyBufferToBuffer(this.#after, 0, this.#result, 0, this.#result.size);
    gpu.device.queue.submit([encoder.finish()]);
  }

  #download({ data, strideBytes, width, height }: LumaPlane): void {
    const made = new Uint8Array(this.#result.getMappedRange());
    copyRows(made, 4 * this.#wordsPerRow, data, strideBytes, width, height);
  }
}

function copyRows(
  from: Uint8Array,
  fromStride: number,
  to: Uint8Array,
  toStride: number,
  width: number,
  height: number,
): void {
  if (fromStride === width && toStride === width) {
    to.set(from.subarray(0, width * height));
    return;
  }
  for (let y = 0; y < height; y += 1)
    to.set(from.subarray(y * fromStride, y * fromStride + width), y * toStride);
}

/** WebGPU takes no views of shared memory, and the type says so; none of ours is shared. */
function unshared<View extends Uint8Array | Float32Array>(view: View): View & ArrayBufferView<ArrayBuffer> {
  return view as View & ArrayBufferView<ArrayBuffer>;
}
