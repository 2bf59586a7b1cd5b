import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { LivedubError } from '../../pipeline/errors.ts';
import { HttpServer } from './http-server.ts';
import { TooManyRequestsError } from './problem-status.ts';
import type { Route } from './route.ts';
import type { SocketRoute } from './socket-route.ts';
import { StaticFiles } from './static-files.ts';
import { openTestSocket } from './test-socket.ts';

const FOREIGN = { origin: 'https://evil.example' };

const routes: Route[] = [
  {
    method: 'post',
    pattern: '/own/:id/:part',
    maxBodyBytes: 1000,
    bodyTimeoutMs: 500,
    handle: async (exchange) => {
      const body = await exchange.jsonBody(z.object({ count: z.int() }));
      exchange.json({
        id: exchange.param('id'),
        part: exchange.param('part'),
        q: exchange.query('q'),
        ...body,
      });
    },
  },
  { method: 'get', pattern: '/own/:id/:part', handle: async (exchange) => exchange.json({ got: true }) },
  {
    method: 'post',
    pattern: '/shared/:id',
    origins: 'any',
    acceptPost: 'text/plain',
    handle: async (exchange) =>
      exchange.text(await exchange.textBody('text/plain'), 'text/plain', [['location', '/there']], 201),
  },
  { method: 'get', pattern: '/mixed', origins: 'any', handle: async (exchange) => exchange.json({}) },
  { method: 'delete', pattern: '/mixed', handle: async (exchange) => exchange.empty(204, []) },
  {
    method: 'get',
    pattern: '/fail/:code',
    handle: async (exchange) => {
      const code = exchange.param('code');
      if (code === 'LIVEDUB_E_TOO_MANY_REQUESTS') throw new TooManyRequestsError('Slower.', 1500);
      if (code === 'bug') throw new TypeError('x is undefined');
      throw new LivedubError(code as 'LIVEDUB_E_CLOSED', 'No.');
    },
  },
  { method: 'post', pattern: '/unread', handle: async (exchange) => exchange.empty(204, []) },
];

const closings: string[] = [];
const sockets: SocketRoute[] = [
  {
    pattern: '/echo/:id',
    origins: 'any',
    maxPayloadBytes: 2000,
    authorise: async (request) => {
      if (request.query('token') !== 'yes')
        throw new LivedubError('LIVEDUB_E_UNAUTHORISED', 'A token is needed.');
    },
    open: (socket, request) => {
      const id = request.param('id');
      socket.send({ id });
      return {
        onMessage: (text) => {
          if (text === 'wrong') throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'Not that.');
          if (text === 'bug') throw new TypeError('secret detail');
          if (text === 'flood') {
            for (let at = 0; at < 2000; at += 1) socket.sendDroppable({ at, more: 'x'.repeat(10_000) });
            socket.send({ end: true });
          } else socket.send({ echo: text });
        },
        onClose: () => closings.push(id),
      };
    },
  },
  { pattern: '/own-events', open: (socket) => ({ onClose: () => socket.close() }) },
];

