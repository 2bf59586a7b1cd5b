import { describe, expect, it } from 'vitest';
import { truePeakDbtp } from '../audio/limiter.ts';
import type { AudioFrame } from '../frames.ts';
import { TEST_MARK } from '../ports/fakes.ts';
import type { RenditionOutput } from '../rendition-pipeline.ts';
import { runThrough } from '../stage-harness.ts';
import { MarkStage, type OutputMark } from './mark.ts';

const RATE_HZ = 48_000;
const FRAME_SAMPLES = 960;

/** Like a voice: partials of a low tone, loud and soft by turns. */
function voice(seconds: number, level = 0.2): Float32Array {
  return Float32Array.from({ length: seconds * RATE_HZ }, (_, i) => {
    const t = i / RATE_HZ;
    let sum = 0;
    for (let partial = 1; partial <= 30; partial += 1)
      sum += Math.sin(2 * Math.PI * 140 * partial * t + partial * partial) / Math.sqrt(partial);
    return level * sum * (0.55 + 0.45 * Math.sin(2 * Math.PI * 3 * t));
  });
}

function framesOf(planes: readonly Float32Array[], startUs = 0): AudioFrame[] {
  return Array.from({ length: planes[0]!.length / FRAME_SAMPLES }, (_, i) => ({
    kind: 'audio',
    mediaTimeUs: startUs + i * 20_000,
    sampleRateHz: RATE_HZ,
    planes: planes.map((plane) => plane.slice(i * FRAME_SAMPLES, (i + 1) * FRAME_SAMPLES)),
  }));
}

async function marked(frames: readonly AudioFrame[], mark: OutputMark = TEST_MARK): Promise<AudioFrame[]> {
  const channels = frames[0]?.planes.length === 2 ? 2 : 1;
  return await runThrough(new MarkStage({ output: 'es:synced:mix', mark, channels }), frames);
}

function joined(frames: readonly AudioFrame[], channel = 0): Float32Array {
  const out = new Float32Array(frames.length * FRAME_SAMPLES);
  for (const [i, frame] of frames.entries()) out.set(frame.planes[channel]!, i * FRAME_SAMPLES);
  return out;
}

/** What the mark has added, from a second on. */
function added(input: Float32Array, output: Float32Array): Float32Array {
  return output.slice(0, input.length).map((sample, i) => sample - input[i]!);
}

function correlation(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

describe('MarkStage', () => {
  it('changes sound a little, and gives all of it back where it was', async () => {
    const sound = voice(4, 0.05);
    const out = await marked(framesOf([sound]));
    expect(out.map(({ mediaTimeUs }) => mediaTimeUs)).toEqual(framesOf([sound]).map((f) => f.mediaTimeUs));
    const difference = added(sound, joined(out));
    const level = (pcm: Float32Array) => 10 * Math.log10(pcm.reduce((sum, x) => sum + x * x, 0) / pcm.length);
    const snrDb = level(sound) - level(difference);
    expect(snrDb).toBeGreaterThan(10);
    expect(snrDb).toBeLessThan(30);
    expect(correlation(sound, joined(out))).toBeGreaterThan(0.95);
  });

  it('marks both channels alike', async () => {
    const sound = voice(2, 0.05);
    const out = await marked(framesOf([sound, sound]));
    expect(joined(out, 1)).toEqual(joined(out, 0));
  });

  it('leaves digital silence as it is', async () => {
    const out = await marked(framesOf([new Float32Array(RATE_HZ)]));
    expect(out).toHaveLength(50);
    expect(joined(out).every((sample) => sample === 0)).toBe(true);
  });

  it('goes on with the mark when another process begins in the middle, and after a jump', async () => {
    const sound = voice(8, 0.05);
    const whole = await marked(framesOf([sound]));
    const from = 4 * RATE_HZ;
    const tail = framesOf([sound.slice(from)], 4_000_000);
    const resumed = await marked(tail);
    const jumped = await marked([...framesOf([sound.slice(0, RATE_HZ)]), ...tail]);
    // From a second on, when how loud the voice is has been learnt anew.
    const heard = (frames: readonly AudioFrame[]) =>
      added(
        sound.slice(from + RATE_HZ),
        joined(frames.filter(({ mediaTimeUs }) => mediaTimeUs >= 5_000_000)),
      );
    expect(correlation(heard(whole), heard(resumed))).toBeGreaterThan(0.9);
    expect(correlation(heard(whole), heard(jumped))).toBeGreaterThan(0.9);
    const moved = await marked(framesOf([sound.slice(from)], 4_500_000));
    const off = added(sound.slice(from + RATE_HZ), joined(moved.filter((f) => f.mediaTimeUs >= 5_500_000)));
    expect(correlation(heard(whole), off)).toBeLessThan(0.5);
    // What was under way at the jump is left out, and nothing is out of order.
    const times = jumped.map(({ mediaTimeUs }) => mediaTimeUs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.filter((us) => us >= 4_000_000)).toEqual(tail.map(({ mediaTimeUs }) => mediaTimeUs));
  });

  it('marks every rendition and every key in a way of its own', async () => {
    const sound = voice(4, 0.05);
    const by = async (mark: OutputMark) => added(sound, joined(await marked(framesOf([sound]), mark)));
    const one = await by(TEST_MARK);
    const otherRendition = await by({ ...TEST_MARK, rendition: 1 });
    const otherKey = await by({
      ...TEST_MARK,
      key: { ...TEST_MARK.key, secret: new Uint8Array(32).fill(8) },
    });
    expect(correlation(one, otherRendition)).toBeLessThan(0.9);
    expect(Math.abs(correlation(one, otherKey))).toBeLessThan(0.3);
  });

  it('keeps true peaks where they may be, though the mark raises some', async () => {
    const out = await marked(framesOf([voice(3, 0.6)]));
    const peak = truePeakDbtp([joined(out)]);
    expect(peak).toBeLessThanOrEqual(-2.5);
    expect(peak).toBeGreaterThan(-4);
  });

  it('is passed by no output: one without a mark is none', () => {
    // @ts-expect-error `mark` is missing: this line is what the compiler proves.
    const output: RenditionOutput = { mode: 'synced', kind: 'mix', onAudio: () => undefined };
    expect(output).not.toHaveProperty('mark');
  });

  it('sends nothing when nothing came', async () => {
    expect(await marked([])).toEqual([]);
  });
});
