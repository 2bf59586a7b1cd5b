import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChannelView, Notice, OperatorChannel } from '../../server/live/contract.ts';
import { LiveBrowser, type LivePage } from '../support/live-browser.ts';
import { LiveTestServer } from '../support/live-server.ts';
import { microphoneSpeech } from '../support/live-speech.ts';
import { sleep, until } from '../support/until.ts';

interface Published {
  readonly status: number;
  readonly text: string;
  readonly state: string;
  readonly location: string;
}

/** What goes wrong around a channel: the others notice nothing. Nothing is dubbed here, so no engine is needed. */
describe('a live channel when something goes wrong', () => {
  let folder: string;
  let live: LiveTestServer;
  let microphone: string;
  let browser: LiveBrowser;
  let page: LivePage;
  let viewer: LivePage;
  let channel: OperatorChannel;

  const publish = (name: string, more: object = {}, on: LivePage = page, query = '') =>
    on.call<Published>('publish', name, {
      url: `${channel.publish.whip}${query}`,
      token: channel.publish.token,
      ...more,
    });
  const received = async (key: string) => (await viewer.stats('viewer'))[key]!;
  const flows = async (key: string, packets = 20) => {
    const before = (await received(key))?.packetsReceived ?? 0;
    await until(
      `${key} flows`,
      async () => ((await received(key))?.packetsReceived ?? 0) >= before + packets,
      {
        timeoutMs: 10_000,
      },
    );
  };
  const post = (body: string, token = channel.publish.token) =>
    fetch(channel.publish.whip, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp', authorization: `Bearer ${token}` },
      body,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-faults-'));
    live = await LiveTestServer.start();
    microphone = await microphoneSpeech(folder);
    browser = await LiveBrowser.open({ base: live.base, microphone });
    page = await browser.page();
    viewer = await browser.page();
    channel = await live.createChannel({ id: 'faults', languages: [] });
  });
  afterAll(async () => {
    await browser?.close();
    await live?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('refuses wrong, expired and foreign tokens', async () => {
    const other = await live.server.tokens.issue({
      scope: ['publish'],
      channel: 'another',
      expiresInSeconds: 60,
    });
    const expired = await live.server.tokens.issue({
      scope: ['publish'],
      channel: 'faults',
      expiresInSeconds: -60,
    });
    expect((await post('v=0', 'not-a-token')).status).toBe(401);
    expect((await post('v=0', expired.token)).status).toBe(401);
    expect((await post('v=0', other.token)).status).toBe(403);
    expect((await fetch(channel.publish.whip, { method: 'POST', body: 'v=0' })).status).toBe(401);
  });

  it('refuses what is no offer, what is too large, and what has no codec that it carries', async () => {
    expect((await post('hello')).status).toBe(400);
    expect((await post('')).status).toBe(400);
    expect((await post(`v=0\r\n${'a=x\r\n'.repeat(200_000)}`)).status).toBe(413);
    const offer = await page.page.evaluate(`(async () => {
      const pc = new RTCPeerConnection();
      pc.addTransceiver('audio', { direction: 'sendonly' });
      pc.addTransceiver('video', { direction: 'sendonly' });
      const { sdp } = await pc.createOffer();
      pc.close();
      return sdp;
    })()`);
    const sdp = String(offer);
    const codecless = sdp.replace(/a=rtpmap:.*\r\n/g, '');
    expect([400, 406, 422]).toContain((await post(codecless)).status);
    const foreign = sdp.replace(/opus\/48000\/2/g, 'speex/16000').replace(/(VP8|H264)\/90000/g, 'VP9/90000');
    expect([406, 422]).toContain((await post(foreign)).status);
    for (let cut = 0; cut < sdp.length; cut += 397) {
      const { status } = await post(sdp.slice(0, cut));
      expect(status, `cut at ${cut}`).toBeLessThan(500);
    }
  });

  it('gets over publishers who never connect', async () => {
    await until('nobody is live', async () => (await live.channel('faults')).state !== 'live', {
      timeoutMs: 20_000,
    });
  });

  it('takes sound alone, then picture alone, with one viewer all the while', async () => {
    await viewer.call('watch', 'viewer', { url: live.watchUrl('faults') });
    await viewer.call('select', 'viewer', {});
    expect(await publish('sound', { video: false })).toMatchObject({ status: 201, state: 'connected' });
    await flows('live:audio');
    expect(await live.channel('faults')).toMatchObject({ hasAudio: true, hasVideo: false });
    expect(await page.call('unpublish', 'sound')).toBe(200);
    expect(await publish('picture', { audio: false })).toMatchObject({ status: 201, state: 'connected' });
    await flows('live:video', 10);
    expect(await live.channel('faults')).toMatchObject({ state: 'live', hasVideo: true });
    await page.call('unpublish', 'picture');
  });

  it('refuses a second publisher, unless it takes over', async () => {
    expect(await publish('first')).toMatchObject({ status: 201, state: 'connected' });
    await flows('live:audio');
    expect(await publish('second')).toMatchObject({ status: 409 });
    await flows('live:audio');
    expect(await publish('second', {}, page, '?takeover=1')).toMatchObject({
      status: 201,
      state: 'connected',
    });
    await flows('live:audio');
    await flows('live:video', 10);
    expect((await received('live:audio')).packetsLost).toBeLessThan(10);
  });

  it('bears 500 ms without media, and an ICE restart', async () => {
    await viewer.call('watchForGaps', 'viewer', 'live:audio');
    await page.call('blackOut', 'second', 500);
    await flows('live:audio');
    await flows('live:video', 10);
    expect(await page.call('restartIce', 'second')).toEqual({ status: 200, changed: true });
    await sleep(500);
    await flows('live:audio', 60);
    const gapMs = await viewer.call<number>('longestGapMs', 'viewer', 'live:audio');
    console.log({ gapMs });
    expect(gapMs).toBeLessThan(1500);
    expect((await live.channel('faults')).state).toBe('live');
  });

  it('drops a viewer that asks and does not read, and no other', async () => {
    const socket = await deafViewer(live.server.port, 'faults');
    await until('it counts', async () => (await live.channel('faults')).viewers === 2);
    const request = JSON.stringify({
      kind: 'join',
      request: 1,
      rtpCapabilities: {
        codecs: [
          { mimeType: 'audio/opus', kind: 'audio', clockRate: 48000, channels: 2, preferredPayloadType: 100 },
        ],
      },
    });
    let sent = 0;
    socket.on('error', () => undefined);
    const timer = setInterval(() => {
      for (let i = 0; i < 10 && socket.writableLength < 1e6; i++, sent++) socket.write(frameOf(request));
    }, 20);
    await until('it is dropped', async () => (await live.channel('faults')).viewers === 1, {
      timeoutMs: 40_000,
    });
    clearInterval(timer);
    socket.destroy();
    console.log({ sent });
    await flows('live:audio');
  }, 60_000);

  it('is interrupted when a publisher vanishes, and goes on in the same programme when it returns', async () => {
    await page.call('unpublish', 'second');
    const other = await LiveBrowser.open({ base: live.base, microphone });
    const doomed = await other.page();
    expect(await publish('doomed', {}, doomed)).toMatchObject({ state: 'connected' });
    await flows('live:audio');
    const { startedAt } = await live.channel('faults');
    await other.kill();
    const killedMs = Date.now();
    await until('it is interrupted', async () => (await live.channel('faults')).state === 'interrupted', {
      timeoutMs: 15_000,
    });
    console.log({ interruptedMs: Date.now() - killedMs });
    await other.close();
    expect(await publish('heir')).toMatchObject({ status: 201, state: 'connected' });
    await flows('live:audio');
    await flows('live:video', 10);
    expect(await live.channel('faults')).toMatchObject({ state: 'live', startedAt });
    const notices = await viewer.call<Notice[]>('events', 'viewer', ['notice']);
    expect(notices.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['publisher-lost', 'publisher-back']),
    );
  }, 60_000);

  it('has everybody connect anew when the media worker dies, and stays up', async () => {
    process.kill(await live.mediaWorkerPid(), 'SIGKILL');
    await until('the viewer knows', () => viewer.call<boolean>('isLost', 'viewer'), { timeoutMs: 10_000 });
    let again: Published | undefined;
    await until('it can be published to', async () => {
      again = await publish('risen');
      return again.status === 201 && again.state === 'connected';
    });
    await viewer.call('watch', 'viewer', { url: live.watchUrl('faults') });
    await viewer.call('select', 'viewer', {});
    await flows('live:audio');
    await flows('live:video', 10);
    expect(live.notices.join('\n')).toMatch(/media worker/);
    const channels = await live.api<{ channels: ChannelView[] }>('GET', '/v1/channels');
    expect(channels.body.channels.map(({ state }) => state)).toEqual(['live']);
  }, 60_000);
});

/** A WebSocket client (RFC 6455) of which only the opening is read. */
async function deafViewer(port: number, channel: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    [
      `GET /v1/channels/${channel}/watch HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      '\r\n',
    ].join('\r\n'),
  );
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', () => resolve());
  });
  socket.pause();
  return socket;
}

/** A text frame with the mask 0. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = 0x81;
  head[1] = 0x80 | 126;
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
