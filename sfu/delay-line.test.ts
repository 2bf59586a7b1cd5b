import { describe, expect, it } from 'vitest';
import { ManualClock, ManualTicker } from '../pipeline/clock.ts';
import { DelayLine, type DelayLineOptions } from './delay-line.ts';

interface Item {
  readonly atMs: number;
  readonly isKey?: boolean;
}

function setUp(options: Partial<DelayLineOptions<Item>> = {}) {
  const clock = new ManualClock();
  const ticker = new ManualTicker();
  const out: { item: Item; atMs: number }[] = [];
  const line = new DelayLine<Item>({
    delayMs: 1000,
    bytesOf: () => 100,
    onRelease: (item) => out.push({ item, atMs: clock.nowMs() }),
    clock,
    ticker,
    ...options,
  });
  /** One item every 20 ms; a keyframe every `keyEvery`. */
  const run = (ms: number, keyEvery = 10) => {
    for (let t = 0; t < ms; t += 5) {
      const now = clock.nowMs();
      if (now % 20 === 0) line.push({ atMs: now, isKey: now % (20 * keyEvery) === 0 });
      clock.advance(5);
      ticker.tick();
    }
  };
  return { line, out, run, clock, ticker };
}
const pictures = { isKeyframeStart: (item: Item) => item.isKey === true };

describe('DelayLine', () => {
  it('lets every item out its delay after it came, in order', () => {
    const { out, run } = setUp();
    run(3000);
    expect(out).toHaveLength(101);
    for (const { item, atMs } of out) expect(atMs - item.atMs).toBe(1000);
  });

  it('holds everything back by the difference when the delay grows, and loses nothing', () => {
    const { line, out, run } = setUp();
    run(2000);
    line.setDelay(1500);
    run(2000);
    const gaps = out.map(({ atMs }, i) => (i === 0 ? 0 : atMs - out[i - 1]!.atMs));
    expect(Math.max(...gaps)).toBe(520);
    expect(out.map(({ item }) => item.atMs)).toEqual(out.map((_, i) => i * 20));
    expect(line.dropped).toBe(0);
  });

  it('drops at once what a shorter delay leaves overdue', () => {
    const { line, out, run } = setUp();
    run(2000);
    const count = out.length;
    line.setDelay(400);
    run(1000);
    expect(line.dropped).toBe(29);
    expect(out[count]!.atMs - out[count]!.item.atMs).toBeLessThanOrEqual(405);
    expect(out[count]!.item.atMs - out[count - 1]!.item.atMs).toBeGreaterThan(580);
  });

  it('goes on with a keyframe after pictures were dropped', () => {
    const { line, out, run } = setUp(pictures);
    run(2000);
    const count = out.length;
    line.setDelay(450);
    run(1000);
    expect(out[count]!.item.isKey).toBe(true);
    expect(out[count]!.atMs - out[count]!.item.atMs).toBe(450);
  });

  it('asks for a keyframe once where none waits, and shows nothing until it comes', () => {
    let asked = 0;
    const { line, out, run } = setUp({ ...pictures, onKeyframeWanted: () => (asked += 1) });
    run(1900, 1000);
    const count = out.length;
    line.setDelay(200);
    line.setDelay(100);
    run(500, 1000);
    expect(asked).toBe(1);
    expect(out).toHaveLength(count);
    run(200, 1);
    expect(out[count]!.item.isKey).toBe(true);
  });

  it('is bounded in bytes and in time: the oldest go, counted', () => {
    const inBytes = setUp({ maxBytes: 1000 });
    inBytes.run(900);
    expect(inBytes.line.length).toBe(10);
    expect(inBytes.line.bytes).toBe(1000);
    expect(inBytes.line.dropped).toBe(35);
    const inTime = setUp({ maxMs: 300 });
    inTime.run(900);
    expect(inTime.line.length).toBe(16);
  });

  it('forgets what waits when it is closed, and takes nothing more', () => {
    const { line, out, run } = setUp();
    run(500);
    line.close();
    line.close();
    run(2000);
    expect(out).toHaveLength(0);
    expect(line.length).toBe(0);
  });
});