describe('HttpServer', () => {
  let folder: string;
  let server: HttpServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-http-'));
    await mkdir(join(folder, 'assets'));
    for (const name of [
      'index.html',
      'desk.html',
      'watch.html',
      'publish.html',
      'player.js',
      'assets/a.js',
    ]) {
      await writeFile(join(folder, name), name);
    }
    const page = await StaticFiles.open({ folder });
    server = await HttpServer.listen({ routes: [...routes, ...page.routes()], sockets, port: 0 });
  });
  afterAll(async () => {
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
    ask(server.port, 'POST', path, { 'content-type': 'application/json', ...headers }, body);

  describe('bodies', () => {
    it('reads a body, parameters of the address and the query', async () => {
      const answer = await post('/own/a/b?q=x%20y', '{"count":3}');
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toEqual({ id: 'a', part: 'b', q: 'x y', count: 3 });
    });

    it.each([
      ['{"count":', 400, 'LIVEDUB_E_BAD_REQUEST', 'not JSON'],
      ['{"count":"3"}', 400, 'LIVEDUB_E_BAD_REQUEST', 'body.count'],
      ['', 400, 'LIVEDUB_E_BAD_REQUEST', 'not JSON'],
      [Buffer.from([0x22, 0xff, 0x22]), 400, 'LIVEDUB_E_BAD_REQUEST', 'UTF-8'],
      ['x'.repeat(1001), 413, 'LIVEDUB_E_BODY_TOO_LARGE', '1000'],
      ['x'.repeat(20_000_000), 413, 'LIVEDUB_E_BODY_TOO_LARGE', '1000'],
    ])('refuses %#', async (body, status, code, words) => {
      const answer = await post('/own/a/b', body);
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.body)).toMatchObject({ code, message: expect.stringContaining(words) });
    });

    it('refuses a body without end, without keeping it', async () => {
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(server.port, '127.0.0.1');
        let text = '';
        socket.on('error', reject);
        socket.on('data', (chunk) => {
          text += chunk.toString();
          socket.destroy();
          resolve(text);
        });
        socket.write(
          `POST /own/a/b HTTP/1.1\r\nhost: localhost:${server.port}\r\ncontent-type: application/json\r\ncontent-length: 999999999\r\n\r\n`,
        );
      });
      expect(answer).toMatch(/^HTTP\/1.1 413 /);
    });

    it('takes a body that comes in pieces', async () => {
      const text = JSON.stringify({ count: 7, more: 'y'.repeat(900) });
      const answer = await new Promise<Answer>((resolve, reject) => {
        const request = httpRequest(
          {
            port: server.port,
            host: '127.0.0.1',
            method: 'POST',
            path: '/own/a/b',
            headers: { 'content-type': 'application/json', 'content-length': text.length },
          },
          (response) => resolve(answerOf(response)),
        );
        request.on('error', reject);
        let at = 0;
        const timer = setInterval(() => {
          request.write(text.slice(at, at + 200));
          at += 200;
          if (at < text.length) return;
          clearInterval(timer);
          request.end();
        }, 10);
      });
      expect(answer.status).toBe(200);
    });

    it('gives up on a body that does not come', async () => {
      const began = Date.now();
      const text = await new Promise<string>((resolve, reject) => {
        const socket = connect(server.port, '127.0.0.1');
        let got = '';
        socket.on('error', reject);
        socket.on('data', (chunk) => {
          got += chunk.toString();
        });
        socket.on('close', () => resolve(got));
        socket.write(
          `POST /own/a/b HTTP/1.1\r\nhost: localhost:${server.port}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
        );
      });
      expect(text).toMatch(/^HTTP\/1.1 408 /);
      expect(Date.now() - began).toBeLessThan(3000);
    });

    it('ends an answer without a body, so that the connection goes on', async () => {
      const etag = (await ask(server.port, 'GET', '/')).headers.etag ?? '';
      for (let turn = 0; turn < 2; turn += 1) {
        const answer = await ask(server.port, 'GET', '/', { 'if-none-match': etag });
        expect(answer).toMatchObject({ status: 304, body: '' });
        expect(answer.headers['content-length']).toBeUndefined();
      }
    });

    it('survives a client that leaves in the middle', async () => {
      await new Promise<void>((resolve) => {
        const socket = connect(server.port, '127.0.0.1');
        socket.write(
          `POST /own/a/b HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
          () => {
            socket.destroy();
            resolve();
          },
        );
      });
      expect((await post('/own/a/b', '{"count":1}')).status).toBe(200);
    });

    it('wants the right media type, with or without parameters', async () => {
      const wrong = await post('/own/a/b', '{"count":1}', { 'content-type': 'text/plain' });
      expect(wrong.status).toBe(415);
      expect(JSON.parse(wrong.body)).toMatchObject({ code: 'LIVEDUB_E_MEDIA_TYPE' });
      const right = { 'content-type': 'Application/JSON; charset=utf-8' };
      expect((await post('/own/a/b', '{"count":1}', right)).status).toBe(200);
    });

    it('answers a handler that does not read the body', async () => {
      expect((await post('/unread', 'x'.repeat(500_000))).status).toBe(204);
      expect((await post('/own/a/b', '{"count":1}')).status).toBe(200);
    });
  });

  describe('methods', () => {
    it.each(['PUT', 'PATCH', 'DELETE'])('answers %s 405 where there are others', async (method) => {
      const answer = await ask(server.port, method, '/own/a/b');
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('OPTIONS, POST, GET, HEAD');
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'LIVEDUB_E_METHOD_NOT_ALLOWED' });
    });

    it('answers 404 where there is nothing', async () => {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        expect((await ask(server.port, method, '/nowhere/at/all')).status).toBe(404);
      }
    });

    it('answers HEAD as GET, without the body', async () => {
      const answer = await ask(server.port, 'HEAD', '/own/a/b');
      expect(answer).toMatchObject({ status: 200, body: '' });
      expect(answer.headers['content-length']).toBe('12');
    });
  });

  describe('other sites', () => {
    it('may not change anything of ours', async () => {
      expect((await post('/own/a/b', '{"count":1}', FOREIGN)).status).toBe(403);
      expect((await ask(server.port, 'DELETE', '/mixed', FOREIGN)).status).toBe(403);
      const preflight = await ask(server.port, 'OPTIONS', '/own/a/b', FOREIGN);
      expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
      const read = await ask(server.port, 'GET', '/own/a/b', FOREIGN);
      expect(read.headers).toMatchObject({ 'cross-origin-resource-policy': 'same-origin' });
      expect(read.headers['access-control-allow-origin']).toBeUndefined();
    });

    it('may use what is shared, and are told how', async () => {
      const preflight = await ask(server.port, 'OPTIONS', '/shared/x', {
        ...FOREIGN,
        'access-control-request-method': 'POST',
      });
      expect(preflight.status).toBe(200);
      expect(preflight.headers).toMatchObject({
        allow: 'OPTIONS, POST',
        'accept-post': 'text/plain',
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization, content-type, if-match',
        'access-control-max-age': '7200',
      });
      const answer = await post('/shared/x', 'hello', { ...FOREIGN, 'content-type': 'text/plain' });
      expect(answer).toMatchObject({ status: 201, body: 'hello' });
      expect(answer.headers).toMatchObject({
        location: '/there',
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
      });
      expect(answer.headers['access-control-expose-headers']).toContain('location');
      const refusal = await post('/shared/x', '{}', FOREIGN);
      expect(refusal.status).toBe(415);
      expect(refusal.headers['access-control-allow-origin']).toBe('*');
    });

    it('are allowed only the shared methods of an address that has both', async () => {
      const preflight = await ask(server.port, 'OPTIONS', '/mixed', FOREIGN);
      expect(preflight.headers).toMatchObject({
        allow: 'OPTIONS, GET, HEAD, DELETE',
        'access-control-allow-methods': 'GET, HEAD',
      });
    });

    it('get nothing under another name for loopback, shared or not', async () => {
      for (const path of ['/own/a/b', '/mixed', '/player.js']) {
        expect((await ask(server.port, 'GET', path, { host: 'evil.example' })).status).toBe(403);
      }
    });

    it('may load the player, but not our pages', async () => {
      for (const path of ['/player.js', '/assets/a.js']) {
        const { headers } = await ask(server.port, 'GET', path, FOREIGN);
        expect(headers).toMatchObject({
          'cross-origin-resource-policy': 'cross-origin',
          'access-control-allow-origin': '*',
        });
      }
      const page = await ask(server.port, 'GET', '/', FOREIGN);
      expect(page.headers['cross-origin-resource-policy']).toBe('same-origin');
    });
  });

  it.each([
    ['/', 'index.html'],
    ['/desk', 'desk.html'],
    ['/desk/my-show', 'desk.html'],
    ['/watch/my-show', 'watch.html'],
    ['/publish/my-show', 'publish.html'],
  ])('serves %s', async (path, file) => {
    const answer = await ask(server.port, 'GET', path);
    expect(answer).toMatchObject({ status: 200, body: file });
    expect(answer.headers['content-type']).toContain('text/html');
    expect(answer.headers['permissions-policy']).toContain(
      'camera=(self), microphone=(self), display-capture=(self)',
    );
    expect(answer.headers['content-security-policy']).toContain("media-src 'self' blob:");
  });

  it.each([
    ['LIVEDUB_E_UNAUTHORISED', 401, 'www-authenticate', 'Bearer realm="livedub"'],
    ['LIVEDUB_E_FORBIDDEN', 403, 'www-authenticate', undefined],
    ['LIVEDUB_E_CONFLICT', 409, 'retry-after', undefined],
    ['LIVEDUB_E_SDP_UNSUPPORTED', 422, 'retry-after', undefined],
    ['LIVEDUB_E_TOO_MANY_REQUESTS', 429, 'retry-after', '2'],
    ['LIVEDUB_E_SFU_FAILED', 503, 'retry-after', '2'],
    ['bug', 500, 'retry-after', undefined],
  ])('answers %s with %i', async (code, status, header, value) => {
    const answer = await ask(server.port, 'GET', `/fail/${code}`);
    expect(answer.status).toBe(status);
    expect(answer.headers[header]).toBe(value);
  });

  describe('sockets', () => {
    it('open for who may, from any site where that is allowed', async () => {
      const socket = await openTestSocket(server.port, '/echo/a?token=yes', FOREIGN);
      expect(socket.status).toBe(101);
      expect(await socket.next()).toEqual({ id: 'a' });
      socket.send('hello');
      expect(await socket.next()).toEqual({ echo: 'hello' });
      socket.connection?.destroy();
      await expect.poll(() => closings).toContain('a');
    });

    it('are refused with a status and a problem', async () => {
      const noToken = await openTestSocket(server.port, '/echo/a');
      expect(noToken.status).toBe(401);
      expect(JSON.parse(noToken.body)).toMatchObject({ code: 'LIVEDUB_E_UNAUTHORISED' });
      expect((await openTestSocket(server.port, '/own-events', FOREIGN)).status).toBe(403);
      expect((await openTestSocket(server.port, '/own-events', { host: 'evil.example' })).status).toBe(403);
    });

    it('end with a reason for what should not have been sent, and without details for our own mistakes', async () => {
      for (const [text, code, reason] of [
        ['wrong', 1008, 'LIVEDUB_E_BAD_REQUEST: Not that.'],
        ['bug', 1011, 'LIVEDUB_E_INTERNAL'],
      ] as const) {
        const socket = await openTestSocket(server.port, '/echo/b?token=yes');
        socket.send(text);
        expect(await socket.closed).toEqual({ code, reason });
      }
      const quiet = await openTestSocket(server.port, '/own-events');
      quiet.send('anything');
      expect((await quiet.closed).code).toBe(1008);
    });

    it('end for a message that is too long', async () => {
      const socket = await openTestSocket(server.port, '/echo/c?token=yes');
      socket.send('x'.repeat(70_000));
      expect((await socket.closed).code).not.toBe(1000);
      expect((await ask(server.port, 'GET', '/mixed')).status).toBe(200);
    });

    it('drop what a stalled client can do without, and give it the rest when it reads again', async () => {
      const socket = await openTestSocket(server.port, '/echo/d?token=yes');
      await socket.next();
      socket.connection?.pause();
      socket.send('flood');
      await new Promise((resolve) => setTimeout(resolve, 300));
      socket.connection?.resume();
      let received = 0;
      let last: { at?: number; end?: boolean } = {};
      let newest = -1;
      while (!last.end) {
        last = (await socket.next()) as typeof last;
        received += 1;
        newest = last.at ?? newest;
      }
      expect(newest).toBe(1999);
      expect(received).toBeLessThan(1900);
      socket.connection?.destroy();
    });

    it('end with the server', async () => {
      const second = await HttpServer.listen({ routes: [], sockets, port: 0 });
      const socket = await openTestSocket(second.port, '/echo/e?token=yes');
      await socket.next();
      second.close();
      second.close();
      expect(await socket.closed).toEqual({ code: 1001, reason: 'server stops' });
      expect(closings).toContain('e');
    });
  });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** fetch would set host, origin and length itself. No agent: a connection that rests 10 s is closed under it. */
function ask(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body: string | Uint8Array = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {};
    const request = httpRequest(
      { host: '127.0.0.1', port, method, path, agent: false, headers: { ...length, ...headers } },
      (response) => resolve(answerOf(response)),
    );
    request.on('error', reject);
    request.end(body);
  });
}

async function answerOf(response: import('node:http').IncomingMessage): Promise<Answer> {
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}
