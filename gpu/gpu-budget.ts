import { LivedubError } from '../pipeline/errors.ts';

/** Without a declared one: a quarter of the largest buffer the adapter makes, but no more than this. */
const MOST_BYTES = 2 * 2 ** 30;

/** Memory of a device that may be used, declared in advance: what does not fit is refused before the driver has to. */
export class GpuBudget {
  #limitBytes: number;
  #usedBytes = 0;

  constructor(options: { readonly limitBytes: number }) {
    this.#limitBytes = options.limitBytes;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * Sets bytes aside.
   * @param what for the message
   * @returns gives them back; idempotent
   * @throws LIVEDUB_E_GPU_MEMORY when they are not there
   */
  reserve(bytes: number, what: string): () => void {
    const freeBytes = this.#limitBytes - this.#usedBytes;
    if (bytes > freeBytes)
      throw memoryError(`${what} takes ${megabytes(bytes)}, ${megabytes(freeBytes)} are free`);
    this.#usedBytes += bytes;
    let given = true;
    return () => {
      if (given) this.#usedBytes -= bytes;
      given = false;
    };
  }

  /** The driver had less than was declared: what is in use now is all there is. */
  shrink(): void {
    this.#limitBytes = Math.min(this.#limitBytes, this.#usedBytes);
  }
}

/** The share of a device that is used unless somebody declares another; WebGPU does not tell how much memory there is. */
export function defaultBudgetBytes(limits: { readonly maxBufferSize: number }): number {
  return Math.min(Math.floor(limits.maxBufferSize / 4), MOST_BYTES);
}

export function memoryError(message: string): LivedubError {
  return new LivedubError('LIVEDUB_E_GPU_MEMORY', `Not enough memory on the GPU: ${message}.`);
}

export function isMemoryError(error: unknown): error is LivedubError {
  return error instanceof LivedubError && error.code === 'LIVEDUB_E_GPU_MEMORY';
}

function megabytes(bytes: number): string {
  return `${(Math.max(0, bytes) / 2 ** 20).toFixed(1)} MiB`;
}
