import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MarkRegistryFile } from '../../db/mark-registry-file.ts';
import { deriveMarkKey, type MarkKey } from '../../pipeline/mark/mark-key.ts';
import { MediaFixtures } from '../../pipeline/media/media-fixtures.ts';
import type { MarkRequest } from '../../pipeline/ports/mark-registry.ts';
import { until } from '../../test/support/until.ts';
import { HttpServer } from '../http/http-server.ts';
import { VerifyReportSchema } from './contract.ts';
import { babble, marked, rawInput } from './test-clips.ts';
import { type VerifyRoutesOptions, verifyRoutes } from './verify-routes.ts';
import { VerifyService, type VerifyServiceOptions } from './verify-service.ts';

const files = new MediaFixtures();
const folder = files.path('uploads');
let key: MarkKey;
let registry: MarkRegistryFile;
let publicClip: Buffer;
let privateClip: Buffer;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  key = await deriveMarkKey({ master: new Uint8Array(32).fill(4), issuer: 'Example TV' });
  registry = await MarkRegistryFile.open({ folder: files.path('marks') });
  const clip = async (id: string, isPublic: boolean, seed: number) => {
    const request: MarkRequest = {
      keyId: key.keyId,
      issuer: key.issuer,
      channel: { id, title: `Title of ${id}`, isPublic },
      source: 'live',
      programme: id,
      language: 'es',
      mode: 'synced',
      kind: 'mix',
      startedAt: '2026-03-01T12:00:00.000Z',
    };
    const { rendition } = await registry.issue(request);
    await registry.end(rendition, 30);
    const sound = await marked(babble(10, seed), { key, rendition, minute: 17 });
    return readFileSync(files.make(`${id}.mp3`, ...rawInput(files, `${id}.raw`, sound), '-b:a', '64k'));
  };
  publicClip = await clip('my-show', true, 1);
  privateClip = await clip('board-room', false, 2);
}, 30_000);
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  expect(readdirSync(folder)).toEqual([]);
});
afterAll(() => files.remove());

async function serve(routes: Partial<VerifyRoutesOptions> = {}, service: Partial<VerifyServiceOptions> = {}) {
  mkdirSync(folder, { recursive: true });
  const verify = await VerifyService.open({ folder, keys: async () => [key], registry, ...service });
  const server = await HttpServer.listen({ port: 0, routes: verifyRoutes({ verify, ...routes }) });
  closers.push(
    () => server.close(),
    () => verify.close(),
  );
  const address = `http://127.0.0.1:${server.port}/v1/verify`;
  return {
    port: server.port,
    post: async (body: Buffer, headers: Record<string, string> = {}) => {
      const sent = { 'content-type': 'application/octet-stream', ...headers };
      const response = await fetch(address, { method: 'POST', body, headers: sent });
      const answer = (await response.json()) as Record<string, unknown>;
      return { status: response.status, headers: response.headers, answer };
    },
  };
}

