import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listKeys, rotateKeys } from './keys.ts';

describe('livedub keys', () => {
  let folder: string;
  let text: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-keys-'));
    text = '';
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const options = () => ({
    dataDir: folder,
    env: { LIVEDUB_ISSUER: 'Example TV' },
    write: (more: string) => {
      text += more;
    },
  });

  it('lists ids and issuers, the key that marks first, and never a secret', async () => {
    await listKeys(options());
    expect(text).toMatch(/^key +\d+ {2}Example TV {2}marks and finds\n$/);
    const first = text;
    text = '';
    await rotateKeys(options());
    const [newest, oldest] = text.trimEnd().split('\n');
    expect(newest).toMatch(/marks and finds$/);
    expect(`${oldest}\n`).toBe(first.replace('marks and finds', 'finds what it marked'));
    const { keys } = JSON.parse(await readFile(join(folder, 'marks', 'keys.json'), 'utf8'));
    for (const { secret } of keys) expect(text).not.toContain(secret);
  });
});
