import { create, globals } from 'webgpu';
import { LivedubError } from '../pipeline/errors.ts';
import { driverEnv, type FoundAdapter, findAdapter, type GpuAdapterInfo } from './find-adapter.ts';
import { defaultBudgetBytes, GpuBudget } from './gpu-budget.ts';

export interface GpuDeviceOptions {
  readonly signal?: AbortSignal;
  /**
   * Takes software Vulkan where there is no GPU. It shares the processor with everything else, so it is for checking kernels, not
   * for work. Default false.
   */
  readonly software?: boolean;
  /** Memory that may be used on it. Default: a quarter of the largest buffer it makes, 2 GiB at most. */
  readonly budgetBytes?: number;
}

/** Memory on a device. */
export interface GpuMemory {
  readonly buffer: GPUBuffer;
  /** False when the driver had less than the budget says: the buffer cannot be used. */
  readonly fits: Promise<boolean>;
  /** Gives it back to the budget and to the driver. Idempotent. */
  free(): void;
}

/** The enumerations of WebGPU, which Node has no globals for. */
export const { GPUBufferUsage, GPUMapMode } = globals as {
  readonly GPUBufferUsage: typeof globalThis.GPUBufferUsage;
  readonly GPUMapMode: typeof globalThis.GPUMapMode;
};

/** Kernels are timed by it where it is there. */
const CLOCK = ['timestamp-query'] as const;

/**
 * A device to compute on, through WebGPU (Dawn). It runs in the process that opens it; what a driver does when it fails for good is
 * beyond JavaScript, so only worker processes open one, never the server.
 */
export class GpuDevice {
  readonly info: GpuAdapterInfo;
  readonly device: GPUDevice;
  readonly budget: GpuBudget;
  /** Aborts when the device is gone: closed (LIVEDUB_E_CLOSED) or lost (LIVEDUB_E_ENGINE_FAILED). Nothing made on it works then. */
  readonly gone: AbortSignal;
  #closed = false;
  readonly #end = new AbortController();

  private constructor(options: {
    device: GPUDevice;
    info: GpuAdapterInfo;
    budget: GpuBudget;
  }) {
    this.device = options.device;
    this.info = options.info;
    this.budget = options.budget;
    this.gone = this.#end.signal;
    void this.device.lost.then(({ message }) => this.#lose(message));
  }

  /**
   * Opens the machine's GPU. Undefined where there is none that works: whatever is computed on it has a way without.
   * @throws LIVEDUB_E_ABORTED
   */
  static async open(options: GpuDeviceOptions = {}): Promise<GpuDevice | undefined> {
    const found = await findAdapter({ software: options.software ?? false });
    const opened = found && (await openAdapter(found).catch(() => undefined));
    if (options.signal?.aborted) {
      opened?.close();
      throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: options.signal.reason });
    }
    return opened;

    async function openAdapter({ info, driverFile }: FoundAdapter): Promise<GpuDevice | undefined> {
      const adapter = await adapterOf(driverFile);
      if (adapter === null) return undefined;
      // The defaults are those of a telephone; rings of pictures want what the device has.
      const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
      const requiredFeatures = CLOCK.filter((feature) => adapter.features.has(feature));
      const device = await adapter.requestDevice({
        requiredFeatures,
        requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
      });
      const budget = new GpuBudget({ limitBytes: options.budgetBytes ?? defaultBudgetBytes(adapter.limits) });
      return new GpuDevice({ device, info, budget });
    }
  }

  /**
   * Makes a compute pipeline of a kernel's WGSL.
   * @throws LIVEDUB_E_INTERNAL with the compiler's messages for a kernel that is wrong; what `gone` says
   */
  async pipeline(options: {
    readonly label: string;
    readonly wgsl: string;
    /** Its function. Default: the only one. */
    readonly entry?: string;
    /** Values of the kernel's overrides. Default: its own. */
    readonly constants?: Readonly<Record<string, number>>;
  }): Promise<GPUComputePipeline> {
    this.gone.throwIfAborted();
    // The pipeline's own error says no more than that its module is wrong; the module's would go to the console.
    this.device.pushErrorScope('validation');
    const module = this.device.createShaderModule({ label: options.label, code: options.wgsl });
    await this.device.popErrorScope();
    try {
      return await this.device.createComputePipelineAsync({
        label: options.label,
        layout: 'auto',
        compute: {
          module,
          ...(options.entry === undefined ? {} : { entryPoint: options.entry }),
          ...(options.constants ? { constants: options.constants } : {}),
        },
      });
    } catch (cause) {
      this.gone.throwIfAborted();
      const { messages } = await module.getCompilationInfo();
      const told = messages.map(({ lineNum, message }) => `line ${lineNum}: ${message}`).join('; ');
      const message = `The kernel ${options.label} cannot be used: ${told || String(cause)}`;
      throw new LivedubError('LIVEDUB_E_INTERNAL', message, { cause });
    }
  }

  /**
   * Memory within the budget.
   * @throws LIVEDUB_E_GPU_MEMORY beyond it; what `gone` says
   */
  memory(options: { readonly label: string; readonly bytes: number; readonly usage: number }): GpuMemory {
    this.gone.throwIfAborted();
    const { label, usage } = options;
    const size = Math.max(4, 4 * Math.ceil(options.bytes / 4));
    const giveBack = this.budget.reserve(size, label);
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({ label, size, usage });
    const free = (): void => {
      buffer.destroy();
      giveBack();
    };
    const fits = this.device.popErrorScope().then(
      (error) => {
        if (error === null) return true;
        free();
        this.budget.shrink();
        return false;
      },
      () => false,
    );
    return { buffer, fits, free };
  }

  /** Destroys the device and all that was made on it. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end.abort(new LivedubError('LIVEDUB_E_CLOSED', 'The GPU device is closed.'));
    this.device.destroy();
  }

  #lose(message: string): void {
    this.#closed = true;
    if (this.gone.aborted) return;
    const told = `The GPU (${this.info.description}) was lost: ${message}`;
    this.#end.abort(new LivedubError('LIVEDUB_E_ENGINE_FAILED', told));
  }
}

/** One for each driver, kept for good: Dawn crashes when it is collected while a device of it still winds up. */
const instances = new Map<string | undefined, GPU>();

/** The Vulkan loader reads the environment when drivers are looked for, so it is changed for as long as that takes. */
async function adapterOf(driverFile: string | undefined): Promise<GPUAdapter | null> {
  const before = process.env.VK_DRIVER_FILES;
  if (driverFile !== undefined) Object.assign(process.env, driverEnv(driverFile));
  try {
    // Times come in steps of 0.1 ms otherwise, which keeps web pages from spying.
    const gpu = instances.get(driverFile) ?? create(['disable-dawn-features=timestamp_quantization']);
    instances.set(driverFile, gpu);
    return await gpu.requestAdapter({ powerPreference: 'high-performance' });
  } finally {
    if (driverFile === undefined || before === undefined) {
      if (driverFile !== undefined) delete process.env.VK_DRIVER_FILES;
    } else process.env.VK_DRIVER_FILES = before;
  }
}
