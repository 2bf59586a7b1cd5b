import type { Clock } from '../../../pipeline/clock.ts';
import type { IngestHealth } from '../contract.ts';
import type { IngestFound } from './ingest-input.ts';
import type { IngestTrack } from './ingest-track.ts';
import type { IngestTrackName } from './transcode-args.ts';

/** Rates of an ingest between two readings. Container streams come by reliable transport: there is no loss to report. */
export class IngestMeter {
  readonly #clock: Clock;
  readonly #before = new Map<IngestTrackName, { frames: number; bytes: number }>();
  #readMs: number;
  #arrivedMs: number | undefined;
  #gapMs = 0;
  #jitterMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#readMs = clock.nowMs();
  }

  /** Something of the container has just come. */
  arrived(): void {
    const nowMs = this.#clock.nowMs();
    if (this.#arrivedMs !== undefined) {
      const gapMs = nowMs - this.#arrivedMs;
      // Mean deviation of the distance between arrivals, smoothed as in RFC 3550 §6.4.1.
      this.#jitterMs += (Math.abs(gapMs - this.#gapMs) - this.#jitterMs) / 16;
      this.#gapMs += (gapMs - this.#gapMs) / 16;
    }
    this.#arrivedMs = nowMs;
  }

  read(
    found: IngestFound,
    tracks: ReadonlyMap<IngestTrackName, IngestTrack>,
  ): Pick<IngestHealth, 'audio' | 'video'> {
    const nowMs = this.#clock.nowMs();
    const seconds = Math.max(0.001, (nowMs - this.#readMs) / 1000);
    this.#readMs = nowMs;
    const rate = (name: IngestTrackName): { fps: number; bitrateBps: number } | undefined => {
      const track = tracks.get(name);
      if (track === undefined) return undefined;
      const before = this.#before.get(name) ?? { frames: 0, bytes: 0 };
      this.#before.set(name, { frames: track.frames, bytes: track.bytes });
      return {
        fps: Math.round(((track.frames - before.frames) / seconds) * 10) / 10,
        bitrateBps: Math.round(((track.bytes - before.bytes) * 8) / seconds),
      };
    };
    const audio = rate('audio');
    const video = rate('video');
    const { picture } = found;
    return {
      ...(audio === undefined
        ? undefined
        : {
            audio: { bitrateBps: audio.bitrateBps, loss: 0, jitterMs: Math.round(this.#jitterMs * 10) / 10 },
          }),
      ...(video === undefined || picture === undefined
        ? undefined
        : {
            video: {
              codec: picture.codec,
              ...video,
              loss: 0,
              width: picture.widthPx,
              height: picture.heightPx,
            },
          }),
    };
  }
}
