import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../pipeline/cache-paths.ts';
import type { GpuDevice } from './gpu-device.ts';

/** The threads' bundles lie elsewhere than their sources, so kernels are found from the repository. */
const FOLDER = join(repositoryRoot, 'gpu', 'kernels');

/** Text of a kernel, after the parts of others that it uses: names of files in gpu/kernels/. */
export function kernelSource(name: string, uses: readonly string[] = []): string {
  return [...uses, name].map((file) => readFileSync(join(FOLDER, `${file}.wgsl`), 'utf8')).join('\n');
}

/** What a kernel's bindings of group 0 are bound to, by number. */
export type Bindings = Readonly<Record<number, GPUBuffer>>;

export interface KernelOptions {
  readonly gpu: GpuDevice;
  /** File in gpu/kernels/. */
  readonly name: string;
  /** Those it builds on. Default: none. */
  readonly uses?: readonly string[];
  /** Which of its functions. Default: the only one. */
  readonly entry?: string;
  readonly constants?: Readonly<Record<string, number>>;
}

const loaded = new WeakMap<GpuDevice, Map<string, Promise<Kernel>>>();

/** A kernel that can be run. */
export class Kernel {
  readonly #gpu: GpuDevice;
  readonly #pipeline: GPUComputePipeline;

  private constructor(gpu: GpuDevice, pipeline: GPUComputePipeline) {
    this.#gpu = gpu;
    this.#pipeline = pipeline;
  }

  /**
   * Compiled once for each device, whoever runs it.
   * @throws LIVEDUB_E_INTERNAL for one that is wrong; why the device is gone
   */
  static load(options: KernelOptions): Promise<Kernel> {
    const { gpu, ...rest } = options;
    const kernels = loaded.get(gpu) ?? new Map<string, Promise<Kernel>>();
    loaded.set(gpu, kernels);
    const key = JSON.stringify(rest);
    const kernel = kernels.get(key) ?? Kernel.#compile(options);
    kernels.set(key, kernel);
    return kernel;
  }

  static async #compile({ gpu, name, uses, entry, constants }: KernelOptions): Promise<Kernel> {
    const pipeline = await gpu.pipeline({
      label: entry ?? name,
      wgsl: kernelSource(name, uses),
      ...(entry === undefined ? {} : { entry }),
      ...(constants === undefined ? {} : { constants }),
    });
    return new Kernel(gpu, pipeline);
  }

  bind(bindings: Bindings): GPUBindGroup {
    return this.#gpu.device.createBindGroup({
      layout: this.#pipeline.getBindGroupLayout(0),
      entries: Object.entries(bindings).map(([binding, buffer]) => ({
        binding: Number(binding),
        resource: { buffer },
      })),
    });
  }

  /** Runs it after what the pass holds already: every run sees what those before it wrote. */
  run(pass: GPUComputePassEncoder, bound: GPUBindGroup, columns: number, rows = 1, layers = 1): void {
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, bound);
    pass.dispatchWorkgroups(columns, rows, layers);
  }
}
