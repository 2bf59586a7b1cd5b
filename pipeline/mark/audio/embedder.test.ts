import { describe, expect, it } from 'vitest';
import { deriveMarkKey } from '../mark-key.ts';
import { AudioMarkEmbedder } from './embedder.ts';
import { AudioMarkLayout, BLOCK_SAMPLES, minuteOfBlock } from './layout.ts';

const RATE_HZ = 48_000;
const LATENCY = AudioMarkEmbedder.latencySamples;

async function embedder(channels: 1 | 2 = 1): Promise<AudioMarkEmbedder> {
  const key = await deriveMarkKey({ master: new Uint8Array(32).fill(3), issuer: 'test' });
  const layout = await AudioMarkLayout.create(key);
  return AudioMarkEmbedder.create({ layout, keyId: key.keyId, rendition: 4711, channels });
}

/** Tones that come and go, as speech does. */
function sound(seconds: number, seed = 1): Float32Array {
  return Float32Array.from({ length: seconds * RATE_HZ }, (_, i) => {
    const t = i / RATE_HZ;
    let sum = 0;
    for (let k = 1; k < 30; k += 1) sum += Math.sin(2 * Math.PI * 140 * k * t + k * k * seed) / k;
    return 0.1 * sum * (1 + Math.sin(2 * Math.PI * 3 * t));
  });
}

/** All of it, in pieces of a length, with the delay taken out. */
function mark(
  made: AudioMarkEmbedder,
  plane: Float32Array,
  startSample: number,
  piece: number,
): Float32Array {
  made.restart(startSample);
  const out = new Float32Array(plane.length + LATENCY);
  let at = 0;
  for (; at < plane.length; at += piece) out.set(made.process([plane.subarray(at, at + piece)])[0]!, at);
  out.set(made.flush()[0]!, plane.length);
  return out.subarray(LATENCY);
}

function loudness(plane: Float32Array): number {
  return 10 * Math.log10(plane.reduce((sum, x) => sum + x * x, 1e-12) / plane.length);
}

describe('audio mark embedder', () => {
  it('changes a little of the sound and keeps its loudness', async () => {
    const plane = sound(6);
    const marked = mark(await embedder(), plane, 0, 960);
    const change = plane.map((x, i) => marked[i]! - x);
    expect(loudness(plane) - loudness(change)).toBeGreaterThan(12);
    expect(loudness(plane) - loudness(change)).toBeLessThan(30);
    expect(Math.abs(loudness(marked) - loudness(plane))).toBeLessThan(0.3);
  });

  it('gives the same whatever pieces the sound comes in', async () => {
    const plane = sound(2);
    const whole = mark(await embedder(), plane, 12_345, plane.length);
    const pieces = mark(await embedder(), plane, 12_345, 777);
    expect(pieces).toEqual(whole);
  });

  it('leaves what is above and below its rows as it is', async () => {
    const plane = Float32Array.from(
      { length: RATE_HZ },
      (_, i) => 0.3 * Math.sin((2 * Math.PI * 12_000 * i) / RATE_HZ),
    );
    const marked = mark(await embedder(), plane, 0, 960);
    // Where the tone begins and ends it is all over the spectrum.
    for (let i = 4000; i < plane.length - 4000; i += 1)
      expect(Math.abs(marked[i]! - plane[i]!)).toBeLessThan(1e-4);
  });

  it('leaves digital silence silent', async () => {
    const marked = mark(await embedder(), new Float32Array(RATE_HZ), 5, 960);
    expect(marked.every((x) => x === 0)).toBe(true);
  });

  it('goes on in phase wherever it begins: the mark follows from media time alone', async () => {
    const plane = sound(4);
    const whole = mark(await embedder(), plane, 0, 960);
    const from = 48_321;
    const later = mark(await embedder(), plane.subarray(from), from, 960);
    // Frames before the beginning are silent there, and the average loudness of rows begins anew.
    let difference = 0;
    let change = 0;
    for (let i = 2 * RATE_HZ; i < plane.length - LATENCY; i += 1) {
      difference += (whole[i]! - later[i - from]!) ** 2;
      change += (whole[i]! - plane[i]!) ** 2;
    }
    expect(difference).toBeLessThan(change / 20);
  });

  it('gives both channels the same mark', async () => {
    const made = await embedder(2);
    const [left, right] = [sound(1), sound(1).map((x) => -0.5 * x)];
    made.restart(0);
    const [l, r] = made.process([left, right]);
    for (let i = 0; i < l!.length; i += 1) expect(r![i]!).toBeCloseTo(-0.5 * l![i]!, 5);
  });

  it('counts minutes from media time 0, by the beginning of blocks', () => {
    expect(minuteOfBlock(0)).toBe(0);
    expect(minuteOfBlock(-1)).toBe(0);
    const first = Math.ceil((60 * RATE_HZ) / BLOCK_SAMPLES);
    expect(minuteOfBlock(first - 1)).toBe(0);
    expect(minuteOfBlock(first)).toBe(1);
  });
});
