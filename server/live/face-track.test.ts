import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { mediasoupWorkerBin } from '../../pipeline/cache-paths.ts';
import type { EncodedFrame } from '../../pipeline/frames.ts';
import type { RtpPacketInfo } from '../../pipeline/rtp/rtp-packet.ts';
import { RtpReader } from '../../pipeline/rtp/rtp-reader.ts';
import { RelayTrack } from '../../sfu/relay-track.ts';
import type { SfuRouter } from '../../sfu/router.ts';
import { SfuWorkerPool } from '../../sfu/worker-pool.ts';
import { FaceTrack, type PictureSource } from './face-track.ts';
import { RecentPictures } from './recent-pictures.ts';

const workerBin = mediasoupWorkerBin();
const FRAME_TICKS = 3600;

/** Pictures of one source, a packet each; the last payload byte names the source, the one before the picture. */
class Pictures {
  readonly session = {};
  readonly #name: number;
  #sequence: number;
  #ticks: number;

  constructor(name: number, sequence: number, ticks: number) {
    this.#name = name;
    this.#sequence = sequence;
    this.#ticks = ticks;
  }

  next(isKeyframe = false): RtpPacketInfo {
    this.#ticks += FRAME_TICKS;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    // Descriptor with the start of a partition, then a frame header whose lowest bit is 0 in keyframes (RFC 7741).
    const payload = Uint8Array.of(0x10, isKeyframe ? 0 : 1, 0, this.#ticks / FRAME_TICKS, this.#name);
    return {
      sequence: this.#sequence,
      timestamp: this.#ticks,
      marker: true,
      payload,
      ssrc: 1,
      payloadType: 96,
    };
  }
}

/** The relay and the router it is read from are real. */
describe('FaceTrack', () => {
  let pool: SfuWorkerPool;
  let router: SfuRouter;
  let track: FaceTrack;
  let recent: RecentPictures;
  let asked: PictureSource[];
  let seen: { sequence: number; timestamp: number; picture: string }[];

  beforeAll(async () => {
    pool = await SfuWorkerPool.start({ count: 1, ...(workerBin === undefined ? {} : { workerBin }) });
    router = await pool.createRouter();
  });
  afterAll(() => pool.close());

  beforeEach(async () => {
    asked = [];
    const mine: typeof seen = [];
    seen = mine;
    recent = new RecentPictures({ codec: 'vp8' });
    const relay = await RelayTrack.create({
      ...{ router, codec: 'vp8', key: 'face:es:synced', cname: 'delayed', originUs: 0 },
      keyframeIntervalMs: 1,
      onKeyframeRequest: () => track.requestKeyframe(),
    });
    const reader = new RtpReader({});
    await router.createTap({
      producerId: relay.producer.id,
      onPacket: (raw) => {
        const { sequence, timestamp, payload } = reader.read(raw);
        mine.push({ sequence, timestamp, picture: `${'?om'[payload[4]!]}${payload[3]}` });
      },
    });
    track = new FaceTrack({ relay, recent, shownUs: () => 0, onKeyframeWanted: (of) => asked.push(of) });
    track.setWatched(true);
    track.setUsable(true);
  });
  afterEach(() => track.close());

  const original = (packet: RtpPacketInfo, session: object) => {
    recent.push(packet, session);
    track.original(packet, session);
  };
  /** What came out, when that many pictures have; numbered without a gap, and never back in time. */
  const pictures = async (count: number) => {
    await vi.waitFor(() => expect(seen).toHaveLength(count));
    for (let i = 1; i < seen.length; i += 1) {
      expect(seen[i]!.sequence).toBe((seen[i - 1]!.sequence + 1) & 0xffff);
      expect(seen[i]!.timestamp).toBeGreaterThan(seen[i - 1]!.timestamp);
    }
    return seen.map(({ picture }) => picture);
  };

  it('goes over to the worker’s pictures at a keyframe, which it asks for', async () => {
    const [o, m] = [new Pictures(1, 100, 0), new Pictures(2, 65_534, 0)];
    original(o.next(true), o.session);
    for (let i = 0; i < 2; i += 1) original(o.next(), o.session);
    // The worker's are a little late: the keyframe is of a picture that was shown already.
    track.made(m.next(), m);
    expect(asked).toContain('made');
    track.made(m.next(true), m);
    original(o.next(), o.session);
    for (let i = 0; i < 3; i += 1) track.made(m.next(), m);
    expect(await pictures(7)).toEqual(['o1', 'o2', 'o3', 'm2', 'm3', 'm4', 'm5']);
    expect(track.playing).toBe('made');
    expect(seen.at(-1)!.timestamp).toBe(5 * FRAME_TICKS);
  });

  it('says which whole pictures of the worker are shown, from a keyframe on, and none that may not be', () => {
    const [o, m, other] = [new Pictures(1, 100, 0), new Pictures(2, 7, 0), new Pictures(2, 7, 0)];
    const frame = (keyframe: boolean): EncodedFrame => ({
      ...{ kind: 'encoded', codec: 'vp8', mediaTimeUs: 0, durationUs: 40_000, keyframe },
      data: new Uint8Array(1),
    });
    original(o.next(true), o.session);
    expect(track.isShown(frame(true), m)).toBe(false);
    track.made(m.next(true), m);
    // One that was held up belongs to what came before.
    expect(track.isShown(frame(false), m)).toBe(false);
    expect(track.isShown(frame(true), m)).toBe(true);
    expect(track.isShown(frame(false), m)).toBe(true);
    expect(track.isShown(frame(true), other)).toBe(false);
    track.setUsable(false);
    expect(track.isShown(frame(true), m)).toBe(false);
    track.setUsable(true);
    track.made(m.next(true), m);
    expect(track.isShown(frame(false), m)).toBe(false);
    expect(track.isShown(frame(true), m)).toBe(true);
    track.setWatched(false);
    expect(track.isShown(frame(true), m)).toBe(false);
  });

  it('shows the original from its newest keyframe on when the worker’s pictures stay away', async () => {
    const [o, m] = [new Pictures(1, 100, 0), new Pictures(2, 7, 0)];
    original(o.next(true), o.session);
    track.made(m.next(true), m);
    original(o.next(true), o.session);
    // Nothing for a second: 25 pictures.
    for (let i = 0; i < 24; i += 1) original(o.next(), o.session);
    expect(track.playing).toBe('made');
    original(o.next(), o.session);
    original(o.next(), o.session);
    expect(track.playing).toBe('original');
    const shown = await pictures(2 + 27);
    expect(shown.slice(0, 3)).toEqual(['o1', 'm1', 'o2']);
    expect(shown.at(-1)).toBe('o28');
    expect(seen.at(-1)!.timestamp).toBe(28 * FRAME_TICKS);
    // What comes far too late is not taken up again.
    track.made(m.next(true), m);
    expect(track.playing).toBe('original');
  });

  it('shows the original at once when the worker’s pictures may not be shown', async () => {
    const [o, m] = [new Pictures(1, 100, 0), new Pictures(2, 7, 0)];
    original(o.next(true), o.session);
    track.made(m.next(true), m);
    track.setUsable(false);
    expect(track.playing).toBe('original');
    track.made(m.next(true), m);
    original(o.next(), o.session);
    expect(await pictures(4)).toEqual(['o1', 'm1', 'o1', 'o2']);
  });

  it('begins anew with another worker, and with another publisher', async () => {
    const [o, p] = [new Pictures(1, 100, 0), new Pictures(1, 900, 36_000)];
    const [m, n] = [new Pictures(2, 7, 0), new Pictures(2, 5000, 3600)];
    original(o.next(true), o.session);
    track.made(m.next(true), m);
    track.made(n.next(), n);
    track.made(n.next(true), n);
    track.setUsable(false);
    original(p.next(), p.session);
    original(p.next(true), p.session);
    original(p.next(), p.session);
    expect(await pictures(6)).toEqual(['o1', 'm1', 'm3', 'o1', 'o12', 'o13']);
  });

  it('sends nothing while nobody watches, and what is there at once when the first one asks', async () => {
    track.setWatched(false);
    const o = new Pictures(1, 100, 0);
    original(o.next(true), o.session);
    original(o.next(), o.session);
    track.setWatched(true);
    original(o.next(), o.session);
    expect(track.playing).toBeUndefined();
    track.requestKeyframe();
    original(o.next(), o.session);
    expect(await pictures(4)).toEqual(['o1', 'o2', 'o3', 'o4']);
    expect(asked).toEqual(['original']);
  });

  it('keeps its pace when somebody watches again after hours', async () => {
    const early = new Pictures(1, 100, 0);
    original(early.next(true), early.session);
    track.requestKeyframe();
    track.setWatched(false);
    const hourTicks = 3600 * 90_000;
    const unseen = [1, 4].map((hours) => new Pictures(1, 200 * hours, hours * hourTicks));
    for (const o of unseen) original(o.next(true), early.session);
    const late = new Pictures(1, 3000, 7 * hourTicks);
    track.setWatched(true);
    original(late.next(true), early.session);
    original(late.next(), early.session);
    await vi.waitFor(() => expect(seen).toHaveLength(3));
    expect(seen.slice(1).map(({ timestamp }) => timestamp)).toEqual(
      [1, 2].map((i) => 7 * hourTicks + i * FRAME_TICKS),
    );
  });

  it('has nothing to show while no keyframe of the original is known, and begins with the next', async () => {
    const o = new Pictures(1, 100, 0);
    original(o.next(), o.session);
    track.requestKeyframe();
    expect(track.playing).toBeUndefined();
    original(o.next(true), o.session);
    expect(await pictures(1)).toEqual(['o2']);
  });
});

describe('RecentPictures', () => {
  it('keeps the parameter sets of an H.264 keyframe together with its picture', () => {
    const recent = new RecentPictures({ codec: 'h264' });
    const packet = (sequence: number, timestamp: number, type: number) => ({
      ...{ sequence, timestamp, marker: false, ssrc: 1, payloadType: 96 },
      payload: Uint8Array.of(type, 0),
    });
    const session = {};
    for (const [i, type] of [7, 8, 5].entries()) recent.push(packet(i, 3600, type), session);
    recent.push(packet(3, 7200, 1), session);
    expect(recent.packets.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3]);
    recent.push(packet(4, 10_800, 7), session);
    expect(recent.packets.map(({ sequence }) => sequence)).toEqual([4]);
  });

  it('forgets a row that is too long to catch up with', () => {
    const recent = new RecentPictures({ codec: 'vp8' });
    const pictures = new Pictures(1, 0, 0);
    recent.push(pictures.next(true), pictures.session);
    const large = { ...pictures.next(), payload: new Uint8Array(5 * 1024 * 1024).fill(0x11) };
    recent.push(large, pictures.session);
    expect(recent.packets).toHaveLength(0);
    recent.push(pictures.next(), pictures.session);
    expect(recent.packets).toHaveLength(0);
  });
});
