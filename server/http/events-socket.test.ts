import { describe, expect, it } from 'vitest';
import type { DubView, ServerEvent } from '../contract.ts';
import { EventsHub } from './events-socket.ts';

function dubOf(id: string, speed: number): DubView {
  return {
    id: id.repeat(32),
    title: id,
    synthetic: false,
    state: 'running',
    createdAt: '2026-01-01T00:00:00.000Z',
    to: ['es'],
    progress: { phase: 'dub', mediaTimeUs: 0, speed, lagMs: 0 },
    tracks: [],
    captions: [],
  };
}

class FakeSocket {
  buffered = 0;
  readonly got: ServerEvent[] = [];
  send(text: unknown): number {
    this.got.push(JSON.parse(String(text)) as ServerEvent);
    return 1;
  }
  getBufferedAmount(): number {
    return this.buffered;
  }
}

describe('EventsHub', () => {
  it('greets with everything there is', () => {
    const socket = new FakeSocket();
    const hub = new EventsHub({ snapshot: () => [dubOf('a', 1)] });
    hub.add(socket);
    expect(socket.got).toEqual([{ kind: 'dubs', dubs: [dubOf('a', 1)] }]);
  });

  it('gives a slow client the latest state of each dub only, once it takes more', () => {
    const socket = new FakeSocket();
    const hub = new EventsHub({ snapshot: () => [], maxBufferedBytes: 1000 });
    hub.add(socket);
    socket.buffered = 5000;
    for (let speed = 0; speed < 100; speed += 1) hub.publish(dubOf(speed % 2 ? 'b' : 'a', speed));
    expect(socket.got).toHaveLength(1);
    socket.buffered = 0;
    hub.drained(socket);
    expect(socket.got.slice(1)).toEqual([
      { kind: 'dub', dub: dubOf('a', 98) },
      { kind: 'dub', dub: dubOf('b', 99) },
    ]);
  });

  it('forgets a client that has gone', () => {
    const socket = new FakeSocket();
    const hub = new EventsHub({ snapshot: () => [] });
    hub.add(socket);
    hub.remove(socket);
    hub.publish(dubOf('a', 1));
    expect(socket.got).toHaveLength(1);
    expect(hub.size).toBe(0);
  });
});
