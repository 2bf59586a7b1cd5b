import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Tokens } from './tokens.ts';

const SECRET = 'a secret of more than thirty-two characters';
const key = new TextEncoder().encode(SECRET);
const watch = { scope: 'watch', channel: 'my-show' } as const;

/** A token of somebody who knows the secret, with claims of their own. */
function signed(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT({ scope: 'watch', channel: '*', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setJti('1')
    .sign(key);
}

describe('Tokens', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-tokens-'));
  });
  afterEach(async () => {
    vi.useRealTimers();
    await rm(folder, { recursive: true, force: true });
  });

  it('makes the secret once, for its owner alone, also when several come at the same time', async () => {
    const dataDir = join(folder, 'data');
    const all = await Promise.all(Array.from({ length: 8 }, () => Tokens.open({ dataDir })));
    const { token } = await all[0]!.issue({ scope: ['watch'], channel: 'my-show', expiresInSeconds: 60 });
    for (const tokens of all) await tokens.verify(token, watch);
    expect((await stat(join(dataDir, 'secret'))).mode & 0o777).toBe(0o600);
    expect(Buffer.from(await readFile(join(dataDir, 'secret'), 'utf8'), 'base64url')).toHaveLength(32);
    expect(await readdir(dataDir)).toEqual(['secret']);
  });

  it('takes the secret of the environment instead, unless it is too short', async () => {
    const tokens = await Tokens.open({ dataDir: folder, secret: SECRET });
    await tokens.verify(await signed({ iss: 'livedub', exp: Date.now() / 1000 + 60 }), watch);
    expect(await readdir(folder)).toEqual([]);
    await expect(Tokens.open({ dataDir: folder, secret: 'x'.repeat(31) })).rejects.toMatchObject({
      code: 'LIVEDUB_E_BAD_REQUEST',
    });
    await writeFile(join(folder, 'secret'), '\n');
    await expect(Tokens.open({ dataDir: folder })).rejects.toMatchObject({ code: 'LIVEDUB_E_BAD_REQUEST' });
  });

  it('lets a token do what it is for, and manage everything of its channel', async () => {
    const tokens = await Tokens.open({ dataDir: folder, secret: SECRET });
    const issue = async (scope: 'publish' | 'watch' | 'manage', channel: string) =>
      (await tokens.issue({ scope: [scope], channel, expiresInSeconds: 60 })).token;
    await tokens.verify(await issue('watch', 'my-show'), watch);
    await tokens.verify(await issue('watch', '*'), watch);
    await tokens.verify(await issue('manage', 'my-show'), watch);
    for (const [scope, channel, right] of [
      ['publish', 'my-show', watch],
      ['watch', 'other-show', watch],
      ['watch', 'my-show', { scope: 'manage', channel: 'my-show' }],
      ['manage', 'my-show', { scope: 'manage', channel: '*' }],
    ] as const) {
      await expect(tokens.verify(await issue(scope, channel), right)).rejects.toMatchObject({
        code: 'LIVEDUB_E_FORBIDDEN',
      });
    }
  });

  it('says that a token has expired', async () => {
    const tokens = await Tokens.open({ dataDir: folder, secret: SECRET });
    const { token, expiresAt } = await tokens.issue({ scope: ['watch'], channel: '*', expiresInSeconds: 60 });
    vi.useFakeTimers({ now: new Date(expiresAt), toFake: ['Date'] });
    await expect(tokens.verify(token, watch)).rejects.toMatchObject({
      code: 'LIVEDUB_E_UNAUTHORISED',
      message: 'This token has expired.',
    });
  });

  it('refuses what is missing, malformed, unsigned, of another server or incomplete, and never repeats it', async () => {
    const tokens = await Tokens.open({ dataDir: folder, secret: SECRET });
    const soon = Math.floor(Date.now() / 1000) + 60;
    const good = await signed({ iss: 'livedub', exp: soon });
    const [head, body] = good.split('.');
    const other = await Tokens.open({ dataDir: folder, secret: `${SECRET} of another` });
    const claims = { scope: 'watch', channel: '*', iss: 'livedub', iat: 1, exp: soon, jti: '1' };
    for (const token of [
      '',
      'nonsense',
      '€'.repeat(100),
      'a'.repeat(100_000),
      `${head}.${body}.`,
      `${good.slice(0, -4)}AAAA`,
      new UnsecuredJWT(claims).encode(),
      (await other.issue({ scope: ['watch'], channel: '*', expiresInSeconds: 60 })).token,
      await signed({ iss: 'livedub' }),
      await signed({ iss: 'else', exp: soon }),
      await signed({ iss: 'livedub', exp: soon, channel: 'NOT ONE' }),
      await signed({ iss: 'livedub', exp: soon, scope: 5 }),
    ]) {
      const error = await tokens.verify(token, watch).catch((thrown: Error) => thrown);
      expect(error, token.slice(0, 40)).toMatchObject({ code: 'LIVEDUB_E_UNAUTHORISED' });
      if (token !== '') expect((error as Error).message).not.toContain(token);
    }
  });
});
