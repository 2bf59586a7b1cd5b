import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HttpServer } from '../http/http-server.ts';
import { openTestSocket } from '../http/test-socket.ts';
import { Access } from './access.ts';
import type { TokenScope } from './contract.ts';
import { FakeLiveApi } from './live-api-fake.ts';
import { liveRoutes } from './live-routes.ts';
import { liveSockets } from './live-sockets.ts';
import { Tokens } from './tokens.ts';

const SECRET = 'a secret of more than thirty-two characters';
const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const FOREIGN = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
const settings = { title: 'My show', from: 'en', languages: [{ language: 'es' }] };

describe('the live routes', () => {
  let live: FakeLiveApi;
  let tokens: Tokens;
  let server: HttpServer;
  let base: string;

  /** @param listenHost what the rules of access believe; the test's server is on loopback in any case */
  const start = async (listenHost = '127.0.0.1', limits = {}): Promise<void> => {
    server?.close();
    const access = new Access({ tokens, listenHost, ...limits });
    server = await HttpServer.listen({
      routes: liveRoutes({ live, access, tokens }),
      sockets: liveSockets({ live, access }),
      port: 0,
    });
    base = `http://127.0.0.1:${server.port}`;
  };

  const bearer = async (scope: TokenScope, channel = 'my-show'): Promise<Record<string, string>> => {
    const { token } = await tokens.issue({ scope: [scope], channel, expiresInSeconds: 60 });
    return { authorization: `Bearer ${token}` };
  };

  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    fetch(base + path, { method, headers, ...(body === undefined ? {} : { body }) });

  const askJson = (method: string, path: string, value: unknown, headers: Record<string, string> = {}) =>
    ask(method, path, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));

  const publish = async (path = '/v1/channels/my-show/whip', headers?: Record<string, string>) =>
    ask('POST', path, { 'content-type': SDP, ...(headers ?? (await bearer('publish'))) }, 'v=0');

  const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

  beforeEach(async () => {
    live = new FakeLiveApi();
    tokens = await Tokens.open({ dataDir: '/nowhere', secret: SECRET });
    await start();
    await askJson('POST', '/v1/channels', { ...settings, id: 'my-show' });
    await askJson('POST', '/v1/channels', { ...settings, id: 'secret-show', isPublic: false });
  });
  afterEach(() => {
    vi.useRealTimers();
    server.close();
  });

  describe('channels', () => {
    it('are made, shown, changed and removed, with addresses that can be copied', async () => {
      const made = await askJson('POST', '/v1/channels', { ...settings, id: 'new-show' });
      expect(made.status).toBe(201);
      expect(made.headers.get('location')).toBe('/v1/channels/new-show');
      expect(await made.json()).toMatchObject({
        id: 'new-show',
        delayMs: 6000,
        publish: { whip: `${base}/v1/channels/new-show/whip`, page: `${base}/publish/new-show` },
        watch: { page: `${base}/watch/new-show` },
      });
      const shown = await ask('GET', '/v1/channels/new-show');
      expect(await shown.json()).toMatchObject({ settings: { title: 'My show' } });
      const changed = await askJson('PATCH', '/v1/channels/new-show', { title: 'Other' });
      expect(await changed.json()).toMatchObject({ title: 'Other' });
      expect(live.changes).toEqual([{ title: 'Other' }]);
      expect((await ask('DELETE', '/v1/channels/new-show')).status).toBe(204);
      expect((await ask('GET', '/v1/channels/new-show')).status).toBe(404);
    });

    it.each([
      ['POST', '/v1/channels', { ...settings, id: 'my-show' }, 409, 'LIVEDUB_E_CONFLICT'],
      ['POST', '/v1/channels', { ...settings, id: 'NO' }, 400, 'LIVEDUB_E_BAD_REQUEST'],
      ['POST', '/v1/channels', { ...settings, delayMs: 1 }, 400, 'LIVEDUB_E_BAD_REQUEST'],
      ['POST', '/v1/channels', { title: 'x'.repeat(300_000) }, 413, 'LIVEDUB_E_BODY_TOO_LARGE'],
      ['PATCH', '/v1/channels/my-show', {}, 400, 'LIVEDUB_E_BAD_REQUEST'],
      ['PATCH', '/v1/channels/no-show', { title: 'x' }, 404, 'LIVEDUB_E_NOT_FOUND'],
      ['POST', '/v1/channels/my-show/languages/fr', { control: 'mute' }, 404, 'LIVEDUB_E_NOT_FOUND'],
      ['POST', '/v1/channels/my-show/languages/es', { control: 'burn' }, 400, 'LIVEDUB_E_BAD_REQUEST'],
      ['PATCH', '/v1/channels/my-show', { faceConsent: 'yes' }, 400, 'LIVEDUB_E_BAD_REQUEST'],
      ['POST', '/v1/channels/my-show/languages/fr/face', { on: true }, 404, 'LIVEDUB_E_NOT_FOUND'],
      ['POST', '/v1/channels/my-show/languages/es/face', { on: 'yes' }, 400, 'LIVEDUB_E_BAD_REQUEST'],
      ['POST', '/v1/channels/my-show/languages/es/face', {}, 400, 'LIVEDUB_E_BAD_REQUEST'],
      ['POST', '/v1/channels/my-show/languages/No!/face', { on: true }, 400, 'LIVEDUB_E_BAD_REQUEST'],
      ['GET', '/v1/channels/my-show/languages/es/face', undefined, 405, 'LIVEDUB_E_METHOD_NOT_ALLOWED'],
      ['PUT', '/v1/channels/my-show', {}, 405, 'LIVEDUB_E_METHOD_NOT_ALLOWED'],
    ])('refuse %s %s %#', async (method, path, body, status, code) => {
      const response = body === undefined ? await ask(method, path) : await askJson(method, path, body);
      expect([response.status, await codeOf(response)]).toEqual([status, code]);
    });

    it('have the faces of one language switched on and off by who manages them', async () => {
      const path = '/v1/channels/my-show/languages/es/face';
      const foreign = await askJson('POST', path, { on: true }, FOREIGN);
      expect([401, 403]).toContain(foreign.status);
      const on = await askJson('POST', path, { on: true });
      expect(on.status).toBe(200);
      expect(await on.json()).toMatchObject({ settings: { languages: [{ language: 'es', face: true }] } });
      const off = await askJson('POST', path, { on: false });
      expect(await off.json()).toMatchObject({ settings: { languages: [{ language: 'es', face: false }] } });
    });

    it('are listed when public, all of them for who manages all', async () => {
      const ids = async (headers: Record<string, string>) =>
        (
          (await (await ask('GET', '/v1/channels', headers)).json()) as { channels: { id: string }[] }
        ).channels.map(({ id }) => id);
      expect(await ids({})).toEqual(['my-show', 'secret-show']);
      expect(await ids(FOREIGN)).toEqual(['my-show']);
      expect(await ids(await bearer('manage', 'my-show'))).toEqual(['my-show']);
      expect(await ids({ ...FOREIGN, ...(await bearer('manage', '*')) })).toEqual(['my-show', 'secret-show']);
    });

    it('tell another site no more than viewers are told', async () => {
      for (const headers of [
        FOREIGN,
        { 'sec-fetch-site': 'cross-site' },
        { 'x-forwarded-for': '192.0.2.1' },
      ]) {
        const shown = await ask('GET', '/v1/channels/my-show', headers);
        expect(await shown.json()).not.toHaveProperty('publish');
        expect(shown.headers.get('access-control-allow-origin')).toBe('*');
        const hidden = await ask('GET', '/v1/channels/secret-show', headers);
        expect([hidden.status, await codeOf(hidden)]).toEqual([401, 'LIVEDUB_E_UNAUTHORISED']);
      }
      const watcher = await ask('GET', '/v1/channels/secret-show', {
        ...FOREIGN,
        ...(await bearer('watch', 'secret-show')),
      });
      expect(watcher.status).toBe(200);
      expect(await watcher.json()).not.toHaveProperty('settings');
    });

    it('mute, hold and stop a language', async () => {
      const response = await askJson('POST', '/v1/channels/my-show/languages/es', { control: 'hold' });
      expect(await response.json()).toMatchObject({ renditions: [{ language: 'es', control: 'hold' }] });
    });
  });

  describe('rights', () => {
    it('to manage need a token once the server can be reached from elsewhere', async () => {
      await start('0.0.0.0');
      const bare = await askJson('POST', '/v1/channels', settings);
      expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="livedub"']);
      expect((await askJson('POST', '/v1/channels', settings, await bearer('manage'))).status).toBe(403);
      expect((await askJson('POST', '/v1/channels', settings, await bearer('manage', '*'))).status).toBe(201);
      expect((await ask('DELETE', '/v1/channels/my-show', await bearer('publish'))).status).toBe(403);
      expect((await ask('DELETE', '/v1/channels/my-show', await bearer('manage'))).status).toBe(204);
    });

    it('are given on by who manages, within their own', async () => {
      const order = { scope: ['watch'], channel: 'secret-show', expiresInSeconds: 3600 };
      const made = await askJson('POST', '/v1/tokens', order);
      expect(made.status).toBe(201);
      const { token } = (await made.json()) as { token: string };
      const seen = await ask('GET', `/v1/channels/secret-show?token=${token}`, FOREIGN);
      expect(seen.status).toBe(200);
      const other = await askJson('POST', '/v1/tokens', order, await bearer('manage', 'my-show'));
      expect([other.status, await codeOf(other)]).toEqual([403, 'LIVEDUB_E_FORBIDDEN']);
      expect((await askJson('POST', '/v1/tokens', { ...order, expiresInSeconds: 1 })).status).toBe(400);
    });

    it('are refused for a while to an address that keeps guessing', async () => {
      await start('127.0.0.1', { maxFailuresPerMinute: 3 });
      const guess = { authorization: 'Bearer guess' };
      for (let turn = 0; turn < 3; turn += 1) expect((await publish(undefined, guess)).status).toBe(401);
      const refused = await publish(undefined, guess);
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
      expect((await publish()).status).toBe(429);
      // Who has no token to check is not held up.
      expect((await ask('GET', '/v1/channels')).status).toBe(200);
    });
  });

  describe('WHIP', () => {
    it('opens, trickles, restarts and ends a session', async () => {
      const headers = await bearer('publish');
      const made = await publish('/v1/channels/my-show/whip?track=speech', headers);
      expect(made.status).toBe(201);
      expect(await made.text()).toBe('v=0 answer to v=0');
      const location = made.headers.get('location') ?? '';
      expect(location).toMatch(new RegExp(`^${base}/v1/channels/my-show/whip/session-1`));
      expect(made.headers.get('content-type')).toBe(SDP);
      expect(made.headers.get('etag')).toBe('"ice-1"');
      expect(made.headers.get('accept-patch')).toBe(FRAGMENT);
      expect(made.headers.get('access-control-expose-headers')).toContain('etag');
      expect(made.headers.get('link')).toBe(
        '<stun:stun.example.net>; rel="ice-server", <turn:turn.example.net?transport=udp>; rel="ice-server"; ' +
          'username="me"; credential="a \\"b\\""; credential-type="password"',
      );
      expect(live.whip.orders).toEqual([
        { channelId: 'my-show', offer: 'v=0', track: 'speech', takeOver: false },
      ]);

      const path = location.slice(base.length);
      const patch = (more: Record<string, string>, body = 'a=candidate:1') =>
        ask('PATCH', path, { 'content-type': FRAGMENT, ...headers, ...more }, body);
      const bare = await patch({});
      expect([bare.status, await codeOf(bare)]).toEqual([428, 'LIVEDUB_E_PRECONDITION_REQUIRED']);
      const stale = await patch({ 'if-match': '"ice-0"' });
      expect([stale.status, await codeOf(stale)]).toEqual([412, 'LIVEDUB_E_PRECONDITION_FAILED']);
      expect((await patch({ 'if-match': 'W/"ice-1"' })).status).toBe(412);
      const trickled = await patch({ 'if-match': '"ice-1"' });
      expect([trickled.status, trickled.headers.get('etag')]).toEqual([204, null]);
      for (const any of ['*', '"*"']) {
        const restarted = await patch({ 'if-match': any }, 'a=ice-ufrag:new');
        expect(restarted.status).toBe(200);
        expect(restarted.headers.get('content-type')).toBe(FRAGMENT);
        expect(restarted.headers.get('etag')).toBe('"ice-2"');
        expect(await restarted.text()).toBe('a=ice-ufrag:ours\r\n');
      }
      expect((await patch({ 'if-match': '"ice-1"' })).status).toBe(412);
      expect((await patch({ 'if-match': '"ice-2"', 'content-type': SDP })).status).toBe(415);

      expect((await ask('DELETE', path)).status).toBe(401);
      const ended = await ask('DELETE', path, { ...headers, 'if-match': '"ignored"' });
      expect([ended.status, await ended.text()]).toEqual([200, '']);
      expect((await ask('DELETE', path, headers)).status).toBe(404);
      expect((await patch({ 'if-match': '*' })).status).toBe(404);
    });

    it('takes the short address, and a token in it for encoders that send no headers', async () => {
      const { token } = await tokens.issue({ scope: ['publish'], channel: '*', expiresInSeconds: 60 });
      const made = await publish(`/whip/my-show?token=${token}&takeover=1`, {});
      expect(made.status).toBe(201);
      expect(live.whip.orders[0]).toMatchObject({ takeOver: true, track: 'programme' });
      const location = made.headers.get('location') ?? '';
      expect((await fetch(location, { method: 'DELETE' })).status).toBe(200);
    });

    it.each([
      ['no token', {}, 401, 'LIVEDUB_E_UNAUTHORISED'],
      ['a token that is none', { authorization: 'Bearer abc' }, 401, 'LIVEDUB_E_UNAUTHORISED'],
      ['another scheme', { authorization: 'Basic abc' }, 401, 'LIVEDUB_E_UNAUTHORISED'],
      ['another media type', { 'content-type': 'text/plain' }, 415, 'LIVEDUB_E_MEDIA_TYPE'],
      ['another media type wanted', { accept: 'text/html' }, 406, 'LIVEDUB_E_NOT_ACCEPTABLE'],
      ['SDP not wanted', { accept: 'application/sdp;q=0' }, 406, 'LIVEDUB_E_NOT_ACCEPTABLE'],
    ])('refuses %s', async (what, headers, status, code) => {
      const token = what.includes('token') || what.includes('scheme') ? {} : await bearer('publish');
      const response = await ask(
        'POST',
        '/v1/channels/my-show/whip',
        { 'content-type': SDP, ...token, ...(headers as Record<string, string>) },
        'v=0',
      );
      expect([response.status, await codeOf(response)]).toEqual([status, code]);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(live.whip.orders).toEqual([]);
    });

    it.each([
      ['LIVEDUB_E_SDP_INVALID', 400, null],
      ['LIVEDUB_E_NOT_FOUND', 404, null],
      ['LIVEDUB_E_CONFLICT', 409, null],
      ['LIVEDUB_E_SDP_UNSUPPORTED', 422, null],
      ['LIVEDUB_E_SFU_FAILED', 503, '2'],
    ])('passes %s on as %i', async (code, status, retryAfter) => {
      const headers = { 'content-type': SDP, ...(await bearer('publish')) };
      const response = await ask('POST', '/whip/my-show', headers, code);
      expect([response.status, response.headers.get('retry-after')]).toEqual([status, retryAfter]);
      expect(await codeOf(response)).toBe(code);
    });

    it('refuses an expired token, saying so, one of another scope and one of another channel', async () => {
      for (const headers of [await bearer('watch'), await bearer('publish', 'other-show')]) {
        const response = await publish(undefined, headers);
        expect([response.status, await codeOf(response)]).toEqual([403, 'LIVEDUB_E_FORBIDDEN']);
      }
      const headers = await bearer('publish');
      vi.useFakeTimers({ now: Date.now() + 120_000, toFake: ['Date'] });
      const expired = await publish(undefined, headers);
      expect(expired.status).toBe(401);
      expect(await expired.json()).toMatchObject({ message: 'This token has expired.' });
    });

    it('refuses an offer that is too large', async () => {
      const headers = { 'content-type': SDP, ...(await bearer('publish')) };
      const response = await ask('POST', '/whip/my-show', headers, 'v=0'.repeat(50_000));
      expect([response.status, await codeOf(response)]).toEqual([413, 'LIVEDUB_E_BODY_TOO_LARGE']);
    });

    it('lets any site ask how, answers GET with nothing and other methods with 405', async () => {
      const { headers, status } = await ask('OPTIONS', '/v1/channels/my-show/whip', FOREIGN);
      expect(status).toBe(200);
      expect(headers.get('accept-post')).toBe(SDP);
      expect(headers.get('access-control-allow-methods')).toContain('POST');
      expect(headers.get('access-control-allow-headers')).toBe('authorization, content-type, if-match');
      const session = await ask('OPTIONS', '/v1/channels/my-show/whip/abc', FOREIGN);
      expect(session.headers.get('access-control-allow-methods')).toContain('PATCH, DELETE');
      for (const path of ['/whip/my-show', '/whip/my-show/abc', '/v1/channels/my-show/whep']) {
        const nothing = await ask('GET', path);
        expect([nothing.status, await nothing.text()]).toEqual([204, '']);
        expect((await ask('PUT', path, {}, 'v=0')).status).toBe(405);
      }
      expect((await ask('DELETE', '/whip/my-show')).status).toBe(405);
      expect((await ask('POST', '/whip/my-show/abc', {}, '')).status).toBe(405);
    });

    it('opens only so many sessions for an address', async () => {
      await start('127.0.0.1', { maxSessionsPerMinute: 2 });
      expect((await publish()).status).toBe(201);
      expect((await publish()).status).toBe(201);
      const third = await publish();
      expect([third.status, await codeOf(third)]).toEqual([429, 'LIVEDUB_E_TOO_MANY_REQUESTS']);
    });
  });

  describe('WHEP', () => {
    it('plays a public channel to anyone, in a language and mode', async () => {
      const play = (query: string, channel = 'my-show', headers = {}) =>
        ask(
          'POST',
          `/v1/channels/${channel}/whep${query}`,
          { 'content-type': SDP, ...FOREIGN, ...headers },
          'v=0',
        );
      const made = await play('?lang=es&mode=synced');
      expect(made.status).toBe(201);
      expect((await play('')).status).toBe(201);
      expect((await play('?lang=es&mode=synced&face=0')).status).toBe(201);
      expect(live.whep.orders).toEqual([
        { channelId: 'my-show', offer: 'v=0', language: 'es', mode: 'synced', face: true },
        { channelId: 'my-show', offer: 'v=0', language: null, mode: 'interpret', face: true },
        { channelId: 'my-show', offer: 'v=0', language: 'es', mode: 'synced', face: false },
      ]);
      const path = (made.headers.get('location') ?? '').slice(base.length);
      expect((await ask('DELETE', path)).status).toBe(200);
      for (const [query, status] of [
        ['?lang=fr', 404],
        ['?lang=No!', 400],
        ['?mode=loud', 400],
        ['?lang=es&mode=synced&face=maybe', 400],
      ] as const) {
        expect((await play(query)).status).toBe(status);
      }
      expect((await play('', 'no-show')).status).toBe(404);
      expect((await play('', 'secret-show')).status).toBe(401);
      expect((await play('', 'secret-show', await bearer('watch', 'my-show'))).status).toBe(403);
      expect((await play('', 'secret-show', await bearer('watch', 'secret-show'))).status).toBe(201);
    });
  });

  it('starts, stops and hands out recordings, whole and in part', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'livedub-recording-'));
    try {
      live.recordingPath = join(folder, 'show.mp4');
      await writeFile(live.recordingPath, '0123456789');
      const started = await ask('POST', '/v1/channels/my-show/recordings');
      expect([started.status, await started.json()]).toMatchObject([201, { id: 'r1', state: 'recording' }]);
      const stopped = await ask('DELETE', '/v1/channels/my-show/recordings/current');
      expect([stopped.status, await stopped.json()]).toMatchObject([200, { state: 'finishing' }]);
      const path = '/v1/channels/my-show/recordings/r1/show.mp4';
      const part = await ask('GET', path, { range: 'bytes=2-4' });
      expect([part.status, await part.text()]).toEqual([206, '234']);
      expect(part.headers.get('content-range')).toBe('bytes 2-4/10');
      expect(part.headers.get('content-disposition')).toContain('show.mp4');
      expect((await ask('GET', path, FOREIGN)).status).toBe(401);
      expect((await ask('GET', path.replace('r1', 'r2'))).status).toBe(404);
      const again = await ask('POST', '/v1/channels/my-show/recordings/r1/retry');
      expect([again.status, await again.json()]).toMatchObject([202, { id: 'r1', state: 'finishing' }]);
      const face = '/v1/channels/my-show/recordings/r1/recording.es.face.mp4';
      const given = await ask('DELETE', face);
      expect([given.status, await given.json()]).toMatchObject([200, { id: 'r1', state: 'done' }]);
      expect((await ask('DELETE', '/v1/channels/my-show/recordings/r1')).status).toBe(204);
      expect(live.removed).toEqual(['r1/recording.es.face.mp4', 'r1']);
      for (const wrong of [face, '/v1/channels/my-show/recordings/r1']) {
        expect((await ask('DELETE', wrong.replace('r1', 'r2'))).status).toBe(404);
        expect([401, 403]).toContain((await ask('DELETE', wrong, FOREIGN)).status);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  describe('sockets', () => {
    it('serve viewers from any site, and the desk from ours with addresses that can be copied', async () => {
      const viewer = await openTestSocket(server.port, '/v1/channels/my-show/watch', FOREIGN);
      expect(await viewer.next()).toMatchObject({ kind: 'channel', channel: { id: 'my-show' } });
      viewer.send('{"kind":"join"}');
      await expect.poll(() => live.heard).toContain('{"kind":"join"}');
      viewer.connection?.destroy();
      await expect.poll(() => live.heard).toContain('closed');
      const desk = await openTestSocket(server.port, '/v1/channels/my-show/desk');
      expect(await desk.next()).toMatchObject({
        channel: { publish: { whip: `${base}/v1/channels/my-show/whip` } },
      });
      desk.connection?.destroy();
    });

    it('are refused without the right', async () => {
      const status = async (path: string, headers = {}) =>
        (await openTestSocket(server.port, path, headers)).status;
      const { token } = await tokens.issue({ scope: ['watch'], channel: '*', expiresInSeconds: 60 });
      expect(await status('/v1/channels/no-show/watch')).toBe(404);
      expect(await status('/v1/channels/secret-show/watch', FOREIGN)).toBe(401);
      expect(await status('/v1/channels/secret-show/watch')).toBe(101);
      expect(await status(`/v1/channels/secret-show/watch?token=${token}`)).toBe(101);
      expect(await status('/v1/channels/my-show/desk', FOREIGN)).toBe(403);
      expect(await status(`/v1/channels/my-show/desk?token=${token}`)).toBe(403);
      await start('0.0.0.0');
      expect(await status('/v1/channels/my-show/desk')).toBe(401);
    });
  });
});
