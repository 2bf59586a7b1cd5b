import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedChannel } from './bounded-channel.ts';

describe('BoundedChannel', () => {
  it('hands every item on once and in order, whatever the pace of writer and reader', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer()),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.boolean()),
        async (items, capacity, pauses) => {
          const channel = new BoundedChannel<number>({ name: 'test', capacity, policy: 'block' });
          const writer = (async () => {
            for (const [i, item] of items.entries()) {
              await channel.push(item);
              if (pauses[i]) await Promise.resolve();
            }
            channel.close();
          })();
          const read: number[] = [];
          let largest = 0;
          for await (const item of channel) {
            largest = Math.max(largest, channel.length);
            read.push(item);
            if (pauses[read.length]) await new Promise((resolve) => setImmediate(resolve));
          }
          await writer;
          expect(read).toEqual(items);
          expect(largest).toBeLessThanOrEqual(capacity);
        },
      ),
    );
  });

  it('never holds more than its capacity when it drops the oldest, and keeps the newest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
        fc.integer({ min: 5, max: 20 }),
        (sizes, capacity) => {
          const channel = new BoundedChannel<number>({
            name: 'test',
            capacity,
            policy: 'drop-oldest',
            sizeOf: (size) => size,
          });
          for (const size of sizes) expect(channel.tryPush(size)).toBe(true);
          expect(channel.size).toBeLessThanOrEqual(capacity);
          expect(channel.length + channel.dropped).toBe(sizes.length);
        },
      ),
    );
  });

  it('keeps only the latest with latest-wins and joins items with coalesce', async () => {
    const latest = new BoundedChannel<number>({ name: 'latest', capacity: 1, policy: 'latest-wins' });
    for (const item of [1, 2, 3]) latest.tryPush(item);
    expect(await latest.shift()).toBe(3);
    const sum = new BoundedChannel<number>({
      name: 'sum',
      capacity: 1,
      policy: 'coalesce',
      merge: (a, b) => a + b,
    });
    for (const item of [1, 2, 3]) sum.tryPush(item);
    expect(await sum.shift()).toBe(6);
  });

  it('refuses with a stable code when it is full and the policy is to fail', () => {
    const channel = new BoundedChannel<number>({ name: 'test', capacity: 1, policy: 'fail' });
    channel.tryPush(1);
    expect(() => channel.tryPush(2)).toThrowError(
      expect.objectContaining({ code: 'LIVEDUB_E_CHANNEL_OVERFLOW' }),
    );
  });

  it('takes one item of any size when empty', () => {
    const channel = new BoundedChannel<number>({
      name: 'test',
      capacity: 1,
      policy: 'block',
      sizeOf: () => 10,
    });
    expect(channel.tryPush(1)).toBe(true);
    expect(channel.tryPush(2)).toBe(false);
  });

  it('wakes a waiting writer or reader on abort, close and failure', async () => {
    const channel = new BoundedChannel<number>({ name: 'test', capacity: 1, policy: 'block' });
    const abort = new AbortController();
    const read = channel.shift(abort.signal);
    abort.abort(new Error('stop'));
    await expect(read).rejects.toThrow('stop');
    channel.tryPush(1);
    const write = channel.push(2);
    channel.fail(new Error('broken'));
    await expect(write).rejects.toThrow('broken');
    await expect(channel.shift()).rejects.toThrow('broken');
    channel.close();
    channel.close();
  });
});
