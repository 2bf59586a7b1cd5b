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
  /** Of a sound: how far it is ahead of the picture, ms; negative: behind. */
  readonly aheadMs?: number;
}

export interface ReceiveStats {
  readonly tracks: readonly TrackStats[];
  readonly roundTripMs?: number;
  /** `aheadMs` of the voice in synced mode, where it has to fit the mouth, else of the original. */
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
  readonly nominated?: boolean;
  readonly state?: string;
  readonly currentRoundTripTime?: number;
}

/** What the browser played last of a track: `RTCRtpReceiver.getSynchronizationSources()`. */
export interface Played {
  readonly rtpTimestamp: number;
  /** ms. */
  readonly timestamp: number;
}

const AUDIO_HZ = 48_000;
const VIDEO_HZ = 90_000;
/** Least common multiple of both. */
const COMMON_HZ = 720_000;
/** More than this is a track that has just begun or ended. */
const MOST_BELIEVED_MS = 2000;

/** Turns the counters of successive getStats reports into figures of the time between. */
export class ReceiveMeter {
  #before = new Map<string, Row>();

  /**
   * @param keys track of each `trackIdentifier`
   * @param played of each track that plays
   */
  read(
    report: ReadonlyMap<string, unknown>,
    keys: ReadonlyMap<string, TrackKey>,
    played: ReadonlyMap<TrackKey, Played> = new Map(),
  ): ReceiveStats {
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
    const flowing = withAhead(
      tracks.filter((one) => one.bitrateBps > 0),
      played,
    );
    const sounds = flowing.filter((one) => one.kind === 'audio');
    const main =
      sounds.find((one) => one.track.endsWith(':synced')) ??
      sounds.find((one) => one.track.endsWith(':audio'));
    return {
      tracks: flowing,
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
      ...(main?.aheadMs === undefined ? {} : { soundAheadMs: main.aheadMs }),
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
  };
}

/**
 * RTP timestamps of all tracks of a channel are media time × clock rate from one origin, so what is played at one moment can
 * be compared.
 */
function withAhead(
  tracks: readonly TrackStats[],
  played: ReadonlyMap<TrackKey, Played>,
): readonly TrackStats[] {
  const picture = tracks.find((one) => one.kind === 'video');
  const seen = picture && played.get(picture.track);
  if (!seen) return tracks;
  return tracks.map((one) => {
    const heard = one.kind === 'audio' ? played.get(one.track) : undefined;
    const aheadMs = heard && ahead(heard, seen);
    return aheadMs === undefined ? one : { ...one, aheadMs };
  });
}

function ahead(heard: Played, seen: Played): number | undefined {
  const mediaMs = (one: Played, rateHz: number) => (one.rtpTimestamp * 1000) / rateHz - one.timestamp;
  const aheadMs = mediaMs(heard, AUDIO_HZ) - mediaMs(seen, VIDEO_HZ);
  // Timestamps are of 32 bits and wrap, after 13 h of picture and 25 h of sound: both are multiples of this.
  const wrapMs = (2 ** 32 * 1000) / COMMON_HZ;
  const within = (((aheadMs % wrapMs) + wrapMs * 1.5) % wrapMs) - wrapMs / 2;
  return Math.abs(within) < MOST_BELIEVED_MS ? within : undefined;
}
