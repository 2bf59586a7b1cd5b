import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyMuseTalk, writeTinyWav2Lip } from '../../models/engines/lip-sync/tiny-models.ts';
import { ModelStore } from '../../models/store/model-store.ts';
import { CpuFaceCanvas } from '../../pipeline/face/cpu-canvas.ts';
import { faceEngineFromEnv, openReanimator } from './open-reanimator.ts';

const signal = new AbortController().signal;
const openCanvas = async (options: ConstructorParameters<typeof CpuFaceCanvas>[0]) =>
  new CpuFaceCanvas(options);

describe('the engine that moves mouths', () => {
  let folder: string;
  let made: string[];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'livedub-face-engines-'));
    const wav2lip = await writeTinyWav2Lip();
    const musetalk = await writeTinyMuseTalk();
    made = [path.dirname(wav2lip), path.dirname(musetalk.unet)];
    await install('wav2lip', [wav2lip]);
    await install('musetalk', Object.values(musetalk));
  });
  afterAll(async () => {
    for (const dir of [folder, ...made]) await rm(dir, { recursive: true, force: true });
  });

  /** Puts files where an operator would, with the hashes of what is to be trusted. */
  async function install(id: string, files: readonly string[]): Promise<void> {
    await mkdir(path.join(folder, 'both', id), { recursive: true });
    let sums = '';
    for (const file of files) {
      await copyFile(file, path.join(folder, 'both', id, path.basename(file)));
      sums += `${createHash('sha256')
        .update(await readFile(file))
        .digest('hex')}  ${path.basename(file)}\n`;
    }
    await writeFile(path.join(folder, 'both', id, 'SHA256SUMS'), sums);
  }

  const store = (options: { readonly installed: boolean; readonly nonCommercial?: boolean }): ModelStore =>
    new ModelStore({
      root: path.join(folder, 'root'),
      ...(options.installed ? { folder: path.join(folder, 'both') } : {}),
      allowNonCommercial: options.nonCommercial ?? false,
    });

  it('is the packaged one where no network is installed, or where it is asked for', async () => {
    for (const options of [
      { engine: 'best', store: store({ installed: false }) },
      { engine: 'packaged', store: store({ installed: true }) },
    ] as const) {
      const reanimator = await openReanimator({ signal, openCanvas, ...options });
      expect(reanimator.info.id).toBe('mouth-bank');
      await reanimator.close();
    }
  });

  it('is the best network that is installed and keeps up', async () => {
    const passedOver: string[] = [];
    const reanimator = await openReanimator({
      signal,
      openCanvas,
      engine: 'best',
      keepsUpMs: 5_000,
      store: store({ installed: true, nonCommercial: true }),
      onPassedOver: (id, why) => passedOver.push(`${id}: ${why}`),
    });
    expect(reanimator.info).toEqual({ id: 'musetalk', version: '1.5', licence: 'MIT' });
    expect(passedOver).toEqual([]);
    const reanimation = await reanimator.open({
      format: { widthPx: 64, heightPx: 64, colour: { matrix: 'bt601', range: 'limited' } },
    });
    reanimation.close();
    await reanimator.close();
    await reanimator.close();
  });

  it('is the packaged one where every network is too slow, which is told', async () => {
    const passedOver: string[] = [];
    const reanimator = await openReanimator({
      ...{ signal, openCanvas, engine: 'best', keepsUpMs: 0 },
      store: store({ installed: true, nonCommercial: true }),
      onPassedOver: (id, why) => passedOver.push(`${id}: ${why}`),
    });
    expect(reanimator.info.id).toBe('mouth-bank');
    expect(passedOver.at(0)).toMatch(/^musetalk: \d+ ms a picture on/);
    expect(passedOver.at(-1)).toMatch(/^wav2lip: \d+ ms a picture on the processor$/);
    await reanimator.close();
  });

  it('is the network that was named, where its licence is accepted', async () => {
    const reanimator = await openReanimator({
      signal,
      openCanvas,
      engine: 'wav2lip',
      store: store({ installed: true, nonCommercial: true }),
    });
    expect(reanimator.info.id).toBe('wav2lip');
    await reanimator.close();
    await expect(
      openReanimator({ signal, openCanvas, engine: 'wav2lip', store: store({ installed: true }) }),
    ).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_LICENCE' });
    await expect(
      openReanimator({ signal, openCanvas, engine: 'musetalk', store: store({ installed: false }) }),
    ).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_MISSING' });
  });

  it('is named by the environment, and refuses names it does not know', async () => {
    expect(faceEngineFromEnv({})).toBe('best');
    expect(faceEngineFromEnv({ LIVEDUB_FACE_ENGINE: 'wav2lip' })).toBe('wav2lip');
    expect(() => faceEngineFromEnv({ LIVEDUB_FACE_ENGINE: 'magic' })).toThrow(/magic/);
    await expect(
      openReanimator({ signal: AbortSignal.abort(), openCanvas, engine: 'packaged' }),
    ).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
  });
});
