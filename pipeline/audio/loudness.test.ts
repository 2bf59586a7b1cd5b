import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { integratedLoudness, LoudnessMeter } from './loudness.ts';

const RATE = 48_000;

function sine(hz: number, dbfs: number, seconds: number): Float32Array {
  const gain = 10 ** (dbfs / 20);
  return Float32Array.from(
    { length: RATE * seconds },
    (_, i) => gain * Math.sin((2 * Math.PI * hz * i) / RATE),
  );
}

/** Noise whose level changes every 400 ms, with silence in between: exercises both gates. */
function bursts(seconds: number): Float32Array {
  let seed = 1;
  return Float32Array.from({ length: RATE * seconds }, (_, i) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    const step = Math.floor(i / 19_200) % 7;
    return (seed / 0x40000000 - 1) * [0, 0.3, 0.05, 0.15, 0.001, 0.6, 0.02][step]!;
  });
}

/** Integrated loudness by FFmpeg's ebur128 filter; undefined where FFmpeg is not installed. */
function ffmpegLufs(planes: Float32Array[]): number | undefined {
  const interleaved = new Float32Array(planes[0]!.length * planes.length);
  planes.forEach((plane, channel) => {
    plane.forEach((x, i) => {
      interleaved[i * planes.length + channel] = x;
    });
  });
  const layout = ['-f', 'f32le', '-ar', `${RATE}`, '-ac', `${planes.length}`];
  const run = spawnSync(
    'ffmpeg',
    ['-v', 'info', '-nostats', ...layout, '-i', '-', '-af', 'ebur128=framelog=verbose', '-f', 'null', '-'],
    {
      input: Buffer.from(interleaved.buffer),
      maxBuffer: 1 << 26,
    },
  );
  if (run.error) return undefined;
  const found = /Integrated loudness:\s+I:\s+(-?[\d.]+) LUFS/.exec(run.stderr.toString());
  return found ? Number(found[1]) : undefined;
}

describe('LoudnessMeter', () => {
  it('reads −23 LUFS for a 997 Hz tone at −23 dBFS on both channels (EBU Tech 3341, case 1)', () => {
    const tone = sine(1000, -23, 20);
    expect(integratedLoudness([tone, tone])).toBeCloseTo(-23, 1);
  });

  it('leaves out quiet passages by the relative gate (EBU Tech 3341, case 3)', () => {
    const tone = new Float32Array(RATE * 80);
    tone.set(sine(1000, -36, 10));
    tone.set(sine(1000, -23, 60), RATE * 10);
    tone.set(sine(1000, -36, 10), RATE * 70);
    expect(integratedLoudness([tone, tone])).toBeCloseTo(-23, 1);
  });

  it('reads momentary and short-term loudness of the newest sound', () => {
    const meter = new LoudnessMeter({ channels: 2 });
    expect(meter.momentaryLufs).toBe(Number.NEGATIVE_INFINITY);
    const loud = sine(1000, -20, 4);
    meter.process([loud, loud]);
    expect(meter.shortTermLufs).toBeCloseTo(-20, 1);
    const quiet = sine(1000, -30, 1);
    meter.process([quiet, quiet]);
    expect(meter.momentaryLufs).toBeCloseTo(-30, 1);
    expect(meter.integratedLufs).toBeGreaterThan(-22);
    meter.reset();
    expect(meter.integratedLufs).toBe(Number.NEGATIVE_INFINITY);
  });

  it('reads nothing for silence', () => {
    expect(integratedLoudness([new Float32Array(RATE * 5)])).toBe(Number.NEGATIVE_INFINITY);
  });

  it('reads the same however the sound is split', () => {
    const sound = bursts(6);
    const meter = new LoudnessMeter({ channels: 1 });
    for (let at = 0; at < sound.length; at += 961) meter.process([sound.subarray(at, at + 961)]);
    expect(meter.integratedLufs).toBeCloseTo(integratedLoudness([sound]), 9);
  });

  it('agrees with FFmpeg’s ebur128 within 0.1 LU on changing noise, mono and stereo', () => {
    const left = bursts(12);
    const right = left.map((x, i) => x * (0.5 + 0.5 * Math.sin(i / 50_000)));
    for (const planes of [[left], [left, right]]) {
      const want = ffmpegLufs(planes);
      if (want === undefined) continue;
      expect(Math.abs(integratedLoudness(planes) - want)).toBeLessThanOrEqual(0.1);
    }
  });

  it('refuses more than two channels', () => {
    expect(() => new LoudnessMeter({ channels: 6 })).toThrow(/1 or 2/);
  });
});
