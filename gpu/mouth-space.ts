import { memoryError } from './gpu-budget.ts';
import { GPUBufferUsage, type GpuDevice, type GpuMemory } from './gpu-device.ts';

/** A workgroup of colour-match.wgsl sums up a square of so many pixels of the raster. */
export const SUM_TILE_PX = 32;
const SUM_BYTES = 4 * 16;

/** Rasters that the kernels of a mouth write for one another. 48 bytes a pixel. */
export class MouthSpace {
  readonly pixels: number;
  readonly filmed: GPUBuffer;
  readonly drawn: GPUBuffer;
  readonly laid: GPUBuffer;
  readonly triangleIds: GPUBuffer;
  readonly sums: GPUBuffer;
  readonly #memory: readonly GpuMemory[];

  /** @throws LIVEDUB_E_GPU_MEMORY beyond the budget, why the device is gone */
  constructor(gpu: GpuDevice, pixels: number) {
    const { STORAGE } = GPUBufferUsage;
    const memory: GpuMemory[] = [];
    const allocate = (bytes: number): GPUBuffer => {
      memory.push(gpu.memory({ label: 'Work space for mouths', bytes, usage: STORAGE }));
      return memory.at(-1)!.buffer;
    };
    try {
      this.pixels = pixels;
      this.filmed = allocate(4 * pixels);
      this.drawn = allocate(16 * pixels);
      this.laid = allocate(16 * pixels);
      this.triangleIds = allocate(12 * pixels);
      // However long and narrow: tiles at edges are counted whole.
      this.sums = allocate(SUM_BYTES * (Math.ceil(pixels / SUM_TILE_PX) + 1));
      this.#memory = memory;
    } catch (error) {
      for (const one of memory) one.free();
      throw error;
    }
  }

  /** @throws LIVEDUB_E_GPU_MEMORY when the driver has less than the budget says */
  async fits(): Promise<void> {
    const fits = await Promise.all(this.#memory.map((one) => one.fits));
    if (fits.includes(false)) throw memoryError('there is no work space for mouths');
  }

  free(): void {
    for (const one of this.#memory) one.free();
  }
}
