import { fork } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { get as httpGet } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DubRecord } from './jobs/dub-record.ts';
import { LivedubServer } from './livedub-server.ts';

const fixture = fileURLToPath(new URL('./worker/fixture-worker.mjs', import.meta.url));
const id = '0123456789abcdef'.repeat(2);
const media = Buffer.from(Array.from({ length: 1_500_000 }, (_, index) => index % 251));

const record: DubRecord = {
  id,
  key: 'k',
  title: 'Vidéo "one".mov',
  synthetic: false,
  state: 'done',
  createdAt: '2026-01-01T00:00:00.000Z',
  inputPath: '/elsewhere/a.mov',
  to: ['es'],
  from: 'auto',
  mode: 'synced',
  bed: 'duck',
  result: {
    sourceLanguage: 'en',
    partial: false,
    outFile: 'out/dub.mp4',
    reportFile: '../../secret.txt',
    tracks: [
      { id: 'original', language: 'en', title: 'Original', file: 'tracks/original.mp4' },
      { id: 'es', language: 'es', title: 'Español (AI dub)', tier: 'gist', file: 'tracks/es.mp4' },
    ],
    captions: [{ language: 'en', vtt: 'out/en.vtt', srt: 'out/en.srt' }],
  },
};

describe('the server', () => {
  let folder: string;
  let server: LivedubServer;
  let base: string;

  const options = (dataDir: string, port = 0) => ({
    dataDir,
    clientDir: join(folder, 'client'),
    version: '1.2.3',
    port,
    spawnLiveWorker: () => {
      throw new Error('no live worker in this test');
    },
    spawnWorker: () =>
      fork(fixture, [], { execArgv: [], detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-server-'));
    const dub = join(folder, 'data/dubs', id);
    for (const name of ['client/assets', `data/dubs/${id}/out`, `data/dubs/${id}/tracks`]) {
      await mkdir(join(folder, name), { recursive: true });
    }
    await writeFile(join(folder, 'client/index.html'), '<!doctype html><title>livedub</title>');
    await writeFile(join(folder, 'client/assets/a-1234.js'), 'export {};');
    await writeFile(join(folder, 'secret.txt'), 'secret');
    await writeFile(join(folder, 'data/secret.txt'), 'secret');
    await writeFile(join(dub, 'job.json'), JSON.stringify(record));
    await writeFile(join(dub, 'out/dub.mp4'), media);
    await writeFile(join(dub, 'out/en.vtt'), 'WEBVTT\n');
    await writeFile(join(dub, 'tracks/original.mp4'), media);
    await symlink(join(folder, 'secret.txt'), join(dub, 'tracks/es.mp4'));
    server = await LivedubServer.start(options(join(folder, 'data')));
    base = `http://127.0.0.1:${server.port}`;
  });

  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('tells its health', async () => {
    const health = await (await fetch(`${base}/v1/health`)).json();
    expect(health).toMatchObject({ status: 'ok', version: '1.2.3', queued: 0, running: 0 });
  });

  it('lists dubs and shows one', async () => {
    const { dubs } = (await (await fetch(`${base}/v1/dubs`)).json()) as { dubs: unknown[] };
    expect(dubs).toHaveLength(1);
    const dub = await (await fetch(`${base}/v1/dubs/${id}`)).json();
    expect(dub).toEqual(dubs[0]);
    expect(dub).toMatchObject({
      state: 'done',
      sourceLanguage: 'en',
      tracks: [{ id: 'original' }, { id: 'es', tier: 'gist', url: `/v1/dubs/${id}/media/es` }],
    });
    expect(JSON.stringify(dub)).not.toContain('elsewhere');
  });

  it('serves the page with its type, caching and security headers', async () => {
    const page = await fetch(`${base}/`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    const script = await fetch(`${base}/assets/a-1234.js`);
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(script.headers.get('cache-control')).toContain('immutable');
    const again = await fetch(`${base}/`, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  });

  it('serves a whole track and any part of it', async () => {
    const url = `${base}/v1/dubs/${id}/media/original`;
    const whole = await fetch(url);
    expect(whole.status).toBe(200);
    expect(whole.headers.get('content-type')).toBe('video/mp4');
    expect(Buffer.from(await whole.arrayBuffer()).equals(media)).toBe(true);
    const part = await fetch(url, { headers: { range: 'bytes=1000-700999' } });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe('bytes 1000-700999/1500000');
    expect(Buffer.from(await part.arrayBuffer()).equals(media.subarray(1000, 701_000))).toBe(true);
    const beyond = await fetch(url, { headers: { range: 'bytes=1500000-' } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get('content-range')).toBe('bytes */1500000');
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('1500000');
  });

  it('goes on when a client reads slowly or leaves in the middle', async () => {
    const url = `${base}/v1/dubs/${id}/media/original`;
    await new Promise<void>((resolve, reject) => {
      httpGet(url, (response) => {
        response.once('data', () => {
          response.destroy();
          resolve();
        });
      }).on('error', reject);
    });
    const slow = await new Promise<Buffer>((resolve, reject) => {
      httpGet(url, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          response.pause();
          setTimeout(() => response.resume(), 5);
        });
        response.on('end', () => resolve(Buffer.concat(chunks)));
      }).on('error', reject);
    });
    expect(slow.equals(media)).toBe(true);
  });

  it('offers the download under the title', async () => {
    const answer = await fetch(`${base}/v1/dubs/${id}/download`);
    expect(answer.headers.get('content-disposition')).toContain("filename*=UTF-8''Vid%C3%A9o");
    expect((await answer.arrayBuffer()).byteLength).toBe(media.length);
  });

  it.each([
    ['/v1/dubs/nonsense', 400, 'LIVEDUB_E_BAD_REQUEST'],
    [`/v1/dubs/${'f'.repeat(32)}`, 404, 'LIVEDUB_E_NOT_FOUND'],
    [`/v1/dubs/${id}/media/fr`, 404, 'LIVEDUB_E_NOT_FOUND'],
    [`/v1/dubs/${id}/media/..%2fjob.json`, 400, 'LIVEDUB_E_BAD_REQUEST'],
    [`/v1/dubs/${id}/captions/en.exe`, 400, 'LIVEDUB_E_BAD_REQUEST'],
    [`/v1/dubs/${id}/captions/de.vtt`, 404, 'LIVEDUB_E_NOT_FOUND'],
    ['/../../secret.txt', 404, 'LIVEDUB_E_NOT_FOUND'],
    ['/assets/..%2f..%2fsecret.txt', 404, 'LIVEDUB_E_NOT_FOUND'],
    ['/.stamp', 404, 'LIVEDUB_E_NOT_FOUND'],
    // A record that names a file outside, and a link that leads there.
    [`/v1/dubs/${id}/report`, 404, 'LIVEDUB_E_NOT_FOUND'],
    [`/v1/dubs/${id}/media/es`, 404, 'LIVEDUB_E_NOT_FOUND'],
  ])('answers %s with %i and %s', async (path, status, code) => {
    const answer = await rawGet(server.port, path);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({
      code,
      message: expect.any(String),
      remedy: expect.any(String),
    });
    expect(answer.body).not.toContain('secret"');
  });

  it('refuses other names for loopback and other sites', async () => {
    expect((await rawGet(server.port, '/v1/dubs', { host: 'evil.example' })).status).toBe(403);
    const foreign = await fetch(`${base}/v1/dubs/${id}`, {
      method: 'DELETE',
      headers: { origin: 'https://evil.example' },
    });
    expect(foreign.status).toBe(403);
  });

  it('runs a job to the result, a failure and a cancel', async () => {
    const request = { title: 't', to: ['es'], from: 'auto', mode: 'synced', bed: 'duck' } as const;
    const wait = async (dubId: string, state: string) => {
      for (let turn = 0; turn < 200 && server.dubs.get(dubId).state !== state; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return server.dubs.get(dubId);
    };
    const ok = server.dubs.create({ ...request, key: '1', inputPath: 'ok' });
    const bad = server.dubs.create({ ...request, key: '2', inputPath: 'fail' });
    const long = server.dubs.create({ ...request, key: '3', inputPath: 'hang' });
    const waiting = server.dubs.create({ ...request, key: '4', inputPath: 'hang' });
    expect(waiting.state).toBe('queued');
    expect(await wait(ok.id, 'done')).toMatchObject({ state: 'done', sourceLanguage: 'en' });
    expect(await wait(bad.id, 'failed')).toMatchObject({ error: { code: 'LIVEDUB_E_INPUT_NO_AUDIO' } });
    expect((await fetch(`${base}/v1/dubs/${waiting.id}`, { method: 'DELETE' })).status).toBe(202);
    expect(await wait(waiting.id, 'cancelled')).toMatchObject({ state: 'cancelled' });
    await wait(long.id, 'running');
    await fetch(`${base}/v1/dubs/${long.id}`, { method: 'DELETE' });
    expect(await wait(long.id, 'cancelled')).toMatchObject({ error: { code: 'LIVEDUB_E_ABORTED' } });
  });

  it('sends what happens over the WebSocket, but not to another site', async () => {
    const { status, texts } = await openSocket(server.port, {});
    expect(status).toBe(101);
    expect(JSON.parse(await texts())).toMatchObject({ kind: 'dubs' });
    server.dubs.create({
      title: 'x',
      key: '9',
      inputPath: 'ok',
      to: ['es'],
      from: 'auto',
      mode: 'synced',
      bed: 'duck',
    });
    expect(JSON.parse(await texts())).toMatchObject({ kind: 'dub', dub: { title: 'x' } });
    expect((await openSocket(server.port, { origin: 'https://evil.example' })).status).toBe(403);
  });

  it('says that a port is taken, by livedub or by another program', async () => {
    await expect(LivedubServer.start(options(join(folder, 'data2'), server.port))).rejects.toMatchObject({
      code: 'LIVEDUB_E_PORT_IN_USE',
    });
    const other = createServer();
    const port = await new Promise<number>((resolve) =>
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
    );
    await expect(LivedubServer.start(options(join(folder, 'data2'), port))).rejects.toMatchObject({
      code: 'LIVEDUB_E_PORT_IN_USE',
    });
    await new Promise((resolve) => other.close(resolve));
  });

  it('shows jobs that an earlier run did not finish as stopped', async () => {
    const data = join(folder, 'data3');
    const { result: _, ...rest } = record;
    await mkdir(join(data, 'dubs', id), { recursive: true });
    await mkdir(join(data, 'dubs', 'torn'), { recursive: true });
    await writeFile(join(data, 'dubs/torn/job.json'), '{"id": "to');
    await writeFile(join(data, 'dubs', id, 'job.json'), JSON.stringify({ ...rest, state: 'running' }));
    const second = await LivedubServer.start(options(data));
    expect(second.dubs.list()).toMatchObject([{ state: 'cancelled', error: { code: 'LIVEDUB_E_ABORTED' } }]);
    await second.close();
  });
});

/** fetch would tidy the path and set the host itself. */
function rawGet(port: number, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    httpGet({ host: '127.0.0.1', port, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    }).on('error', reject);
  });
}

/** A WebSocket by hand (Node 20 has no client): the server's frames carry no mask. */
function openSocket(port: number, headers: Record<string, string>) {
  return new Promise<{ status: number; texts: () => Promise<string> }>((resolve, reject) => {
    const request = httpGet({
      host: '127.0.0.1',
      port,
      path: '/v1/events',
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': Buffer.alloc(16, 7).toString('base64'),
        ...headers,
      },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, texts: () => Promise.reject(new Error('no socket')) });
    });
    request.on('upgrade', (response, socket, head) => {
      let bytes = head;
      let wake = () => {};
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        wake();
      });
      const texts = async () => {
        for (;;) {
          const short = (bytes[1] ?? 0) & 127;
          const start = short === 126 ? 4 : 2;
          const end = start + (short === 126 && bytes.length >= 4 ? bytes.readUInt16BE(2) : short);
          if (bytes.length >= start && bytes.length >= end) {
            const text = bytes.subarray(start, end).toString('utf8');
            bytes = bytes.subarray(end);
            return text;
          }
          await new Promise<void>((woken) => {
            wake = woken;
          });
        }
      };
      resolve({ status: response.statusCode ?? 0, texts });
    });
  });
}
