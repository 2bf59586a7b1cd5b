import { describe, expect, it } from 'vitest';
import { ManualClock } from './clock.ts';
import { IngestClock } from './ingest-clock.ts';

/** Plays packets of 20 ms to a clock: `speed` is the sender's clock against ours, `delayMs` the network's. */
function play(seconds: number, options: { speed?: number; delayMs?: (packet: number) => number } = {}) {
  const clock = new ManualClock();
  const ingest = new IngestClock({ clock, settleMs: 0 });
  const errors: number[] = [];
  const { speed = 1, delayMs = () => 0 } = options;
  const arrivals = Array.from({ length: seconds * 50 }, (_, i) => ({
    mediaTimeUs: i * 20_000,
    arrivalMs: (i * 20) / speed + delayMs(i),
  })).sort((a, b) => a.arrivalMs - b.arrivalMs);
  for (const { mediaTimeUs, arrivalMs } of arrivals) {
    clock.advance(arrivalMs - clock.nowMs());
    ingest.observe(mediaTimeUs, arrivalMs);
    errors.push((ingest.nowUs! - clock.nowMs() * speed * 1000) / 1000);
  }
  return { ingest, clock, errors };
}

describe('IngestClock', () => {
  it('does not run before the first packet', () => {
    const ingest = new IngestClock({ clock: new ManualClock() });
    expect(ingest.started).toBe(false);
    expect(ingest.nowUs).toBeUndefined();
  });

  it('goes on by itself when packets stop', () => {
    const { ingest, clock } = play(2);
    const before = ingest.nowUs!;
    clock.advance(30_000);
    expect(ingest.nowUs! - before).toBeCloseTo(30_000_000, -1);
  });

  it('follows a sender whose clock is off by 200 ppm for hours', () => {
    for (const speed of [1.0002, 0.9998]) {
      const { errors } = play(3600, { speed });
      expect(errors.slice(500).reduce((worst, error) => Math.max(worst, Math.abs(error)), 0)).toBeLessThan(
        15,
      );
    }
  });

  it('is not moved by jitter', () => {
    let state = 7;
    const jitter = () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return (state / 2_147_483_648) * 200;
    };
    const { errors } = play(60, { delayMs: jitter });
    const settled = errors.slice(1500);
    expect(Math.max(...settled) - Math.min(...settled)).toBeLessThan(40);
    expect(Math.max(...settled.map(Math.abs))).toBeLessThan(60);
  });

  it('never runs backwards', () => {
    const { errors } = play(20, { delayMs: (i) => (i > 300 && i < 400 ? 300 : 0) });
    for (let i = 1; i < errors.length; i += 1) expect(errors[i]! - errors[i - 1]!).toBeGreaterThan(-21);
  });

  it('says nothing while a backlog may still come all at once, and then stands at its end', () => {
    const clock = new ManualClock();
    const ingest = new IngestClock({ clock });
    for (let i = 0; i < 500; i += 1) ingest.observe(i * 20_000, 0);
    expect(ingest.started).toBe(true);
    expect(ingest.nowUs).toBeUndefined();
    clock.advance(200);
    expect(Math.abs(ingest.nowUs! - 499 * 20_000)).toBeLessThan(610_000);
    for (let i = 500; i < 800; i += 1) {
      clock.advance(20);
      ingest.observe(i * 20_000, clock.nowMs());
    }
    expect(Math.abs(ingest.nowUs! - 799 * 20_000)).toBeLessThan(400_000);
  });
});
