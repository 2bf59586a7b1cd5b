import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MarkRequest } from '../pipeline/ports/mark-registry.ts';
import { MarkRegistryFile } from './mark-registry-file.ts';

const request: MarkRequest = {
  keyId: 7,
  issuer: 'livedub',
  channel: { id: 'my-show', title: 'Ma émission', isPublic: true },
  source: 'live',
  programme: 'p1',
  language: 'es',
  mode: 'synced',
  kind: 'mix',
  startedAt: '2026-03-01T12:00:00.000Z',
};

describe('MarkRegistryFile', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-registry-'));
    path = join(folder, 'marks', 'issued.jsonl');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const open = () => MarkRegistryFile.open({ folder: join(folder, 'marks') });

  it('names what it issued, now and after being opened again, until when it went on', async () => {
    const registry = await open();
    const first = await registry.issue(request);
    const second = await registry.issue({ ...request, language: 'fr' });
    expect(first.rendition).toBeGreaterThan(0);
    expect(first.rendition).toBeLessThan(2 ** 36);
    expect(second.rendition).not.toBe(first.rendition);
    await registry.end(first.rendition, 12);
    await registry.end(first.rendition, 5);
    await registry.end(1, 12);
    const again = await open();
    for (const one of [registry, again]) {
      expect(await one.find(7, first.rendition)).toEqual({ ...first, minutes: 12 });
      expect(await one.list(7)).toEqual([second, { ...first, minutes: 12 }]);
      expect(await one.find(8, first.rendition)).toBeUndefined();
      expect(await one.list(8)).toEqual([]);
    }
    expect((await readFile(path, 'utf8')).trim().split('\n')).toHaveLength(3);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('knows what others append, each line once', async () => {
    const [one, other] = [await open(), await open()];
    const marks = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (i % 2 ? one : other).issue({ ...request, programme: `p${i}` })),
    );
    expect(new Set(marks.map(({ rendition }) => rendition)).size).toBe(40);
    expect(await one.list(7)).toEqual(await other.list(7));
    expect(await one.list(7)).toHaveLength(40);
  });

  it('holds together while several processes issue', async () => {
    const module = JSON.stringify(new URL('./mark-registry-file.ts', import.meta.url).href);
    const script = join(folder, 'issue.mjs');
    await writeFile(
      script,
      `const { MarkRegistryFile } = await import(${module});
       const registry = await MarkRegistryFile.open({ folder: ${JSON.stringify(join(folder, 'marks'))} });
       for (let i = 0; i < 25; i += 1) await registry.issue(${JSON.stringify(request)});`,
    );
    const children = [1, 2, 3].map(() => fork(script, { execArgv: ['--import', 'tsx'] }));
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0]);
    expect(await (await open()).list(7)).toHaveLength(75);
  }, 20_000);

  it('goes on behind a line that a crash tore, and past lines it does not know', async () => {
    const registry = await open();
    const first = await registry.issue(request);
    await appendFile(path, '{"event":"issued","rendition":5,"keyId":7,"iss');
    const second = await registry.issue(request);
    await appendFile(path, 'nonsense\n{"event":"renamed","rendition":9}\n\n');
    const third = await registry.issue(request);
    expect(await (await open()).list(7)).toEqual([third, second, first]);
    expect(await registry.list(7)).toEqual([third, second, first]);
  });

  it('keeps the first of two lines with one number', async () => {
    const registry = await open();
    const first = await registry.issue(request);
    await appendFile(path, `${JSON.stringify({ event: 'issued', ...first, language: 'fr' })}\n`);
    expect(await registry.find(7, first.rendition)).toEqual(first);
  });

  it('forgets what a file that was removed said, and writes a new one', async () => {
    const registry = await open();
    const first = await registry.issue(request);
    await rm(join(folder, 'marks'), { recursive: true });
    expect(await registry.find(7, first.rendition)).toBeUndefined();
    const second = await registry.issue(request);
    expect(await (await open()).list(7)).toEqual([second]);
  });

  it('issues nothing that could not be written', async () => {
    await writeFile(join(folder, 'marks'), 'a file where the folder should be');
    const failure = await MarkRegistryFile.open({ folder: join(folder, 'marks') }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'LIVEDUB_E_INPUT_UNREADABLE' });
    await rm(join(folder, 'marks'));
    const registry = await open();
    await writeFile(join(folder, 'marks'), 'a file where the folder should be');
    await expect(registry.issue(request)).rejects.toMatchObject({ code: 'LIVEDUB_E_INPUT_UNREADABLE' });
  });

  it('answers nothing once closed', async () => {
    const registry = await open();
    const issued = registry.issue(request);
    await registry.close();
    await registry.close();
    await issued;
    await expect(registry.issue(request)).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });
});
