import { afterAll, describe, expect, it } from 'vitest';
import { GpuDevice } from './gpu-device.ts';

const gpu = await GpuDevice.open({ software: true });
afterAll(() => gpu?.close());
const why = gpu ? '' : ' (skipped: no adapter here, not even software Vulkan)';

describe.skipIf(!gpu)(`GpuDevice${why}`, () => {
  it('says what it computes on', () => {
    expect(gpu!.info.description).not.toBe('');
    expect(gpu!.info.vendor).not.toBe('');
  });

  it('is no software unless that was asked for', async () => {
    const hardware = await GpuDevice.open();
    expect(hardware?.info.isSoftware ?? false).toBe(false);
    hardware?.close();
  });

  it("refuses a kernel that is wrong with the compiler's words", async () => {
    const wgsl = '@compute @workgroup_size(1) fn main() { nothing(); }';
    await expect(gpu!.pipeline({ label: 'wrong', wgsl })).rejects.toMatchObject({
      code: 'LIVEDUB_E_INTERNAL',
      message: expect.stringMatching(/wrong.*line 1.*nothing/s),
    });
  });

  it('is gone when it is closed, once and for all', async () => {
    const second = (await GpuDevice.open({ software: true }))!;
    second.close();
    second.close();
    expect(second.gone.reason).toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
    await expect(second.pipeline({ label: 'late', wgsl: '' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_CLOSED',
    });
  });

  it('says when the device is lost', async () => {
    const lost = (await GpuDevice.open({ software: true }))!;
    const told = new Promise((resolve) => lost.gone.addEventListener('abort', resolve));
    // The nearest thing to a loss that can be made at will: somebody destroys the device under it.
    lost.device.destroy();
    await told;
    expect(lost.gone.reason).toMatchObject({ code: 'LIVEDUB_E_ENGINE_FAILED' });
  });
});

it('can be given up while it opens', async () => {
  await expect(GpuDevice.open({ software: true, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'LIVEDUB_E_ABORTED',
  });
});
