import type { GpuDevice } from './gpu-device.ts';
import { Kernel } from './kernel.ts';

const JOB = ['mouth-job'] as const;
const MESH = [...JOB, 'mesh-triangle'] as const;

/** The kernels of a mouth, in the order in which they run. */
export const MOUTH_KERNELS = {
  film: { name: 'mouth-picture', uses: ['picture', ...JOB], entry: 'film' },
  number: { name: 'triangle-ids', uses: MESH, entry: 'number_pixels' },
  warp: { name: 'mesh-warp', uses: MESH, entry: 'warp' },
  sum: { name: 'colour-match', uses: [...JOB, 'colour-gain'], entry: 'sum_pixels' },
  solve: { name: 'colour-match', uses: [...JOB, 'colour-gain'], entry: 'solve' },
  finish: { name: 'mouth-finish', uses: [...JOB, 'colour-gain', 'blend', 'cavity', 'seam'], entry: 'finish' },
  write: { name: 'mouth-planes', uses: ['picture', ...JOB], entry: 'write_planes' },
  keep: { name: 'to-rgb', uses: ['picture'], entry: 'to_rgb' },
} as const;

export type MouthKernel = keyof typeof MOUTH_KERNELS;
export type MouthKernels = Readonly<Record<MouthKernel, Kernel>>;

/** @throws why the device is gone */
export async function loadMouthKernels(gpu: GpuDevice): Promise<MouthKernels> {
  const names = Object.keys(MOUTH_KERNELS) as MouthKernel[];
  const loaded = await Promise.all(
    names.map(async (name) => [name, await Kernel.load({ gpu, ...MOUTH_KERNELS[name] })] as const),
  );
  return Object.fromEntries(loaded) as Record<MouthKernel, Kernel>;
}
