import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TALKING_CLIP } from '../support/talking-camera.ts';
import { TalkingChannel } from '../support/talking-channel.ts';
import { sleep, until } from '../support/until.ts';

const H264 = 'video/H264';
const DELAY_MS = 3000;
const TRACK = 'face:es:synced';

/** As face.test.ts, with a publisher that sends H.264 alone. */
describe.skipIf(TALKING_CLIP === undefined)('live faces in H.264', () => {
  let channel: TalkingChannel;
  let canSend: boolean;

  const keyframes = async (viewer: string, track: string) =>
    (await channel.page.stats(viewer))[track]?.keyFramesDecoded ?? 0;

  beforeAll(async () => {
    channel = await TalkingChannel.open({ id: 'speaker', delayMs: DELAY_MS });
    canSend = await channel.publisher.call<boolean>('canSend', H264);
  });
  afterAll(() => channel?.close());

  it('move with the dub', async ({ skip }) => {
    skip(!canSend, 'this Chromium cannot send H.264');
    expect(await channel.publish(H264)).toMatchObject({ status: 201, state: 'connected' });
    await channel.watch();
    await channel.stateIs('active');
    const moved = await channel.movedPictures(20);
    const aboveMean = moved.reduce((sum, { above }) => sum + above, 0) / moved.length;
    expect(aboveMean).toBeLessThan(3);
    expect((await channel.page.stats('dubbed'))[TRACK]).toMatchObject({ mimeType: H264 });
  }, 300_000);

  it('come with a keyframe for who joins', async ({ skip }) => {
    skip(!canSend, 'this Chromium cannot send H.264');
    await channel.stateIs('active');
    await sleep(1000);
    const before = await keyframes('dubbed', TRACK);
    const url = `${channel.live.base}/whep/speaker?lang=es&mode=synced`;
    expect(await channel.page.call('play', 'plain', { url })).toMatchObject({ status: 201 });
    await until('who joined has a picture', async () => (await keyframes('plain', 'video')) > 0);
    await until('all got the keyframe', async () => (await keyframes('dubbed', TRACK)) > before);
    await channel.page.call('hangUp', 'plain');
  });

  it('are as filmed as soon as consent is taken back', async ({ skip }) => {
    skip(!canSend, 'this Chromium cannot send H.264');
    await channel.setConsent(false);
    const withdrawnMs = Date.now();
    expect(await channel.face()).toEqual({ state: 'no-consent' });
    const worst = Math.max(...(await channel.picturesSince(withdrawnMs)).map(({ mouth }) => mouth));
    expect(worst).toBeLessThan(1);
  }, 90_000);
});
