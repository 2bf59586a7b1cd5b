import { memoryError } from './gpu-budget.ts';
import { GPUBufferUsage, GPUMapMode, type GpuDevice, type GpuMemory } from './gpu-device.ts';

const { COPY_DST, MAP_READ } = GPUBufferUsage;

/** WebGPU takes no views of shared memory, and the type says so; none of ours is shared. */
export function unshared<View extends Uint8Array | Float32Array | Uint32Array>(
  view: View,
): View & ArrayBufferView<ArrayBuffer> {
  return view as View & ArrayBufferView<ArrayBuffer>;
}

/** Writes bytes to the beginning of a buffer. WebGPU writes whole words: what is left of the last one becomes 0. */
export function uploadBytes(gpu: GpuDevice, buffer: GPUBuffer, bytes: Uint8Array): void {
  gpu.gone.throwIfAborted();
  const whole = bytes.byteLength - (bytes.byteLength % 4);
  gpu.device.queue.writeBuffer(buffer, 0, unshared(bytes), 0, whole);
  if (whole === bytes.byteLength) return;
  const rest = new Uint8Array(4);
  rest.set(bytes.subarray(whole));
  gpu.device.queue.writeBuffer(buffer, whole, rest);
}

/** Brings buffers of one size back, as many at a time as are asked for. */
export interface Downloader {
  /** @throws LIVEDUB_E_GPU_MEMORY, why the device is gone */
  fetch(buffer: GPUBuffer): Promise<Uint8Array>;
  /**
   * As `fetch`, of what `encode` computes: it adds commands that come before the copy, and all is one submission.
   * @throws LIVEDUB_E_GPU_MEMORY, why the device is gone
   */
  fetchAfter(encode: (encoder: GPUCommandEncoder) => GPUBuffer): Promise<Uint8Array>;
  close(): void;
}

/** @param bytes how many of a buffer's are wanted, from its beginning */
export function downloader(gpu: GpuDevice, bytes: number): Downloader {
  const size = 4 * Math.ceil(bytes / 4);
  const idle: GpuMemory[] = [];
  let closed = false;

  async function fetchAfter(encode: (encoder: GPUCommandEncoder) => GPUBuffer): Promise<Uint8Array> {
    gpu.gone.throwIfAborted();
    const landing =
      idle.pop() ?? gpu.memory({ label: 'A read-back', bytes: size, usage: MAP_READ | COPY_DST });
    try {
      const encoder = gpu.device.createCommandEncoder();
      const from = encode(encoder);
      encoder.copyBufferToBuffer(from, 0, landing.buffer, 0, size);
      gpu.device.queue.submit([encoder.finish()]);
      await landing.buffer.mapAsync(GPUMapMode.READ);
      const out = new Uint8Array(landing.buffer.getMappedRange()).slice(0, bytes);
      landing.buffer.unmap();
      if (closed) landing.free();
      else idle.push(landing);
      return out;
    } catch (error) {
      landing.free();
      gpu.gone.throwIfAborted();
      if (!(await landing.fits)) throw memoryError('there is no room for a read-back');
      throw error;
    }
  }

  return {
    fetch: (buffer) => fetchAfter(() => buffer),
    fetchAfter,
    close() {
      closed = true;
      for (const landing of idle.splice(0)) landing.free();
    },
  };
}
