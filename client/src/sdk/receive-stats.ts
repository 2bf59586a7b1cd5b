import type { TrackKey } from '../../../server/live/contract.ts';

/** One received track over the last second. */
export interface TrackStats {
  readonly track: TrackKey;
  readonly kind: 'audio' | 'video';
  readonly bitrateBps: number;
  /** Share of packets lost, 0…1. */
  readonly loss: number;
  readonly jitterMs: number;
  /** Time spent in the browser's jitter buffer, ms, mean of the last second. */
  readonly bufferMs: number;
  readonly fps?: number;
  readonly framesDropped?: number;
  readonly width?: number;
  readonly height?: number;
  readonly codec?: string;
  /** When what is played now was captured, ms since the Unix epoch, once sender reports have come. */
  readonly playoutMs?: number;
}

export interface ReceiveStats {
  readonly tracks: readonly TrackStats[];
  readonly roundTripMs?: number;
  /** How far the sound of the chosen tracks is ahead of the picture, ms; negative: behind. */
  readonly soundAheadMs?: number;
}

/** The fields of a report that are read; browsers leave some out. */
interface Row {
  readonly id: string;
  readonly type: string;
  readonly kind?: string;
  readonly timestamp: number;
  readonly trackIdentifier?: string;
  readonly bytesReceived?: number;
  readonly packetsReceived?: number;
  readonly packetsLost?: number;
  readonly jitter?: number;
  readonly jitterBufferDelay?: number;
  readonly jitterBufferEmittedCount?: number;
  readonly framesPerSecond?: number;
  readonly framesDropped?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly codecId?: string;
  readonly mimeType?: string;
  readonly estimatedPlayoutTimestamp?: number;
  readonly nominated?: boolean;
  readonly state?: string;
  readonly currentRoundTripTime?: number;
}

const NTP_TO_UNIX_MS = 2_208_988_800_000;

/** Turns the counters of successive getStats reports into figures of the time between. */
export class ReceiveMeter {
  #before = new Map<string, Row>();

  /** @param keys track of each `trackIdentifier` */
  read(report: ReadonlyMap<string, unknown>, keys: ReadonlyMap<string, TrackKey>): ReceiveStats {
    const rows = [...report.values()] as Row[];
    const now = new Map<string, Row>();
    const tracks: TrackStats[] = [];
    let roundTripMs: number | undefined;
    for (const row of rows) {
      if (row.type === 'candidate-pair' && row.nominated && row.currentRoundTripTime !== undefined) {
        roundTripMs = row.currentRoundTripTime * 1000;
      }
      if (row.type !== 'inbound-rtp') continue;
      now.set(row.id, row);
      const track = keys.get(row.trackIdentifier ?? '');
      const before = this.#before.get(row.id);
      if (track && before) tracks.push(between(track, before, row, rows));
    }
    this.#before = now;
    const flowing = tracks.filter((one) => one.bitrateBps > 0);
    const ahead = soundAhead(flowing);
    return {
      tracks: flowing,
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
      ...(ahead === undefined ? {} : { soundAheadMs: ahead }),
    };
  }
}

function between(track: TrackKey, before: Row, row: Row, rows: readonly Row[]): TrackStats {
  const seconds = Math.max(0.001, (row.timestamp - before.timestamp) / 1000);
  const delta = (key: 'bytesReceived' | 'packetsReceived' | 'packetsLost') =>
    Math.max(0, (row[key] ?? 0) - (before[key] ?? 0));
  const lost = delta('packetsLost');
  const emitted = (row.jitterBufferEmittedCount ?? 0) - (before.jitterBufferEmittedCount ?? 0);
  const waited = (row.jitterBufferDelay ?? 0) - (before.jitterBufferDelay ?? 0);
  const codec = rows.find((one) => one.type === 'codec' && one.id === row.codecId)?.mimeType;
  return {
    track,
    kind: row.kind === 'video' ? 'video' : 'audio',
    bitrateBps: (delta('bytesReceived') * 8) / seconds,
    loss: lost === 0 ? 0 : lost / (lost + delta('packetsReceived')),
    jitterMs: (row.jitter ?? 0) * 1000,
    bufferMs: emitted > 0 ? (waited / emitted) * 1000 : 0,
    ...(row.framesPerSecond === undefined ? {} : { fps: row.framesPerSecond }),
    ...(row.framesDropped === undefined
      ? {}
      : { framesDropped: Math.max(0, row.framesDropped - (before.framesDropped ?? 0)) }),
    ...(row.frameWidth && row.frameHeight ? { width: row.frameWidth, height: row.frameHeight } : {}),
    ...(codec ? { codec: codec.slice(codec.indexOf('/') + 1) } : {}),
    ...(row.estimatedPlayoutTimestamp ? { playoutMs: unixMs(row.estimatedPlayoutTimestamp) } : {}),
  };
}

/** Browsers count from 1900, as NTP does, or from 1970. */
function unixMs(timestampMs: number): number {
  return timestampMs > NTP_TO_UNIX_MS ? timestampMs - NTP_TO_UNIX_MS : timestampMs;
}

/** The voice where one is heard, as it is the voice that has to fit the mouth. */
function soundAhead(tracks: readonly TrackStats[]): number | undefined {
  const picture = tracks.find((one) => one.kind === 'video')?.playoutMs;
  const sounds = tracks.filter((one) => one.kind === 'audio');
  const sound = (sounds.find((one) => one.track.endsWith(':synced')) ?? sounds[0])?.playoutMs;
  return picture === undefined || sound === undefined ? undefined : sound - picture;
}
