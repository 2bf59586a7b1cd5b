import { describe, expect, it } from 'vitest';
import { cpuPlaneMarker, gpuPlaneMarker, openPlaneMarker, timePlaneMarker } from './plane-marker.ts';

const size = { width: 64, height: 48 };
const plane = () => ({
  ...size,
  strideBytes: 64,
  data: new Uint8Array(64 * 48).map((_, i) => (i * 31) & 255),
});
const pattern = { ...size, values: new Float32Array(64 * 48).map((_, i) => Math.sin(i)) };
const software = await gpuPlaneMarker({ ...size, software: true });
const why = software ? '' : ' (skipped: no adapter here)';

describe('openPlaneMarker', () => {
  it('marks whatever there is to mark on', async () => {
    const marker = await openPlaneMarker(size);
    const [made, wanted] = [plane(), plane()];
    await marker.mark(made, pattern, 2);
    await cpuPlaneMarker().mark(wanted, pattern, 2);
    const off = made.data.filter((value, i) => Math.abs(value - wanted.data[i]!) > 1).length;
    expect(off).toBe(0);
    expect(marker.on).not.toBe('');
    marker.close();
    marker.close();
  });

  it.skipIf(!software)(`times GPU and processor alike${why}`, async () => {
    for (const marker of [software!, cpuPlaneMarker()]) {
      const ms = await timePlaneMarker(marker, { ...size, planes: 3 });
      expect(ms).toBeGreaterThan(0);
      expect(ms).toBeLessThan(1000);
    }
    software!.close();
    software!.close();
  });

  it('can be given up', async () => {
    await expect(openPlaneMarker({ ...size, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'LIVEDUB_E_ABORTED',
    });
  });
});
