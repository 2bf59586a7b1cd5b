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

interface TakenPicture {
  readonly luma: number[];
  readonly receivedMs: number;
}

/** How much two viewers' pictures of the same moment differ, and when the dubbed one came. */
export interface PictureDifference {
  readonly mouth: number;
  readonly above: number;
  readonly receivedMs: number;
}

/** From the server to the page, where a browser that is starved reads no packets for most of a second. Consent is to act within 2 s. */
const IN_FLIGHT_MS = 1500;

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
    const dubbed = new Map(await this.page.call<[number, TakenPicture][]>('picturesTaken', 'dubbed'));
    const filmed = await this.page.call<[number, TakenPicture][]>('picturesTaken', 'filmed');
    return filmed.flatMap(([timestamp, { luma }]) => {
      const other = dubbed.get(timestamp);
      if (!other) return [];
      const mouth = difference(luma, other.luma, MOUTH);
      return [{ mouth, above: difference(luma, other.luma, ABOVE), receivedMs: other.receivedMs }];
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
   * More than twenty pictures that came after a moment. What a browser holds back for sound and picture to fit is shown later, for seconds
   * where it is starved: what counts is what still came to it.
   */
  async picturesSince(fromMs: number): Promise<PictureDifference[]> {
    const since: PictureDifference[] = [];
    const haveCome = async () => {
      const pairs = await this.differences(4000);
      since.push(...pairs.filter(({ receivedMs }) => receivedMs > fromMs + IN_FLIGHT_MS));
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
