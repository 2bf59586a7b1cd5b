import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoundedSocket } from './edge-socket.ts';

class FakeRaw {
  buffered = 0;
  closed = false;
  readonly got: unknown[] = [];
  send(text: unknown): number {
    this.got.push(JSON.parse(String(text)));
    return 1;
  }
  getBufferedAmount(): number {
    return this.buffered;
  }
  end(): void {
    this.closed = true;
  }
  close(): void {
    this.closed = true;
  }
}

describe('BoundedSocket', () => {
  let raw: FakeRaw;
  beforeEach(() => {
    vi.useFakeTimers();
    raw = new FakeRaw();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('sends at once, in order, to a client that keeps up', () => {
    const socket = new BoundedSocket({ raw });
    socket.send(1);
    socket.sendDroppable(2);
    socket.sendLatest('a', 3);
    socket.sendLatest('a', 4);
    expect(raw.got).toEqual([1, 2, 3, 4]);
    expect(socket.dropped).toBe(0);
  });

  it('keeps for a slow one everything that matters, the newest captions and the latest states', () => {
    const socket = new BoundedSocket({ raw, maxDroppable: 2 });
    raw.buffered = 1e6;
    socket.send('first');
    for (let at = 1; at <= 5; at += 1) socket.sendDroppable(`caption ${at}`);
    socket.sendLatest('tick', 'tick 1');
    socket.send('second');
    socket.sendLatest('tick', 'tick 2');
    expect(raw.got).toEqual([]);
    raw.buffered = 0;
    socket.drained();
    expect(raw.got).toEqual(['first', 'caption 4', 'caption 5', 'second', 'tick 2']);
    expect(socket.dropped).toBe(3);
  });

  it('ends a connection that takes nothing for 10 s, and not one that is only slow', () => {
    const socket = new BoundedSocket({ raw });
    raw.buffered = 1e6;
    socket.send(1);
    vi.advanceTimersByTime(9000);
    raw.buffered = 0;
    socket.drained();
    raw.buffered = 1e6;
    socket.sendDroppable(2);
    vi.advanceTimersByTime(9900);
    expect(raw.closed).toBe(false);
    vi.advanceTimersByTime(200);
    expect(raw.closed).toBe(true);
  });

  it('ends a connection for which too much waits', () => {
    const socket = new BoundedSocket({ raw, maxWaitingBytes: 1000 });
    raw.buffered = 1e6;
    for (let at = 0; at < 9; at += 1) socket.send('x'.repeat(100));
    expect(raw.closed).toBe(false);
    socket.send('x'.repeat(100));
    expect(raw.closed).toBe(true);
  });

  it('says nothing more to a connection that has ended', () => {
    const socket = new BoundedSocket({ raw });
    socket.ended();
    socket.send(1);
    socket.close();
    expect(socket.signal.aborted).toBe(true);
    expect(raw).toMatchObject({ got: [], closed: false });
  });
});
