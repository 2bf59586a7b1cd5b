import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Exchange } from './exchange.ts';
import { HttpServer } from './http-server.ts';
import type { Route } from './route.ts';

const MAX_BYTES = 8 * 2 ** 20;
const failures: unknown[] = [];
let server: HttpServer;
let base: string;

const stream = (pattern: string, handle: (exchange: Exchange) => Promise<void>): Route => ({
  method: 'post',
  pattern,
  maxBodyBytes: MAX_BYTES,
  bodyTimeoutMs: 700,
  streamBody: true,
  handle,
});

async function digest(exchange: Exchange, pauseMs: number): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of exchange.bodyStream()) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      if (pauseMs > 0) await sleep(pauseMs);
    }
  } catch (error) {
    failures.push(error);
    throw error;
  }
  exchange.json({ bytes, sha256: hash.digest('hex') });
}

beforeAll(async () => {
  server = await HttpServer.listen({
    port: 0,
    routes: [
      stream('/digest', (exchange) => digest(exchange, 0)),
      stream('/slowly', (exchange) => digest(exchange, 5)),
      stream('/refuse', async () => {
        await sleep(50);
        throw new LivedubError('LIVEDUB_E_FORBIDDEN', 'No.');
      }),
    ],
  });
  base = `http://127.0.0.1:${server.port}`;
});
afterAll(() => server.close());

const post = (path: string, body: Uint8Array) =>
  fetch(`${base}${path}`, { method: 'POST', body: Buffer.from(body) });

/** Sends a head and some of the body it announces, then nothing. */
function half(path: string, announced: number, sent: number) {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${announced}\r\n\r\n`);
  socket.write(randomBytes(sent));
  return socket;
}

describe('a body that is read as it comes', () => {
  it.each([0, 1, 6 * 2 ** 20])('arrives whole: %d bytes', async (size) => {
    const body = randomBytes(size);
    const answer = await (await post('/digest', body)).json();
    expect(answer).toEqual({ bytes: size, sha256: createHash('sha256').update(body).digest('hex') });
  });

  it('is held back while the reader is busy, and loses nothing by it', async () => {
    const body = randomBytes(6 * 2 ** 20);
    const answer = await (await post('/slowly', body)).json();
    expect(answer).toMatchObject({ sha256: createHash('sha256').update(body).digest('hex') });
  });

  it('is refused when it is too large, announced or not', async () => {
    expect((await post('/digest', randomBytes(MAX_BYTES + 1))).status).toBe(413);
    const status = await new Promise<number>((resolve, reject) => {
      const sending = request(`${base}/digest`, { method: 'POST' }, (answer) => resolve(answer.statusCode!));
      sending.on('error', reject);
      // Without a length, it is sent in chunks.
      for (let sent = 0; sent <= MAX_BYTES; sent += 2 ** 20) sending.write(randomBytes(2 ** 20));
      sending.end();
    });
    expect(status).toBe(413);
  });

  it('may be answered before it was read, while it is held back', async () => {
    const answer = await post('/refuse', randomBytes(4 * 2 ** 20));
    expect(answer.status).toBe(403);
    expect((await post('/digest', randomBytes(10))).status).toBe(200);
  });

  it('is given up when it stops coming, or when the client goes', async () => {
    failures.length = 0;
    const stalled = half('/digest', 1000, 500);
    const text = await new Promise<string>((resolve) =>
      stalled.once('data', (data) => resolve(String(data))),
    );
    expect(text).toContain('408');
    stalled.destroy();
    const leaving = half('/digest', 1000, 500);
    await sleep(100);
    leaving.destroy();
    await sleep(100);
    expect(failures).toMatchObject([{ code: 'LIVEDUB_E_BODY_TIMEOUT' }, { code: 'LIVEDUB_E_ABORTED' }]);
  });
});
