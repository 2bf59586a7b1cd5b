import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import { MediaFixtures } from '../../pipeline/media/media-fixtures.ts';
import { MediaTimeline } from '../../pipeline/rtp/media-time.ts';
import { IngestListeners } from '../../server/live/ingest/ingest-listeners.ts';
import { flashAndBeep, TestReceiver } from '../../server/live/ingest/test-support.ts';
import type { ToolIngest } from '../../server/live/ingest/tool-ingest.ts';
import { workerBin } from '../../sfu/test-support.ts';
import { SfuWorkerPool } from '../../sfu/worker-pool.ts';

/** The command itself, FFmpeg, SRT and mediasoup; only the server's answer about the channel is made here. */
describe.skipIf(workerBin === undefined)('livedub replay --live', () => {
  const fixtures = new MediaFixtures();
  let pool: SfuWorkerPool;
  let server: Server;
  let address: string;
  let file: string;
  let srt: string | undefined;
  let dubbingSource = 'programme';
  beforeAll(async () => {
    pool = await SfuWorkerPool.start({ workerBin: workerBin!, count: 1 });
    file = fixtures.make(
      'film.mp4',
      ...flashAndBeep(7),
      ...['-f', 'lavfi', '-i', 'sine=f=300:d=7', '-map', '0:v', '-map', '1:a', '-map', '2:a'],
      ...['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-bf', '2', '-c:a', 'aac'],
    );
    server = createServer((request, response) => {
      const answer = (status: number, body: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (request.url !== '/v1/channels/my-show')
        return answer(404, { code: 'LIVEDUB_E_NOT_FOUND', message: 'no', remedy: 'none' });
      if (request.headers.authorization !== 'Bearer good')
        return answer(401, {
          code: 'LIVEDUB_E_UNAUTHORISED',
          message: 'The token is none.',
          remedy: 'Another.',
        });
      return answer(200, operatorView(srt, dubbingSource));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server?.close();
    await pool?.close();
    fixtures.remove();
  });

  async function livedub(...args: string[]): Promise<{ code: number; stderr: string }> {
    const bin = path.join(repositoryRoot, 'cli/bin/livedub.mjs');
    const child = spawn(process.execPath, [bin, 'replay', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = (await once(child, 'close')) as [number];
    return { code, stderr };
  }
  const show = (token = 'good') => ['--live', '--channel', 'my-show', '--server', address, '--token', token];

  it('plays a file into the channel to its very end, with clean speech as the second sound', async () => {
    const router = await pool.createRouter();
    let arrive: (ingest: ToolIngest) => void = () => {};
    const arrived = new Promise<ToolIngest>((resolve) => {
      arrive = resolve;
    });
    const listeners = await IngestListeners.start({
      router: () => router,
      streamKey: 'key-for-a-replay',
      speechTrack: () => 1,
      onIngest: (ingest) => arrive(ingest),
    });
    srt = listeners.srtUrl;
    dubbingSource = 'speech';
    const ran = livedub(file, ...show(), '--speech-track', '1');
    const ingest = await arrived;
    expect(ingest.speech).toBeDefined();
    const timeline = new MediaTimeline();
    const video = await TestReceiver.open(router, ingest.video!, timeline);
    const audio = await TestReceiver.open(router, ingest.audio!, timeline);
    ingest.start();
    await ingest.ended;
    expect(await ran).toMatchObject({ code: 0 });
    const flashes = video.flashesMs(fixtures.path('got.h264'));
    const beeps = audio.beepsMs();
    expect(flashes).toHaveLength(3);
    flashes.forEach((flash, i) => {
      expect(Math.abs(beeps[i]! - flash)).toBeLessThan(40);
    });
    expect(audio.frames.length).toBeGreaterThan(345);
    await listeners.close();
    router.close();
  });

  it('says what is wrong: no server, no channel, no right, no listener, no such track, nobody who answers', async () => {
    srt = undefined;
    dubbingSource = 'programme';
    const runs: [string[], RegExp][] = [
      [
        [file, '--live', '--channel', 'my-show', '--server', 'http://127.0.0.1:9'],
        /No livedub server answers/u,
      ],
      [
        [file, ...show().map((arg) => (arg === 'my-show' ? 'other-show' : arg))],
        /There is no channel other-show/u,
      ],
      [[file, ...show('bad')], /LIVEDUB_E_UNAUTHORISED/u],
      [[file, ...show()], /does not listen for encoders[\s\S]*Turn on SRT/u],
      [[file, ...show(), '--speech-track', '5'], /no audio track 5/u],
      [[file, ...show(), '--speech-track', '1'], /dubs the programme sound/u],
      [['/nowhere.mp4', ...show()], /LIVEDUB_E_INPUT_NOT_FOUND/u],
      [[file, ...show().slice(1)], /option\.live/u],
    ];
    for (const [args, message] of runs) {
      const { code, stderr } = await livedub(...args);
      expect(stderr).toMatch(message);
      expect(code).not.toBe(0);
    }
    srt = 'srt://127.0.0.1:9?passphrase=key-for-a-replay';
    expect((await livedub(file, ...show())).stderr).toMatch(/did not take the stream/u);
  });
});

function operatorView(srt: string | undefined, dubbingSource: string): unknown {
  return {
    ...{ id: 'my-show', title: 'My show', state: 'idle', createdAt: '2026-01-02T03:04:05Z', from: 'en' },
    ...{
      renditions: [],
      delayMs: 6000,
      isPublic: true,
      hasVideo: false,
      hasAudio: false,
      viewers: 0,
      dub: 'ready',
    },
    settings: { title: 'My show', from: 'en', languages: [], dubbingSource },
    publish: { whip: '/whip', token: 't', page: '/p', ...(srt === undefined ? {} : { srt }), streamKey: 'k' },
    watch: { page: '/w', whep: '/whep' },
    recordings: [],
  };
}
