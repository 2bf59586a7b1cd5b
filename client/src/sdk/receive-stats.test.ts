import { describe, expect, it } from 'vitest';
import type { TrackKey } from '../../../server/live/contract.ts';
import { type Played, ReceiveMeter } from './receive-stats.ts';

const KEYS = new Map<string, TrackKey>([
  ['p', 'live:video'],
  ['s', 'live:audio'],
]);

function report(...rows: { id: string; [key: string]: unknown }[]): Map<string, unknown> {
  return new Map(rows.map((row) => [row.id, row]));
}

describe('figures from getStats', () => {
  it('are of the time between two reports', () => {
    const meter = new ReceiveMeter();
    const first = {
      id: '1',
      type: 'inbound-rtp',
      kind: 'video',
      trackIdentifier: 'p',
      timestamp: 1000,
      bytesReceived: 1000,
      packetsReceived: 10,
      packetsLost: 0,
      framesDropped: 4,
    };
    expect(meter.read(report(first), KEYS).tracks).toEqual([]);
    const second = {
      ...first,
      timestamp: 3000,
      bytesReceived: 26_000,
      packetsReceived: 100,
      packetsLost: 10,
      framesDropped: 5,
      jitter: 0.004,
      framesPerSecond: 25,
      frameWidth: 640,
      frameHeight: 360,
      codecId: 'c',
    };
    const pair = { id: 'x', type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.02 };
    const codec = { id: 'c', type: 'codec', mimeType: 'video/VP8' };
    const stats = meter.read(report(second, pair, codec), KEYS);
    expect(stats.roundTripMs).toBeCloseTo(20);
    expect(stats.tracks[0]).toMatchObject({
      track: 'live:video',
      bitrateBps: 100_000,
      loss: 0.1,
      jitterMs: 4,
      fps: 25,
      framesDropped: 1,
      width: 640,
      height: 360,
      codec: 'VP8',
    });
  });

  it('say how far the sound is ahead of the picture, and leave out tracks that are silent', () => {
    const meter = new ReceiveMeter();
    const rows = (timestamp: number, bytes: number) => [
      {
        id: '1',
        type: 'inbound-rtp',
        kind: 'video',
        trackIdentifier: 'p',
        timestamp,
        bytesReceived: bytes,
      },
      {
        id: '2',
        type: 'inbound-rtp',
        kind: 'audio',
        trackIdentifier: 's',
        timestamp,
        bytesReceived: bytes,
      },
      { id: '3', type: 'inbound-rtp', kind: 'audio', trackIdentifier: '?', timestamp, bytesReceived: 0 },
    ];
    meter.read(report(...rows(0, 0)), KEYS);
    const played = new Map<TrackKey, Played>([
      ['live:video', { rtpTimestamp: 90_000, timestamp: 5000 }],
      ['live:audio', { rtpTimestamp: 48_000 + 480, timestamp: 4980 }],
    ]);
    const stats = meter.read(report(...rows(1000, 1000)), KEYS, played);
    expect(stats.tracks.map((one) => one.track)).toEqual(['live:video', 'live:audio']);
    // 10 ms further in the programme, and 20 ms earlier.
    expect(stats.soundAheadMs).toBeCloseTo(30);
    expect(meter.read(report(...rows(2000, 1000)), KEYS).tracks).toEqual([]);
  });
});
