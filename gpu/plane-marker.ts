import { LumaMarker, type LumaPlane } from '../pipeline/mark/video/luma-mark.ts';
import type { VideoMarkPattern } from '../pipeline/mark/video/video-pattern.ts';
import { GpuDevice } from './gpu-device.ts';
import { GpuLumaMarker } from './luma-mark.ts';

/** Marks planes of luma, on whatever it does so. */
export interface PlaneMarker {
  /** The GPU's name, or `cpu`. */
  readonly on: string;
  /** In place; one at a time. */
  mark(plane: LumaPlane, pattern: VideoMarkPattern, strength: number): void | Promise<void>;
  /** Idempotent. */
  close(): void;
}

export interface PlaneMarkerOptions {
  readonly width: number;
  readonly height: number;
  readonly signal?: AbortSignal;
}

const WARM_UP_PLANES = 2;
const TIMED_PLANES = 5;

/**
 * Takes what marks planes of this size in the least time: the GPU where there is one, and where the way there and back costs less
 * than it saves; else the processor. A GPU that goes on the way is replaced by the processor, from the plane at hand on.
 * @throws LIVEDUB_E_ABORTED
 */
export async function openPlaneMarker(options: PlaneMarkerOptions): Promise<PlaneMarker> {
  const { width, height, signal } = options;
  const cpu = cpuPlaneMarker();
  const gpu = await gpuPlaneMarker(options);
  if (gpu === undefined) return cpu;
  try {
    const ms = {
      gpu: await timePlaneMarker(gpu, { width, height }),
      cpu: await timePlaneMarker(cpu, { width, height }),
    };
    signal?.throwIfAborted();
    if (ms.gpu < ms.cpu) return orElse(gpu, cpu);
  } catch {
    // It failed at its first planes: it is not to be had for the others.
    signal?.throwIfAborted();
  }
  gpu.close();
  return cpu;
}

export function cpuPlaneMarker(): PlaneMarker {
  const marker = new LumaMarker();
  return { on: 'cpu', mark: (plane, pattern, strength) => marker.mark(plane, pattern, strength), close() {} };
}

/**
 * Undefined where there is no GPU, or where it cannot take such planes.
 * @throws LIVEDUB_E_ABORTED
 */
export async function gpuPlaneMarker(
  options: PlaneMarkerOptions & {
    /** As `GpuDeviceOptions.software`. */
    readonly software?: boolean;
  },
): Promise<PlaneMarker | undefined> {
  const { width, height } = options;
  const gpu = await GpuDevice.open(options);
  if (gpu === undefined) return undefined;
  try {
    const marker = await GpuLumaMarker.create({ gpu, width, height });
    return {
      on: gpu.info.description,
      mark: (plane, pattern, strength) => marker.mark(plane, pattern, strength),
      close() {
        marker.close();
        gpu.close();
      },
    };
  } catch {
    gpu.close();
    return undefined;
  }
}

/** Median time of one plane, ms, transfers included. The processor's is time in which nothing else can be done. */
export async function timePlaneMarker(
  marker: PlaneMarker,
  options: { readonly width: number; readonly height: number; readonly planes?: number },
): Promise<number> {
  const { width, height, planes = TIMED_PLANES } = options;
  const data = Uint8Array.from({ length: width * height }, (_, i) => (i * 7919) % 251);
  const pattern = { width, height, values: Float32Array.from(data, (value) => value / 125 - 1) };
  const ms: number[] = [];
  for (let i = -WARM_UP_PLANES; i < planes; i += 1) {
    const startMs = performance.now();
    await marker.mark({ width, height, strideBytes: width, data }, pattern, 1);
    if (i >= 0) ms.push(performance.now() - startMs);
  }
  return ms.sort((a, b) => a - b)[Math.floor(ms.length / 2)]!;
}

/** A plane that could not be marked is as it was, so another may do it. */
function orElse(first: PlaneMarker, second: PlaneMarker): PlaneMarker {
  let now = first;
  return {
    get on() {
      return now.on;
    },
    async mark(plane, pattern, strength) {
      try {
        await now.mark(plane, pattern, strength);
      } catch (error) {
        if (now === second) throw error;
        now = second;
        first.close();
        await second.mark(plane, pattern, strength);
      }
    },
    close() {
      first.close();
      second.close();
    },
  };
}
