import { describe, expect, it } from 'vitest';
import { cutClips, judgeClip } from './audio-trials.ts';
import { isUnseen } from './material.ts';
import { localRms, MUSIC_STYLES, makeMusic, underlay } from './music.ts';
import { markNoise } from './quality.ts';
import { meanOf, quantile, shareText, wilson } from './statistics.ts';

describe('a share of trials', () => {
  it('has the interval of Wilson, also at its ends', () => {
    expect(wilson(400, 400)).toMatchObject({ share: 1, high: 1 });
    expect(wilson(400, 400).low).toBeCloseTo(0.9905, 3);
    expect(wilson(373, 400).low).toBeCloseTo(0.9037, 3);
    expect(wilson(373, 400).high).toBeCloseTo(0.953, 3);
    expect(wilson(0, 10).low).toBeCloseTo(0);
    expect(shareText(wilson(10, 10))).toBe('100 [72.2, 100]');
  });

  it('goes with means and quantiles as usual', () => {
    expect(meanOf([1, 2, 3, 4])).toMatchObject({ mean: 2.5, of: 4 });
    expect(meanOf([1, 2, 3, 4]).within).toBeCloseTo(1.265, 3);
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('music', () => {
  it.each(MUSIC_STYLES)('of %s is the same again, and as loud as is said', (style) => {
    const once = makeMusic({ style, seconds: 2, seed: 3 });
    expect(makeMusic({ style, seconds: 2, seed: 3 })).toEqual(once);
    expect(makeMusic({ style, seconds: 2, seed: 4 })).not.toEqual(once);
    expect(rms(once)).toBeCloseTo(1, 5);
  });

  it('lies so many dB under the sound around it', () => {
    const sound = Float32Array.from(
      { length: 480_000 },
      (_, i) => Math.sin(i / 10) * (i < 240_000 ? 0.1 : 0.4),
    );
    expect(localRms(sound, 5)[60_000]).toBeCloseTo(0.1 / Math.SQRT2, 3);
    const music = makeMusic({ style: 'song', seconds: 10, seed: 1 });
    const under = underlay(sound, music, -6).map((sample, i) => sample - sound[i]!);
    const level = 20 * Math.log10(rms(under.subarray(360_000)) / (0.4 / Math.SQRT2));
    expect(level).toBeGreaterThan(-7.5);
    expect(level).toBeLessThan(-4.5);
  });
});

describe('the noise of a mark', () => {
  it('is measured against the sound', async () => {
    const sound = Float32Array.from(
      { length: 96_000 },
      (_, i) => 0.3 * Math.sin(i * 0.1) + 0.2 * Math.sin(i * 0.31),
    );
    const { snrDb, segmentalSnrDb, bandsOverMask } = await markNoise(
      sound,
      sound.map((sample) => sample * 1.1),
    );
    expect(snrDb).toBeCloseTo(20, 1);
    expect(segmentalSnrDb).toBeCloseTo(20, 1);
    expect(bandsOverMask).toBe(0);
  });
});

describe('trials', () => {
  it('take clips at places that one seed decides', () => {
    const sound = Float32Array.from({ length: 160_000 }, (_, i) => i);
    const clips = cutClips(sound, { lengthS: 2, count: 5, seed: 1 });
    expect(cutClips(sound, { lengthS: 2, count: 5, seed: 1 })).toEqual(clips);
    for (const { startS, samples } of clips) {
      expect(samples).toHaveLength(32_000);
      expect(samples[0]).toBe(Math.round(startS * 16_000));
    }
  });

  it('count what is named by place and payload, and whatever else as wrong', () => {
    const truth = { keyId: 1, renditions: [5], originalS: (s: number) => s };
    const finding = (rendition: number, minute: number, how: 'read' | 'matched') => ({
      payload: { keyId: 1, rendition, minute },
      how,
      startS: 0,
      endS: 5,
      score: 20,
      threshold: 11,
      logFalseAlarm: -99,
      speed: 1,
    });
    const judged = (...findings: ReturnType<typeof finding>[]) =>
      judgeClip({ startS: 58, lengthS: 5 }, { findings, presence: undefined, examinedS: 5 }, 1, truth);
    expect(judged(finding(5, 1, 'read'))).toMatchObject({ read: true, named: true, wrong: false, score: 20 });
    expect(judged(finding(5, 0, 'matched'))).toMatchObject({ read: false, named: true, wrong: false });
    expect(judged(finding(5, 2, 'read'))).toMatchObject({ named: false, wrong: true });
    expect(judged(finding(6, 1, 'read'))).toMatchObject({ named: false, wrong: true });
    expect(judged()).toMatchObject({ present: false, wrong: false, score: 0 });
  });

  it('are of recordings that tuning did not hear', () => {
    expect(isUnseen('fleurs-de-003.ogg')).toBe(true);
    expect(isUnseen('fleurs-de-004.ogg')).toBe(false);
    expect(isUnseen('LJ001-0001.wav')).toBe(true);
  });
});

function rms(sound: Float32Array): number {
  return Math.sqrt(sound.reduce((sum, sample) => sum + sample * sample, 0) / sound.length);
}
