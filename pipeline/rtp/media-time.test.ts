import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MediaTimeline, MediaTimeMapper } from './media-time.ts';
import { ntpOfWallUs, wallUsOfNtp } from './ntp.ts';
import { wrap32 } from './rtp-timestamp.ts';

const WALL_US = 1_700_000_000_000_000;

describe('NTP time', () => {
  it('keeps every microsecond from 1970 to 2100', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800_000_000 }), (wallUs) => {
        const { seconds, fraction } = ntpOfWallUs(wallUs);
        expect(wallUsOfNtp(seconds, fraction)).toBe(wallUs);
      }),
    );
  });
});

describe('MediaTimeMapper', () => {
  it('gives exactly the media time of each packet of a replay, over timestamp wraps', () => {
    const mapper = new MediaTimeMapper({
      clockRateHz: 90_000,
      timeline: new MediaTimeline({ originUs: WALL_US }),
    });
    let worstUs = 0;
    for (let i = 0; i < 100_000; i++) {
      const mediaTimeUs = Math.round((i * 1e6) / 29.97);
      const mapped = mapper.map({
        timestamp: wrap32(4_294_000_000 + Math.round(mediaTimeUs * 0.09)),
        captureUs: WALL_US + mediaTimeUs,
      });
      worstUs = Math.max(worstUs, Math.abs(mapped.mediaTimeUs - mediaTimeUs));
    }
    expect(worstUs).toBeLessThanOrEqual(12);
  });

  it('puts two tracks on one timeline by their capture times', () => {
    const timeline = new MediaTimeline();
    const audio = new MediaTimeMapper({ clockRateHz: 48_000, timeline });
    const video = new MediaTimeMapper({ clockRateHz: 90_000, timeline });
    expect(audio.map({ timestamp: 5, captureUs: WALL_US }).mediaTimeUs).toBe(0);
    expect(video.map({ timestamp: 7777, captureUs: WALL_US + 40_000 }).mediaTimeUs).toBe(40_000);
    expect(video.map({ timestamp: 7777 + 3600, captureUs: WALL_US + 80_000 }).mediaTimeUs).toBe(80_000);
  });

  it('does not pass the jitter of the capture clock on', () => {
    const mapper = new MediaTimeMapper({ clockRateHz: 48_000, timeline: new MediaTimeline() });
    for (let i = 0; i < 1000; i++) {
      const captureUs = WALL_US + i * 20_000 + (i % 3) * 500;
      expect(mapper.map({ timestamp: i * 960, captureUs }).mediaTimeUs).toBe(i * 20_000);
    }
  });

  it('follows a drifting RTP clock slowly, without going back and without lasting error', () => {
    const mapper = new MediaTimeMapper({ clockRateHz: 48_000, timeline: new MediaTimeline() });
    let last = -1;
    let error = 0;
    for (let i = 0; i < 50 * 600; i++) {
      // The sender's sample clock runs 200 ppm fast against its wall clock.
      const captureUs = WALL_US + Math.round((i * 20_000) / 1.0002);
      const { mediaTimeUs } = mapper.map({ timestamp: wrap32(i * 960), captureUs });
      expect(mediaTimeUs).toBeGreaterThan(last);
      last = mediaTimeUs;
      error = Math.abs(mediaTimeUs - (captureUs - WALL_US));
      expect(error).toBeLessThan(2100);
    }
  });

  it('uses sender reports where packets carry no capture time', () => {
    const timeline = new MediaTimeline({ originUs: WALL_US });
    const mapper = new MediaTimeMapper({ clockRateHz: 48_000, timeline });
    mapper.senderReport(WALL_US + 1_000_000, 96_000);
    expect(mapper.map({ timestamp: 48_000 })).toMatchObject({ mediaTimeUs: 0, source: 'report' });
    expect(mapper.map({ timestamp: 144_000 }).mediaTimeUs).toBe(2_000_000);
  });

  it('starts by arrival where nothing else is known, and stays continuous when the first report comes', () => {
    const timeline = new MediaTimeline();
    const audio = new MediaTimeMapper({ clockRateHz: 48_000, timeline });
    const video = new MediaTimeMapper({ clockRateHz: 90_000, timeline });
    expect(audio.map({ timestamp: 1000, arrivalUs: 50 })).toMatchObject({ mediaTimeUs: 0, source: 'first' });
    expect(video.map({ timestamp: 9000, arrivalUs: 30_050 }).mediaTimeUs).toBe(30_000);
    audio.senderReport(WALL_US, 1000);
    expect(audio.map({ timestamp: 1960, arrivalUs: 20_050 })).toMatchObject({
      mediaTimeUs: 20_000,
      source: 'report',
    });
    expect(timeline.originUs).toBe(WALL_US);
  });

  it('starts afresh when the source jumps, and never goes back', () => {
    const mapper = new MediaTimeMapper({ clockRateHz: 48_000, timeline: new MediaTimeline() });
    mapper.map({ timestamp: 0, captureUs: WALL_US });
    mapper.map({ timestamp: 960, captureUs: WALL_US + 20_000 });
    // A new encoder: other timestamps, time goes on.
    const fresh = mapper.map({ timestamp: 3_000_000_000, captureUs: WALL_US + 40_000 });
    expect(fresh).toEqual({ mediaTimeUs: 40_000, discontinuity: true, source: 'capture' });
    expect(mapper.map({ timestamp: 3_000_000_960, captureUs: WALL_US + 60_000 }).mediaTimeUs).toBe(60_000);
    // The wall clock is set back by an hour.
    const back = mapper.map({ timestamp: 3_000_001_920, captureUs: WALL_US - 3_600_000_000 });
    expect(back).toMatchObject({ mediaTimeUs: 60_000, discontinuity: true });
  });

  it('keeps the presentation order of pictures sent in coding order', () => {
    const mapper = new MediaTimeMapper({ clockRateHz: 90_000, timeline: new MediaTimeline({ originUs: 0 }) });
    const times = [0, 120_000, 40_000, 80_000, 240_000, 160_000];
    expect(times.map((t) => mapper.map({ timestamp: t * 0.09, captureUs: t }).mediaTimeUs)).toEqual(times);
  });
});
