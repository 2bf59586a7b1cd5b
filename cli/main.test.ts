import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../pipeline/cache-paths.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'livedub-cli-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function livedub(args: readonly string[], environment: Record<string, string> = {}) {
  return new Promise<{ code: number | null; out: string; complaint: string }>((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...args], {
      cwd: repositoryRoot,
      env: { ...process.env, LIVEDUB_DATA: join(folder, 'data'), LIVEDUB_DEBUG: '', ...environment },
    });
    let out = '';
    let complaint = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      complaint += text;
    });
    child.once('close', (code) => resolve({ code, out, complaint }));
  });
}

describe('the livedub command', () => {
  it('answers a wrong option with code 2, one line and its remedy', async () => {
    const { code, complaint } = await livedub(['serve', '--nonsense']);
    expect(code).toBe(2);
    expect(complaint).toBe(
      "error LIVEDUB_E_USAGE: unknown option '--nonsense'\n  → Run `livedub --help` to see commands and options.\n",
    );
  });

  it('shows the help of a command', async () => {
    const { code, out } = await livedub(['serve', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('--to <languages>');
  });

  it.each([
    [['serve', 'no-such-file.mp4'], 'LIVEDUB_E_INPUT_NOT_FOUND'],
    [['serve', '.'], 'LIVEDUB_E_INPUT_IS_DIRECTORY'],
    [['serve', '--to', 'Spanish'], 'LIVEDUB_E_BAD_REQUEST'],
    [['worker'], 'LIVEDUB_E_USAGE'],
  ])('%j fails with %s and no stack trace', async (args, expected) => {
    const { code, complaint } = await livedub(args);
    expect(code).toBeGreaterThan(0);
    expect(complaint).toMatch(new RegExp(`^error ${expected}: .+\\n  → .+\\n$`));
  });

  it('shows the stack when asked with LIVEDUB_DEBUG=1', async () => {
    const { complaint } = await livedub(['serve', 'no-such-file.mp4'], { LIVEDUB_DEBUG: '1' });
    expect(complaint).toContain('    at ');
  });

  it('says in one line that the port is taken', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) =>
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
    );
    const { code, complaint } = await livedub(['serve'], { LIVEDUB_PORT: String(port) });
    await new Promise((resolve) => other.close(resolve));
    expect(code).toBe(1);
    expect(complaint).toMatch(
      new RegExp(`^error LIVEDUB_E_PORT_IN_USE: Port ${port} on 127.0.0.1 is taken.\\n  → .+\\n$`),
    );
  });

  it('refuses an empty file', async () => {
    const empty = join(folder, 'empty.mp4');
    await writeFile(empty, '');
    expect((await livedub(['serve', empty])).complaint).toContain('LIVEDUB_E_INPUT_EMPTY');
  });
});
