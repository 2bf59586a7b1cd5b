import { describe, expect, it } from 'vitest';
import { JobQueue } from './job-queue.ts';

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('JobQueue', () => {
  it('runs one job at a time, in order', async () => {
    const queue = new JobQueue();
    const seen: string[] = [];
    const gates = [gate(), gate()];
    const job = (name: string, index: number) => async () => {
      seen.push(`${name} starts`);
      await gates[index]?.opened;
      seen.push(`${name} ends`);
    };
    queue.add(job('a', 0), () => {});
    queue.add(job('b', 1), () => {});
    expect([queue.running, queue.queued]).toEqual([1, 1]);
    gates[1]?.open();
    gates[0]?.open();
    await queue.close().catch(() => {});
    expect(seen).toContain('a ends');
    expect(seen.indexOf('a ends')).toBeGreaterThan(seen.indexOf('a starts'));
  });

  it('refuses the seventeenth that would wait', () => {
    const queue = new JobQueue();
    const never = () => new Promise<void>(() => {});
    for (let index = 0; index < 17; index += 1) queue.add(never, () => {});
    expect([queue.running, queue.queued]).toEqual([1, 16]);
    expect(() => queue.add(never, () => {})).toThrowError(
      expect.objectContaining({ code: 'LIVEDUB_E_QUEUE_FULL', retryable: true }),
    );
  });

  it('takes a waiting job out, but not one that runs', () => {
    const queue = new JobQueue();
    let dropped = 0;
    const never = () => new Promise<void>(() => {});
    const first = queue.add(never, () => dropped++);
    const second = queue.add(never, () => dropped++);
    expect(first()).toBe(false);
    expect(second()).toBe(true);
    expect(second()).toBe(false);
    expect(dropped).toBe(1);
    expect(queue.queued).toBe(0);
  });

  it('close drops what waits, waits for what runs, and then refuses', async () => {
    const queue = new JobQueue();
    const { open, opened } = gate();
    let ended = false;
    let dropped = false;
    queue.add(
      async () => {
        await opened;
        ended = true;
      },
      () => {},
    );
    queue.add(
      async () => {},
      () => {
        dropped = true;
      },
    );
    const closed = queue.close();
    expect(dropped).toBe(true);
    expect(ended).toBe(false);
    open();
    await closed;
    expect(ended).toBe(true);
    expect(() =>
      queue.add(
        async () => {},
        () => {},
      ),
    ).toThrowError(expect.objectContaining({ code: 'LIVEDUB_E_CLOSED' }));
  });
});
