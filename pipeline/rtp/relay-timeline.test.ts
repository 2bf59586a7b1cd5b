import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RelayTimeline } from './relay-timeline.ts';

const wrap16 = (value: number) => ((value % 0x1_0000) + 0x1_0000) % 0x1_0000;
const wrap32 = (value: number) => ((value % 2 ** 32) + 2 ** 32) % 2 ** 32;

/** A source: where its counters stand, and which packets arrive in which order. */
const source = fc.record({
  sequence: fc.integer({ min: 0, max: 0xffff }),
  timestamp: fc.integer({ min: 0, max: 0xffff_ffff }),
  arrivals: fc
    .array(fc.record({ lateBy: fc.integer({ min: 0, max: 8 }), isLost: fc.boolean() }), {
      minLength: 1,
      maxLength: 300,
    })
    .map((packets) =>
      packets
        .map(({ lateBy, isLost }, index) => ({ index, at: index + lateBy, isLost }))
        // The first is neither lost nor overtaken: what comes before a source's first packet is refused.
        .filter(({ index, isLost }) => index === 0 || !isLost)
        .sort((a, b) => (a.index === 0 ? -1 : b.index === 0 ? 1 : a.at - b.at)),
    ),
});

describe('RelayTimeline', () => {
  it('keeps order, gaps and times of every source, and numbers sources one after the other', () => {
    fc.assert(
      fc.property(fc.array(source, { minLength: 1, maxLength: 5 }), (sources) => {
        const timeline = new RelayTimeline({ clockRateHz: 48_000 });
        let next: number | undefined;
        sources.forEach(({ sequence, timestamp, arrivals }, turn) => {
          const startMediaTimeUs = turn * 10_000_000;
          const input = timeline.open({ startMediaTimeUs });
          let first = 0;
          for (const { index } of arrivals) {
            const out = input.map(wrap16(sequence + index), wrap32(timestamp + index * 960))!;
            if (index === 0) {
              first = out.sequence;
              if (next !== undefined) expect(first).toBe(next);
            }
            expect(out.sequence).toBe(wrap16(first + index));
            expect(out.mediaTimeUs).toBe(startMediaTimeUs + index * 20_000);
            expect(out.timestamp).toBe(timeline.timestampOf(out.mediaTimeUs));
          }
          next = wrap16(first + Math.max(...arrivals.map(({ index }) => index)) + 1);
        });
      }),
    );
  });

  it('stays right over many turns of both counters', () => {
    const timeline = new RelayTimeline({ clockRateHz: 90_000 });
    const input = timeline.open({ startMediaTimeUs: 0 });
    // 20 hours of 50 packets a second: 55 turns of the sequence number, one and a half of the timestamp.
    for (let i = 0; i < 3_600_000; i += 7) {
      const out = input.map(wrap16(65_000 + i), wrap32(4_294_000_000 + i * 1800))!;
      if (out.sequence !== wrap16(i) || out.mediaTimeUs !== i * 20_000) throw new Error(`wrong at ${i}`);
    }
  });

  it('refuses what a source sends after another took over, and what belongs before its first packet', () => {
    const timeline = new RelayTimeline({ clockRateHz: 48_000 });
    const one = timeline.open({ startMediaTimeUs: 0 });
    expect(one.map(100, 0)?.sequence).toBe(0);
    expect(one.map(101, 960)?.sequence).toBe(1);
    const two = timeline.open({ startMediaTimeUs: 40_000 });
    expect(one.map(102, 1920)).toBeUndefined();
    expect(one.isCurrent).toBe(false);
    expect(two.map(7, 5000)).toMatchObject({ sequence: 2, mediaTimeUs: 40_000 });
    expect(two.map(6, 4040)).toBeUndefined();
    expect(two.map(8, 5960)?.sequence).toBe(3);
  });

  it('leaves timestamps that are media time as they are, in the turn of the clock that is running', () => {
    const timeline = new RelayTimeline({ clockRateHz: 90_000 });
    const hourUs = 3_600_000_000;
    const late = timeline.open({ nearMediaTimeUs: 30 * hourUs });
    const timestamp = timeline.timestampOf(30 * hourUs + 5_000_000);
    expect(late.map(0, timestamp)).toMatchObject({ timestamp, mediaTimeUs: 30 * hourUs + 5_000_000 });
    // The next source has no hint but where the relay is.
    const next = timeline.open();
    const soon = timeline.timestampOf(30 * hourUs + 7_000_000);
    expect(next.map(0, soon)?.mediaTimeUs).toBe(30 * hourUs + 7_000_000);
    expect(next.timestampOffset).toBe(2 * 2 ** 32);
  });

  it('adds a given offset, so that two relays of one source agree', () => {
    const live = new RelayTimeline({ clockRateHz: 48_000 }).open({ startMediaTimeUs: 1_000_000 });
    live.map(1, 123_456);
    const delayed = new RelayTimeline({ clockRateHz: 48_000 }).open({
      timestampOffset: live.timestampOffset!,
    });
    expect(delayed.map(9, 123_456 + 9600)).toMatchObject({ mediaTimeUs: 1_200_000, timestamp: 57_600 });
  });
});
