import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LivedubError } from '../../pipeline/errors.ts';
import { TEST_MARK } from '../../pipeline/ports/fakes.ts';
import type { FacePicture } from './face-messages.ts';
import { type FaceChannel, FaceThread, MAX_WAITING_PICTURES } from './face-thread-client.ts';

const FORMAT = {
  ...{ widthPx: 160, heightPx: 128 },
  colour: { matrix: 'bt601', range: 'limited' } as const,
};
const BYTES = (160 * 128 * 3) / 2;
const signal = new AbortController().signal;

const picture = (i: number) => ({
  ...FORMAT,
  mediaTimeUs: i * 40_000,
  bytes: new Uint8Array(BYTES).fill(60 + i),
});

describe('FaceThread', () => {
  let thread: FaceThread;
  beforeAll(async () => {
    thread = await FaceThread.open({ signal });
  });
  afterAll(() => thread.close());

  function open(): { channel: FaceChannel; out: (readonly FacePicture[])[]; failures: LivedubError[] } {
    const out: (readonly FacePicture[])[] = [];
    const failures: LivedubError[] = [];
    const channel = thread.channel({
      ...{ format: FORMAT, consent: true },
      onPictures: (_mediaTimeUs, pictures) => out.push(pictures),
      onFailed: (error) => failures.push(error),
    });
    channel.add({ id: 'es', mark: TEST_MARK });
    return { channel, out, failures };
  }

  it('takes bytes over without copying them, and gives as many back', async () => {
    const { channel, out } = open();
    const { bytes, ...rest } = picture(0);
    await channel.push({ ...rest, bytes });
    expect(bytes.length).toBe(0);
    // A part of a larger buffer stays its owner's.
    const large = new Uint8Array(BYTES + 64).fill(9);
    await channel.push({ ...picture(1), bytes: large.subarray(64) });
    expect(large[64]).toBe(9);
    await channel.flush();
    expect(out.map(([made]) => [made!.bytes.length, made!.isMarked])).toEqual([
      [BYTES, true],
      [BYTES, true],
    ]);
    channel.close();
  });

  it('has several channels, each with its own pictures', async () => {
    const [one, two] = [open(), open()];
    two.channel.add({ id: 'fr', mark: TEST_MARK });
    for (let i = 0; i < 6; i += 1)
      await Promise.all([one.channel.push(picture(i)), two.channel.push(picture(i))]);
    await Promise.all([one.channel.flush(), two.channel.flush()]);
    expect(one.out.map((pictures) => pictures.map(({ id }) => id))).toEqual(Array(6).fill(['es']));
    expect(two.out.map((pictures) => pictures.map(({ id }) => id))).toEqual(Array(6).fill(['es', 'fr']));
    one.channel.close();
    two.channel.close();
  });

  it('refuses a picture more than may wait, and makes the others all the same', async () => {
    const { channel, out, failures } = open();
    const pushes = Array.from({ length: MAX_WAITING_PICTURES }, (_, i) => channel.push(picture(i)));
    await expect(channel.push(picture(9))).rejects.toMatchObject({ code: 'LIVEDUB_E_CHANNEL_OVERFLOW' });
    await Promise.all(pushes);
    await channel.flush();
    expect(out).toHaveLength(MAX_WAITING_PICTURES);
    expect(failures).toEqual([]);
    channel.close();
    await expect(channel.push(picture(10))).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });

  it('fails a channel that is given something else, and no other', async () => {
    const [bad, good] = [open(), open()];
    await bad.channel.push({ ...picture(0), heightPx: 64 });
    await expect(bad.channel.flush()).rejects.toMatchObject({ code: 'LIVEDUB_E_BAD_REQUEST' });
    expect(bad.failures).toHaveLength(1);
    await good.channel.push(picture(0));
    await good.channel.flush();
    expect(good.out).toHaveLength(1);
    bad.channel.close();
    good.channel.close();
  });

  it('tells its channels when it ends, and takes no more', async () => {
    const own = await FaceThread.open({ signal });
    const failures: LivedubError[] = [];
    const channel = own.channel({
      ...{ format: FORMAT, consent: true, onPictures: () => undefined },
      onFailed: (error) => failures.push(error),
    });
    const flushed = channel.flush().catch((error: LivedubError) => error.code);
    await own.close();
    expect(own.died.aborted).toBe(true);
    expect([undefined, 'LIVEDUB_E_CLOSED']).toContain(await flushed);
    expect(failures.map(({ code }) => code)).toEqual(['LIVEDUB_E_CLOSED']);
    await expect(channel.push(picture(0))).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
    const late: LivedubError[] = [];
    own.channel({
      ...{ format: FORMAT, consent: true, onPictures: () => undefined },
      onFailed: (error) => late.push(error),
    });
    expect(late).toHaveLength(1);
    await expect(FaceThread.open({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'LIVEDUB_E_ABORTED',
    });
  });
});
