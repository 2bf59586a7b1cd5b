import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPackaged, MANIFEST, type ModelInput, parseManifest } from '../../models/manifest.ts';
import { ModelStore } from '../../models/store/model-store.ts';
import { listModels, modelsCommand, pullModels, verifyModels } from './models.ts';
import { formatTable } from './models-table.ts';

const BYTES = Buffer.from('weights');
const entry: ModelInput = {
  id: 'tiny',
  version: '1.0',
  title: 'Tiny',
  task: 'vad',
  languages: ['mul'],
  licence: 'MIT',
  commercialUse: true,
  recommended: true,
  files: [
    {
      name: 'model',
      path: 'tiny.bin',
      bytes: BYTES.length,
      sha256: createHash('sha256').update(BYTES).digest('hex'),
      sources: [{ kind: 'folder' }],
    },
  ],
};

describe('livedub models', () => {
  let folder: string;
  let printed: string;
  const write = (text: string): void => {
    printed += text;
  };
  const store = () =>
    new ModelStore({
      manifest: parseManifest([entry]),
      root: join(folder, 'models'),
      folder: join(folder, 'own'),
    });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-models-'));
    printed = '';
    await mkdir(join(folder, 'own', 'tiny'), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('lists what is known and whether it is here', async () => {
    expect(await listModels({ json: false, store: store(), write })).toBe(0);
    expect(printed).toMatch(/^tiny +vad +many +MIT +1 kB +recommended$/m);
    await writeFile(join(folder, 'own', 'tiny', 'tiny.bin'), BYTES);
    printed = '';
    await listModels({ json: true, store: store(), write });
    expect(JSON.parse(printed)).toMatchObject({
      models: [{ id: 'tiny', state: 'installed', licence: 'MIT' }],
    });
  });

  it('keeps the real list within 100 columns', async () => {
    await listModels({ json: false, write });
    for (const line of printed.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(100);
  });

  it('fails verification of a damaged file and names the remedy', async () => {
    await writeFile(join(folder, 'own', 'tiny', 'tiny.bin'), 'wrong!!');
    expect(await verifyModels({ json: false, store: store(), write, ids: [] })).toBe(1);
    expect(printed).toContain('livedub models pull tiny');
  });

  it('says when a pull finds nothing to fetch, and when no source answers', async () => {
    const options = {
      json: false,
      write,
      ids: ['tiny'],
      recommended: false,
      packaged: false,
      signal: new AbortController().signal,
    };
    await expect(pullModels({ ...options, store: store() })).rejects.toMatchObject({
      code: 'LIVEDUB_E_MODEL_FETCH',
    });
    await writeFile(join(folder, 'own', 'tiny', 'tiny.bin'), BYTES);
    expect(await pullModels({ ...options, store: store() })).toBe(0);
    expect(printed).toContain('tiny: installed');
  });

  it('converts what a package carries in another form than engines want', async () => {
    const manifest = MANIFEST.filter((model) => isPackaged(model) && model.convert !== undefined);
    const store = new ModelStore({ manifest, root: join(folder, 'models') });
    const { signal } = new AbortController();
    const options = { json: false, write, ids: [], recommended: false, packaged: true, signal };
    expect(await store.status('face-mesh')).toMatchObject({ state: 'missing' });
    expect(await pullModels({ ...options, store })).toBe(0);
    expect(printed).toBe(manifest.map(({ id }) => `${id}: installed\n`).join(''));
    expect(Object.keys(await store.paths('face-mesh'))).toContain('facemesh.onnx');
  });

  it('refuses an action it does not have', async () => {
    await expect(modelsCommand(['burn'])).rejects.toMatchObject({ code: 'LIVEDUB_E_USAGE' });
  });
});

describe('formatTable', () => {
  it('lays columns out by their widest cell and leaves no trailing spaces', () => {
    expect(
      formatTable(
        ['a', 'bb'],
        [
          ['xxx', ''],
          ['y', 'zz'],
        ],
      ),
    ).toBe('a    bb\n───  ──\nxxx\ny    zz');
  });
});