describe('POST /v1/verify', () => {
  it('names a public channel to anyone, and keeps nothing', async () => {
    const { post } = await serve();
    const { status, headers, answer } = await post(publicClip, { origin: 'https://elsewhere.example' });
    expect(status).toBe(200);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    const report = VerifyReportSchema.parse(answer);
    expect(report.verdict).toBe('ours');
    expect(report.sound[0]!.findings[0]).toMatchObject({
      channel: { visibility: 'public', id: 'my-show', title: 'Title of my-show' },
      language: 'es',
      minute: 17,
    });
  }, 60_000);

  it('does not name a private channel, nor one that became private', async () => {
    const { post } = await serve();
    const { answer } = await post(privateClip);
    expect(answer).toMatchObject({ verdict: 'ours' });
    expect(VerifyReportSchema.parse(answer).sound[0]!.findings[0]).toMatchObject({
      channel: { visibility: 'private' },
      language: 'es',
      minute: 17,
    });
    expect(JSON.stringify(answer)).not.toMatch(/board|2026/);
    const changed = await serve({}, { isPublic: () => false });
    expect(JSON.stringify((await changed.post(publicClip)).answer)).not.toContain('my-show');
  }, 60_000);

  it.each([
    ['an empty body', () => Buffer.alloc(0), 422, 'LIVEDUB_E_INPUT_EMPTY'],
    ['random bytes', () => randomBytes(200_000), 422, 'LIVEDUB_E_INPUT_UNREADABLE'],
    ['text', () => Buffer.from('hello '.repeat(1000)), 422, 'LIVEDUB_E_INPUT_UNREADABLE'],
    ['a playlist', () => Buffer.from('#EXTM3U\nhttp://127.0.0.1/\n'), 422, 'LIVEDUB_E_INPUT_UNREADABLE'],
    ['too many bytes', () => randomBytes(1_000_001), 413, 'LIVEDUB_E_BODY_TOO_LARGE'],
  ] as const)('refuses %s, and does not say where it was kept', async (_name, body, expected, code) => {
    const { post } = await serve({ maxBytes: 1_000_000 });
    const { status, answer } = await post(body());
    expect([status, answer.code]).toEqual([expected, code]);
    expect(JSON.stringify(answer)).not.toContain(files.folder);
  });

  it('takes no forms', async () => {
    const { post } = await serve();
    const { status } = await post(publicClip, { 'content-type': 'multipart/form-data; boundary=x' });
    expect(status).toBe(415);
  });

  it('takes so many of one address in ten minutes, whom the proxy names where there is one', async () => {
    const { post } = await serve({ maxClipsPerTenMinutes: 1, trustProxy: true });
    const from = (address: string) => post(Buffer.alloc(0), { 'x-forwarded-for': `6.6.6.6, ${address}` });
    expect((await from('1.1.1.1')).status).toBe(422);
    const { status, headers } = await from('1.1.1.1');
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(500);
    expect((await from('2.2.2.2')).status).toBe(422);
  });

  it('refuses the newest when it is full, and examines the others one after another', async () => {
    const { post } = await serve({ trustProxy: true }, { maxClips: 2 });
    const sent = ['1.1.1.1', '2.2.2.2', '3.3.3.3'].map((address) =>
      post(publicClip, { 'x-forwarded-for': address }),
    );
    const statuses = (await Promise.all(sent)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 200, 503]);
    const own = await serve({}, { maxClipsPerClient: 1 });
    const both = await Promise.all([own.post(publicClip), own.post(publicClip)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 503]);
    expect((await own.post(publicClip)).status).toBe(200);
  }, 90_000);

  it('forgets a clip whose sender stops sending, or goes', async () => {
    const { port } = await serve({ bodyTimeoutMs: 500 });
    const send = (bytes: Buffer) => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      socket.write(
        `POST /v1/verify HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${publicClip.length}\r\n\r\n`,
      );
      socket.write(bytes);
      return socket;
    };
    const stalled = send(publicClip.subarray(0, 20_000));
    const text = await new Promise<string>((resolve) =>
      stalled.once('data', (data) => resolve(String(data))),
    );
    expect(text).toContain('LIVEDUB_E_BODY_TIMEOUT');
    const gone = send(publicClip);
    await until('the clip is here', () => readdirSync(folder).length === 1, { everyMs: 5 });
    gone.destroy();
    await until('it is gone', () => readdirSync(folder).length === 0);
  }, 20_000);

  it('answers in time, whatever is sent', async () => {
    const { post } = await serve({}, { limits: { wallSeconds: 3 } });
    const long = files.make(
      'long.flac',
      '-f',
      'lavfi',
      '-i',
      'anullsrc=r=8000:d=10800',
      '-compression_level',
      '0',
    );
    const startedMs = performance.now();
    const { answer } = await post(readFileSync(long));
    expect(['nothing-to-examine', 'LIVEDUB_E_VERIFY_LIMIT']).toContain(answer.verdict ?? answer.code);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  }, 30_000);

  it('removes what a crash left', async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/old.clip`, 'x');
    utimesSync(`${folder}/old.clip`, new Date(0), new Date(0));
    await serve();
    expect(readdirSync(folder)).toEqual([]);
  });
});
