import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Segmenter, type SegmentSpan } from './segmenter.ts';

const WINDOW = 512;
const windowsOf = (lengthMs: number) => Math.ceil((lengthMs * 16) / WINDOW);

function run(probabilities: Iterable<number>, options = {}): SegmentSpan[] {
  const segmenter = new Segmenter({ windowSamples: WINDOW, ...options });
  const spans: SegmentSpan[] = [];
  for (const probability of probabilities) spans.push(...segmenter.push(probability));
  return [...spans, ...segmenter.flush()];
}

const speech = (lengthMs: number) => new Array<number>(windowsOf(lengthMs)).fill(0.95);
const silence = (lengthMs: number) => new Array<number>(windowsOf(lengthMs)).fill(0.02);

describe('Segmenter', () => {
  it('opens a little before the speech and closes after a pause', () => {
    const spans = run([...silence(1000), ...speech(1500), ...silence(1000)]);
    const [final] = spans.filter((span) => span.final);
    expect(final!.speechStart / 16).toBeCloseTo(1024, -2);
    expect(final!.speechStart - final!.start).toBe(160 * 16);
    expect(final!.end / 16).toBeLessThan(1000 + 1500 + 300);
  });

  it('gives the first partial within 500 ms of the onset and one at least every 500 ms', () => {
    const partials = run([...silence(500), ...speech(4000)]).filter((span) => !span.final);
    expect((partials[0]!.end - partials[0]!.speechStart) / 16).toBeLessThanOrEqual(500);
    for (let i = 1; i < partials.length; i += 1)
      expect((partials[i]!.end - partials[i - 1]!.end) / 16).toBeLessThanOrEqual(500);
  });

  it('does not take a click for speech', () => {
    expect(run([...silence(500), 0.9, ...silence(1500)])).toEqual([]);
    expect(run([...silence(500), 0.9, 0.9, ...silence(1500)]).filter((span) => span.final)).toEqual([]);
  });

  it('cuts endless speech at its quietest place', () => {
    const endless = [...speech(11_000), 0.4, ...speech(9000)];
    const finals = run(endless).filter((span) => span.final);
    expect(finals.length).toBe(2);
    expect(finals[0]!.end / 16).toBeCloseTo(11_016, -2);
  });

  it('never overlaps segments, never leaves their order, and ids count up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 2000 }),
        (probabilities) => {
          const finals = run(probabilities).filter((span) => span.final);
          for (let i = 1; i < finals.length; i += 1) {
            expect(finals[i]!.start).toBeGreaterThanOrEqual(finals[i - 1]!.end);
            expect(finals[i]!.id).toBeGreaterThan(finals[i - 1]!.id);
          }
          for (const span of finals) expect(span.end).toBeGreaterThan(span.start);
        },
      ),
    );
  });
});
