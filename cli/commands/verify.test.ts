import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MarkRegistryFile } from '../../db/mark-registry-file.ts';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import { MediaFixtures } from '../../pipeline/media/media-fixtures.ts';
import { MarkKeys } from '../../server/marks/mark-keys.ts';
import { VerifyReportSchema } from '../../server/verify/contract.ts';
import { babble, marked, rawInput } from '../../server/verify/test-clips.ts';

const files = new MediaFixtures();
const data = files.path('data');
let clip: string;
let site: Server;
let address: string;

beforeAll(async () => {
  const { current: key } = await MarkKeys.open({ dataDir: data, env: {} });
  const registry = await MarkRegistryFile.open({ folder: join(data, 'marks') });
  const { rendition } = await registry.issue({
    keyId: key.keyId,
    issuer: key.issuer,
    channel: { id: 'talk-1', title: 'talk.mp4', isPublic: false },
    source: 'file',
    programme: 'job-1',
    language: 'fr',
    mode: 'synced',
    kind: 'mix',
    startedAt: '2026-03-01T12:00:00.000Z',
  });
  const sound = await marked(babble(10, 7), { key, rendition, minute: 2 });
  clip = files.make(
    'clip.m4a',
    ...rawInput(files, 'clip.raw', sound),
    '-c:a',
    'aac',
    '-b:a',
    '96k',
    '-movflags',
    '+faststart',
  );
  site = createServer((_, answer) => createReadStream(clip).pipe(answer)).listen(0, '127.0.0.1');
  await new Promise((resolve) => site.once('listening', resolve));
  address = `http://127.0.0.1:${(site.address() as AddressInfo).port}/clip.m4a`;
}, 30_000);
afterAll(() => {
  site.close();
  files.remove();
});

function verify(...args: string[]) {
  return new Promise<{ code: number | null; out: string; complaint: string }>((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'verify', ...args], {
      cwd: repositoryRoot,
      env: { ...process.env, LIVEDUB_DATA: data, LIVEDUB_MARK_KEY: '', LIVEDUB_DEBUG: '' },
    });
    let [out, complaint] = ['', ''];
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      complaint += text;
    });
    child.once('close', (code) => resolve({ code, out, complaint }));
  });
}

describe('livedub verify', () => {
  it('names file, language, minute and confidence of a clip, private or not, and exits with 0', async () => {
    const { code, out, complaint } = await verify(clip);
    expect([code, complaint]).toEqual([0, '']);
    expect(out).toMatch(/^Dubbed here\.\n {2}sound track 0: watermarked/);
    expect(out).toMatch(/talk\.mp4 \(talk-1\) · French · synced, mix · minute 3 · confidence 99\.9999 %/);
  }, 60_000);

  it('takes an address, and prints JSON', async () => {
    const { code, out } = await verify(address, '--json');
    const report = VerifyReportSchema.parse(JSON.parse(out));
    expect(code).toBe(0);
    expect(report.sound[0]!.findings[0]).toMatchObject({ language: 'fr', minute: 2 });
  }, 60_000);

  it('exits with 1 when there is no mark of the data folder it is given', async () => {
    const elsewhere = mkdtempSync(files.path('other-'));
    const { code, out } = await verify(clip, '--data', elsewhere);
    rmSync(elsewhere, { recursive: true });
    expect(code).toBe(1);
    expect(out).toContain('No watermark of this server was found.');
  }, 60_000);

  it('exits with 2 after an error', async () => {
    const { code, out, complaint } = await verify(files.path('none.mp4'));
    expect([code, out]).toEqual([2, '']);
    expect(complaint).toMatch(/^error LIVEDUB_E_INPUT_NOT_FOUND/);
    expect((await verify()).code).toBe(2);
  }, 60_000);
});
