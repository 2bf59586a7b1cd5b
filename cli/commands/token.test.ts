import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tokens } from '../../server/live/tokens.ts';
import { printToken } from './token.ts';

describe('livedub token', () => {
  let folder: string;
  let printed: string;
  const write = (text: string): void => {
    printed += text;
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-token-'));
    printed = '';
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('prints a token that the server on the same data takes', async () => {
    const dataDir = join(folder, 'data');
    await printToken({
      scope: 'publish, watch',
      channel: 'my-show',
      expires: '12h',
      dataDir,
      write,
    });
    const tokens = await Tokens.open({ dataDir });
    await tokens.verify(printed.trim(), { scope: 'publish', channel: 'my-show' });
    await tokens.verify(printed.trim(), { scope: 'watch', channel: 'my-show' });
    expect((await stat(join(dataDir, 'secret'))).mode & 0o777).toBe(0o600);
  });

  it.each([
    [{ scope: 'burn' }, /^--scope/],
    [{ scope: ' ' }, /^--scope/],
    [{ channel: 'No Such' }, /^--channel/],
    [{ expires: 'soon' }, /^--expires: soon is not a time/],
    [{ expires: '5s' }, /^--expires/],
    [{ expires: '9000d' }, /^--expires/],
  ])('refuses %j as wrong usage', async (wrong, message) => {
    const right = { scope: 'watch', channel: '*', expires: '1h' };
    const made = printToken({ ...right, ...wrong, dataDir: folder, write });
    await expect(made).rejects.toMatchObject({
      code: 'LIVEDUB_E_USAGE',
      message: expect.stringMatching(message),
    });
    expect(printed).toBe('');
  });
});
