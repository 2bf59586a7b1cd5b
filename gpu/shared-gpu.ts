import { LivedubError } from '../pipeline/errors.ts';
import { GpuDevice } from './gpu-device.ts';

export interface BorrowedGpu {
  readonly gpu: GpuDevice;
  /** The device is closed when nobody has it any more. Idempotent. */
  giveBack(): void;
}

interface Shared {
  readonly device: Promise<GpuDevice | undefined>;
  users: number;
}

const shared = new Map<boolean, Shared>();

/**
 * The device that all of a thread compute on: one has its memory in one budget, and opening another takes a while. One that was lost
 * is opened anew for whoever borrows next.
 * @returns undefined where there is no GPU that works
 * @throws LIVEDUB_E_ABORTED
 */
export async function borrowGpu(options: {
  readonly signal?: AbortSignal;
  /** As `GpuDeviceOptions.software`. */
  readonly software?: boolean;
}): Promise<BorrowedGpu | undefined> {
  const software = options.software ?? false;
  for (;;) {
    let entry = shared.get(software);
    if (entry === undefined) {
      entry = { device: GpuDevice.open({ software }), users: 0 };
      shared.set(software, entry);
    }
    const mine = entry;
    mine.users += 1;
    const gpu = await mine.device.catch(() => undefined);
    const giveBack = once(() => {
      mine.users -= 1;
      if (mine.users > 0 && !gpu?.gone.aborted) return;
      if (shared.get(software) === mine) shared.delete(software);
      if (mine.users === 0) gpu?.close();
    });
    if (options.signal?.aborted) {
      giveBack();
      const cause: unknown = options.signal.reason;
      throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause });
    }
    if (gpu === undefined) {
      giveBack();
      return undefined;
    }
    if (!gpu.gone.aborted) return { gpu, giveBack };
    giveBack();
  }
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
