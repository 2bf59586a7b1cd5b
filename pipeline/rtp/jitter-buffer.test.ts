import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JitterBuffer, type JitterBufferOptions } from './jitter-buffer.ts';
import type { RtpPacketInfo } from './rtp-packet.ts';

const packet = (index: number, ticks = 960): RtpPacketInfo => ({
  sequence: index & 0xffff,
  timestamp: (index * ticks) >>> 0,
  ssrc: 1,
  payloadType: 111,
  marker: false,
  payload: new Uint8Array([index & 0xff]),
});

function collect(options: Partial<JitterBufferOptions> = {}) {
  const out: (number | string)[] = [];
  const buffer = new JitterBuffer({
    clockRateHz: 48_000,
    sink: {
      packet: (p) => out.push(p.sequence),
      gap: (first, count) => out.push(`gap ${first}+${count}`),
    },
    ...options,
  });
  return { buffer, out };
}

describe('JitterBuffer', () => {
  it('delivers any reordering within its window in order and each packet once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.tuple(fc.nat(), fc.boolean()), { minLength: 1, maxLength: 300 }),
        (first, window, spec) => {
          const { buffer, out } = collect({ maxPackets: 64, gapAfterMediaUs: 1e12, gapAfterArrivalUs: 1e12 });
          // Each packet is delayed by less than `window` places; some come twice.
          const order = spec
            .map(([delay], i) => ({ i, at: i === 0 ? -1 : i + (delay % window) }))
            .sort((a, b) => a.at - b.at || a.i - b.i);
          for (const { i } of order) {
            buffer.push(packet(first + i), 0);
            if (spec[i]![1]) buffer.push(packet(first + i), 0);
          }
          expect(out).toEqual(spec.map((_, i) => (first + i) & 0xffff));
          expect(buffer.held).toBe(0);
          expect(buffer.stats.lost).toBe(0);
        },
      ),
    );
  });

  it('never delivers out of order, twice, or without telling the gap, whatever is lost, late or doubled', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 400 }), (indexes) => {
        let next: number | undefined;
        const buffer = new JitterBuffer({
          clockRateHz: 48_000,
          maxPackets: 32,
          sink: {
            packet: (p) => {
              if (next !== undefined) expect(p.sequence).toBe(next);
              next = (p.sequence + 1) & 0xffff;
            },
            gap: (gapFirst, count) => {
              if (count > 0) expect(gapFirst).toBe(next);
              next = (gapFirst + count) & 0xffff;
            },
          },
        });
        indexes.forEach((index, i) => {
          buffer.push(packet(index), i * 1000);
        });
        buffer.flush();
        expect(buffer.held).toBe(0);
      }),
    );
  });

  it('gives a missing packet up when media much newer has come', () => {
    const { buffer, out } = collect({ gapAfterMediaUs: 100_000 });
    buffer.push(packet(0), 0);
    // 2 is missing 1; 100 ms of media later is packet 7.
    for (let i = 2; i <= 6; i++) buffer.push(packet(i), 0);
    expect(out).toEqual([0]);
    buffer.push(packet(7), 0);
    expect(out).toEqual([0, 'gap 1+1', 2, 3, 4, 5, 6, 7]);
    buffer.push(packet(1), 0);
    expect(buffer.stats).toMatchObject({ lost: 1, late: 1 });
  });

  it('gives a missing packet up by the injected arrival clock while nothing more comes', () => {
    const { buffer, out } = collect({ gapAfterArrivalUs: 50_000 });
    buffer.push(packet(0), 0);
    buffer.push(packet(3), 10_000);
    buffer.poll(59_999);
    expect(out).toEqual([0]);
    buffer.poll(60_000);
    expect(out).toEqual([0, 'gap 1+2', 3]);
  });

  it('stays within its size by giving up the oldest hole', () => {
    const { buffer, out } = collect({ maxPackets: 8, gapAfterMediaUs: 1e12 });
    buffer.push(packet(0), 0);
    for (let i = 2; i < 12; i++) buffer.push(packet(i), 0);
    expect(buffer.held).toBeLessThanOrEqual(8);
    expect(out.slice(0, 3)).toEqual([0, 'gap 1+1', 2]);
  });

  it('starts afresh on a new sequence, and takes one stray packet for what it is', () => {
    const { buffer, out } = collect();
    buffer.push(packet(10), 0);
    buffer.push(packet(30_000), 0);
    buffer.push(packet(11), 0);
    expect(out).toEqual([10, 11]);
    buffer.push(packet(40_000), 0);
    buffer.push(packet(40_001), 0);
    buffer.push(packet(40_002), 0);
    expect(out).toEqual([10, 11, 'gap 40000+0', 40_000, 40_001, 40_002]);
    expect(buffer.stats.resets).toBe(1);
  });
});
