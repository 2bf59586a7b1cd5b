import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deriveMarkKey } from '../../pipeline/mark/mark-key.ts';
import { MarkKeys } from './mark-keys.ts';

const secret = (fill: number) => new Uint8Array(32).fill(fill);
const base64 = (fill: number) => Buffer.from(secret(fill)).toString('base64');

describe('MarkKeys', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-keys-'));
    path = join(folder, 'data', 'marks', 'keys.json');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const open = (env: Record<string, string> = {}, notices: string[] = []) =>
    MarkKeys.open({ dataDir: join(folder, 'data'), env, onNotice: (line) => notices.push(line) });

  it('makes a key once, for its owner alone, also when several come at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => open()));
    for (const keys of all) expect(keys.all).toEqual(all[0]!.all);
    expect(all[0]!.current.issuer).toBe('livedub');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'data', 'marks'))).toEqual(['keys.json']);
  });

  it('marks with a new key after a rotation and still has the old ones', async () => {
    const notices: string[] = [];
    const first = await open();
    await open({ LIVEDUB_ISSUER: 'Example TV' }, notices);
    expect(notices).toEqual([expect.stringContaining('livedub keys rotate')]);
    const second = await (await open({ LIVEDUB_ISSUER: 'Example TV' })).rotate();
    expect(second.current.issuer).toBe('Example TV');
    expect(second.all.slice(1)).toEqual(first.all);
    expect((await open()).all).toEqual(second.all);
    for (let i = 0; i < 20; i += 1) await (await open()).rotate();
    const { all } = await open();
    expect(new Set(all.map(({ keyId }) => keyId)).size).toBe(22);
    expect(await readdir(join(folder, 'data', 'marks'))).toEqual(['keys.json']);
  });

  it('loses no key when two rotate at the same time', async () => {
    const keys = await open();
    const done = await Promise.allSettled([keys.rotate(), keys.rotate(), keys.rotate()]);
    const rotated = done.filter(({ status }) => status === 'fulfilled').length;
    expect((await open()).all).toHaveLength(1 + rotated);
    for (const one of done) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'LIVEDUB_E_CONFLICT' });
    }
  });

  it('takes the keys of the environment instead, newest first, with their issuers', async () => {
    const keys = await open({
      LIVEDUB_MARK_KEY: `${base64(1)}, Old Name:${base64(2)}`,
      LIVEDUB_ISSUER: 'New',
    });
    expect(keys.all).toEqual([
      await deriveMarkKey({ master: secret(1), issuer: 'New' }),
      await deriveMarkKey({ master: secret(2), issuer: 'Old Name' }),
    ]);
    expect(await readdir(folder)).toEqual([]);
    await expect(keys.rotate()).rejects.toMatchObject({ code: 'LIVEDUB_E_MARK_KEY' });
  });

  it('takes them from a file, and says when others can read it', async () => {
    const file = join(folder, 'key.txt');
    await writeFile(file, `${base64(1)}\n${base64(2)}\n`, { mode: 0o600 });
    const notices: string[] = [];
    expect((await open({ LIVEDUB_MARK_KEY_FILE: file }, notices)).all).toHaveLength(2);
    expect(notices).toEqual([]);
    await chmod(file, 0o644);
    await open({ LIVEDUB_MARK_KEY_FILE: file }, notices);
    expect(notices).toEqual([expect.stringContaining(`chmod 600 ${file}`)]);
    await expect(open({ LIVEDUB_MARK_KEY_FILE: join(folder, 'none') })).rejects.toMatchObject({
      code: 'LIVEDUB_E_MARK_KEY',
    });
  });

  it.each([
    'short',
    Buffer.alloc(31, 5).toString('base64'),
    `${base64(1)},not base64 at all but long enough to be 32 bytes`,
    `${base64(1)},${base64(1)}`,
    ',',
  ])('refuses %j and never repeats it', async (text) => {
    const error = await open({ LIVEDUB_MARK_KEY: text }).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'LIVEDUB_E_MARK_KEY' });
    if (text.length > 3) expect((error as Error).message).not.toContain(text);
  });

  it('refuses a broken key file rather than making another key, and does not quote it', async () => {
    const { all } = await open();
    const good = await readFile(path, 'utf8');
    for (const text of ['', good.slice(0, -30), '{}', good.replace(/"secret": "/, '"secret": "?'), 'null']) {
      await writeFile(path, text);
      const error = await open().catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ code: 'LIVEDUB_E_MARK_KEY' });
      expect(JSON.stringify([(error as Error).message, (error as Error).cause ?? ''])).not.toContain(
        'secret":',
      );
      expect(await readFile(path, 'utf8')).toBe(text);
    }
    await writeFile(path, good);
    expect((await open()).all).toEqual(all);
  });
});
