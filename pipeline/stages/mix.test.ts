import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AudioRing } from '../audio/ring.ts';
import { demandFor } from '../demand.ts';
import type { AudioFrame, UtteranceFrame, WatermarkFrame } from '../frames.ts';
import type { PlacedUtterance } from '../observer.ts';
import { FAKE_ENGINE, memoryClauseLog } from '../ports/fakes.ts';
import { RenditionState } from '../rendition-state.ts';
import { runThrough } from '../stage-harness.ts';
import { FitStage } from './fit.ts';
import { MixStage } from './mix.ts';

const RATE_HZ = 48_000;
const SOURCE_SECONDS = 12;

function tone(seconds: number, level: number, hz: number): Float32Array {
  return Float32Array.from(
    { length: Math.round(seconds * RATE_HZ) },
    (_, i) => level * Math.sin((2 * Math.PI * hz * i) / RATE_HZ),
  );
}

function utterance(id: number, startS: number, endS: number, lengthS: number): UtteranceFrame {
  return {
    kind: 'utterance',
    clauseId: id,
    language: 'es',
    sourceText: 'x',
    text: 'x',
    clauseStartUs: startS * 1e6,
    clauseEndUs: endS * 1e6,
    pcm: tone(lengthS, 0.25, 400),
    phonemes: [],
    synthesiser: FAKE_ENGINE,
    voiceId: 'v',
    mediaTimeUs: endS * 1e6,
  };
}

async function mix(
  utterances: readonly UtteranceFrame[],
  options: { kind?: 'mix' | 'voice'; everyMs?: number } = {},
) {
  const ring = new AudioRing({ channels: 2, capacityMs: 30_000 });
  const bed = tone(SOURCE_SECONDS, 0.1, 1000);
  ring.write({ kind: 'audio', mediaTimeUs: 0, sampleRateHz: RATE_HZ, planes: [bed, bed] });
  const placed: PlacedUtterance[] = [];
  const kind = options.kind ?? 'voice';
  const state = new RenditionState('es');
  state.demand = demandFor([{ mode: 'synced', kind }]);
  const fit = new FitStage({
    mode: 'synced',
    state,
    pacedBy: 'watermark',
    ring,
    delayMs: 6000,
    clauseLog: memoryClauseLog(),
    voice: { synthesiser: FAKE_ENGINE, voiceId: 'v' },
  });
  const frames: (UtteranceFrame | WatermarkFrame)[] = [];
  const everyUs = (options.everyMs ?? 96) * 1000;
  for (let nowUs = 0; nowUs <= SOURCE_SECONDS * 1e6; nowUs += everyUs) {
    frames.push(...utterances.filter((u) => u.mediaTimeUs > nowUs - everyUs && u.mediaTimeUs <= nowUs));
    frames.push({ kind: 'watermark', mediaTimeUs: nowUs });
  }
  const fitted = await runThrough(fit, frames, { observer: { utterance: (p) => placed.push(p) } });
  const out: AudioFrame[] = await runThrough(new MixStage({ state, mode: 'synced', kind, ring }), fitted);
  const left = new Float32Array(out.length * 960);
  for (const [i, frame] of out.entries()) left.set(frame.planes[0]!, i * 960);
  return { placed, left, out };
}

/** Level of one tone between two moments, by correlation. */
function levelOf(pcm: Float32Array, hz: number, fromS: number, toS: number): number {
  let re = 0;
  let im = 0;
  const from = Math.round(fromS * RATE_HZ);
  const to = Math.round(toS * RATE_HZ);
  for (let i = from; i < to; i += 1) {
    re += pcm[i]! * Math.cos((2 * Math.PI * hz * i) / RATE_HZ);
    im += pcm[i]! * Math.sin((2 * Math.PI * hz * i) / RATE_HZ);
  }
  return (2 * Math.hypot(re, im)) / (to - from);
}

describe('FitStage and MixStage', () => {
  it('starts each utterance on its clause, to the sample', async () => {
    const { placed, left } = await mix([utterance(0, 2, 4, 1.9), utterance(1, 6, 8, 1.9)]);
    expect(placed.map((p) => p.startUs)).toEqual([2_000_000, 6_000_000]);
    expect(levelOf(left, 400, 1.5, 1.99)).toBeLessThan(0.01);
    expect(levelOf(left, 400, 2.02, 2.5)).toBeGreaterThan(0.1);
  });

  it('ducks the original under the dub and gives it back afterwards', async () => {
    const { left } = await mix([utterance(0, 4, 6, 1.95)], { kind: 'mix' });
    const before = levelOf(left, 1000, 3, 3.8);
    expect(levelOf(left, 1000, 4.2, 5.5)).toBeLessThan(before * 0.25);
    expect(levelOf(left, 1000, 7, 8)).toBeGreaterThan(before * 0.7);
  });

  it('hurries, and in the end skips, when every translation is too long', async () => {
    const long = Array.from({ length: 11 }, (_, i) => utterance(i, i, i + 1, 4));
    const { placed } = await mix(long);
    const spoken = placed.filter((p) => p.outcome === 'spoken');
    expect(placed).toHaveLength(long.length);
    expect(spoken.length).toBeLessThan(long.length);
    expect(Math.max(...spoken.map((p) => p.latenessMs))).toBeLessThanOrEqual(8000);
    expect(Math.max(...spoken.map((p) => p.rate))).toBeGreaterThan(1.2);
  });

  it('mixes the same however often watermarks come', async () => {
    const utterances = [utterance(0, 1, 3, 2.6), utterance(1, 3, 5, 2.5), utterance(2, 5.2, 6, 1.5)];
    const often = await mix(utterances, { everyMs: 32 });
    const seldom = await mix(utterances, { everyMs: 480 });
    expect(seldom.left.length).toBe(often.left.length);
    expect(seldom.placed.map((p) => p.startUs)).toEqual(often.placed.map((p) => p.startUs));
  });

  it('speaks one utterance at a time, within bounds, without gap in its output', async () => {
    const shape = fc.tuple(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0.4, max: 3, noNaN: true }),
      fc.double({ min: 0.2, max: 4, noNaN: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(shape, { maxLength: 5 }), async (shapes) => {
        let at = 0;
        const utterances = shapes
          .map(([gap, length, spoken], id) => {
            const start = at + gap;
            at = start + length;
            return utterance(id, start, at, spoken);
          })
          .filter((u) => u.mediaTimeUs < SOURCE_SECONDS * 1e6);
        const { placed, out, left } = await mix(utterances);
        expect(placed).toHaveLength(utterances.length);
        for (let i = 1; i < placed.length; i += 1)
          expect(placed[i]!.startUs).toBeGreaterThanOrEqual(placed[i - 1]!.endUs);
        for (const p of placed) expect(p.rate).toBeLessThanOrEqual(1.25);
        for (const [i, frame] of out.entries()) expect(frame.mediaTimeUs).toBe(i * 20_000);
        expect(left.every((sample) => Math.abs(sample) < 1)).toBe(true);
      }),
      { numRuns: 12 },
    );
  });
});
