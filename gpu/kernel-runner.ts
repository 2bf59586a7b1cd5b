import { GPUBufferUsage, GPUMapMode, type GpuDevice } from './gpu-device.ts';
import type { Kernel } from './kernel.ts';

/** Runs kernels one after the other: every one sees what those before it wrote. */
export interface KernelRunner {
  run(label: string, kernel: Kernel, bound: GPUBindGroup, columns: number, rows?: number): void;
  end(): void;
}

/** All in one pass. */
export function passRunner(encoder: GPUCommandEncoder): KernelRunner {
  const pass = encoder.beginComputePass();
  return {
    run: (_label, kernel, bound, columns, rows) => kernel.run(pass, bound, columns, rows),
    end: () => pass.end(),
  };
}

/** Runs that are timed in one submission. */
const MAX_RUNS = 256;
const TIMES_BYTES = 16 * MAX_RUNS;

/** Times kernels by the GPU's own clock, each in a pass of its own; so all together take longer than in one. */
export class KernelTimer {
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #landing: GPUBuffer;
  readonly #ms = new Map<string, number[]>();
  #labels: string[] = [];

  private constructor(gpu: GpuDevice) {
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    this.#queries = gpu.device.createQuerySet({ type: 'timestamp', count: 2 * MAX_RUNS });
    this.#resolved = gpu.device.createBuffer({ size: TIMES_BYTES, usage: QUERY_RESOLVE | COPY_SRC });
    this.#landing = gpu.device.createBuffer({ size: TIMES_BYTES, usage: COPY_DST | MAP_READ });
  }

  /** Undefined where the device has no clock to ask. */
  static on(gpu: GpuDevice): KernelTimer | undefined {
    return gpu.device.features.has('timestamp-query') ? new KernelTimer(gpu) : undefined;
  }

  /** Times of every run so far, ms, by its label. */
  get ms(): ReadonlyMap<string, readonly number[]> {
    return this.#ms;
  }

  /** One submission's; wait for `collect` before the next. */
  runner(encoder: GPUCommandEncoder): KernelRunner {
    this.#labels = [];
    return {
      run: (label, kernel, bound, columns, rows) => {
        const at = this.#labels.length;
        const isTimed = at < MAX_RUNS;
        const timestampWrites = {
          querySet: this.#queries,
          beginningOfPassWriteIndex: 2 * at,
          endOfPassWriteIndex: 2 * at + 1,
        };
        const pass = encoder.beginComputePass(isTimed ? { timestampWrites } : {});
        if (isTimed) this.#labels.push(label);
        kernel.run(pass, bound, columns, rows);
        pass.end();
      },
      end: () => {
        const count = 2 * this.#labels.length;
        if (count === 0) return;
        encoder.resolveQuerySet(this.#queries, 0, count, this.#resolved, 0);
        encoder.copyBufferToBuffer(this.#resolved, 0, this.#landing, 0, 8 * count);
      },
    };
  }

  /** Takes in the times of what was submitted. */
  async collect(): Promise<void> {
    await this.#landing.mapAsync(GPUMapMode.READ);
    const times = new BigUint64Array(this.#landing.getMappedRange());
    for (const [i, label] of this.#labels.entries()) {
      const ms = Number(times[2 * i + 1]! - times[2 * i]!) / 1e6;
      const known = this.#ms.get(label);
      if (known === undefined) this.#ms.set(label, [ms]);
      else known.push(ms);
    }
    this.#landing.unmap();
    this.#labels = [];
  }

  close(): void {
    this.#queries.destroy();
    this.#resolved.destroy();
    this.#landing.destroy();
  }
}
