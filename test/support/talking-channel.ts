import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FaceView, OperatorChannel } from '../../server/live/contract.ts';
import { LiveBrowser, type LivePage } from './live-browser.ts';
import { LiveTestServer } from './live-server.ts';
import { ABOVE, COMPARED_PX, difference, MOUTH, talkingCamera } from './talking-camera.ts';
import { sleep, until } from './until.ts';

export interface TalkingChannelOptions {
  readonly id: string;
  readonly delayMs: number;
}

/** How much two viewers' pictures of the same moment differ. */
export interface PictureDifference {
  readonly mouth: number;
  readonly above: number;
  /** When it was due to be sent, ms since the epoch. */
  readonly dueMs: number;
}

/** The server's timers, and how far its clock and the picture's may be apart. */
const LATE_MS = 300;

/**
 * A person speaks into Chromium's camera and microphone, on a server with one channel; two viewers of one page watch its dub in sync:
 * `dubbed` with lips that follow it, `filmed` without.
 */
export class TalkingChannel {
  readonly live: LiveTestServer;
  /** Publishes. */
  readonly publisher: LivePage;
  /** Watches. */
  readonly page: LivePage;
  readonly #id: string;
  readonly #channel: OperatorChannel;
  readonly #browser: LiveBrowser;
  readonly #folder: string;

  private constructor(parts: {
    live: LiveTestServer;
    publisher: LivePage;
    page: LivePage;
    channel: OperatorChannel;
    browser: LiveBrowser;
    folder: string;
  }) {
    this.live = parts.live;
    this.publisher = parts.publisher;
    this.page = parts.page;
    this.#id = parts.channel.id;
    this.#channel = parts.channel;
    this.#browser = parts.browser;
    this.#folder = parts.folder;
  }

  static async open({ id, delayMs }: TalkingChannelOptions): Promise<TalkingChannel> {
    const folder = await mkdtemp(join(tmpdir(), 'livedub-face-'));
    const live = await LiveTestServer.start();
    const browser = await LiveBrowser.open({ base: live.base, ...(await talkingCamera(folder)) });
    const publisher = await browser.page();
    // The page that is opened last is the one that is shown.
    const page = await browser.page();
    const languages = [{ language: 'es', face: true }];
    const channel = await live.createChannel({ id, delayMs, faceConsent: true, languages });
    return new TalkingChannel({ live, publisher, page, channel, browser, folder });
  }

  async face(): Promise<FaceView> {
    return (await this.live.channel(this.#id)).renditions[0]!.face;
  }

  stateIs(state: FaceView['state'], timeoutMs = 100_000): Promise<void> {
    return until(`faces are ${state}`, async () => (await this.face()).state === state, { timeoutMs });
  }

  /** @param codec MIME type, the only one that is offered. Default: all that Chromium has */
  async publish(codec?: string): Promise<unknown> {
    const { whip: url, token } = this.#channel.publish;
    const video = { width: 320, height: 320 };
    const published = await this.publisher.call('publish', 'camera', { url, token, video, codec });
    await until('it can be dubbed', async () => (await this.live.channel(this.#id)).dub === 'ready', {
      timeoutMs: 60_000,
    });
    return published;
  }

  async watch(): Promise<void> {
    for (const viewer of ['dubbed', 'filmed'])
      await this.page.call('watch', viewer, { url: this.live.watchUrl(this.#id) });
    const es = { language: 'es', mode: 'synced', captions: null };
    await this.page.call('select', 'filmed', { ...es, face: false });
    await this.page.call('select', 'dubbed', es);
  }

  async setConsent(faceConsent: boolean): Promise<void> {
    await this.live.api('PATCH', `/v1/channels/${this.#id}`, { faceConsent });
  }

  async differences(forMs: number): Promise<PictureDifference[]> {
    for (const viewer of ['dubbed', 'filmed']) await this.page.call('takePictures', viewer, COMPARED_PX);
    await sleep(forMs);
    const dubbed = new Map(await this.page.call<[number, number[]][]>('picturesTaken', 'dubbed'));
    const filmed = await this.page.call<[number, number[]][]>('picturesTaken', 'filmed');
    const { startedAt, delayMs } = await this.live.channel(this.#id);
    return filmed.flatMap(([timestamp, picture]) => {
      const other = dubbed.get(timestamp);
      if (!other) return [];
      const mouth = difference(picture, other, MOUTH);
      // RTP timestamps count the programme's media time, 90 kHz.
      const dueMs = Date.parse(startedAt!) + timestamp / 90 + delayMs;
      return [{ mouth, above: difference(picture, other, ABOVE), dueMs }];
    });
  }

  /** More than so many pictures with another mouth than was filmed. A machine that is busy may have to show the original for a while. */
  async movedPictures(count: number): Promise<PictureDifference[]> {
    const moved: PictureDifference[] = [];
    const haveMoved = async () => {
      const pairs = await this.differences(4000);
      moved.push(...pairs.filter(({ mouth, above }) => mouth > 2 * above + 2));
      console.log({ pairs: pairs.length, moved: moved.length, face: await this.face() });
      return moved.length > count;
    };
    await until('lips have moved', haveMoved, { timeoutMs: 150_000 });
    return moved;
  }

  /**
   * More than twenty pictures that were due after a moment. When they are shown says little: a browser that is starved holds pictures back
   * for seconds.
   */
  async picturesSince(fromMs: number): Promise<PictureDifference[]> {
    const since: PictureDifference[] = [];
    const haveCome = async () => {
      const pairs = await this.differences(4000);
      since.push(...pairs.filter(({ dueMs }) => dueMs > fromMs + LATE_MS));
      return since.length > 20;
    };
    await until('pictures came since', haveCome, { timeoutMs: 60_000 });
    console.log({ pairs: since.length, differ: since.filter(({ mouth }) => mouth >= 1) });
    return since;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.live.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
