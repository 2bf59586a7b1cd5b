import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fitter } from './fit.ts';

const S = 1_000_000;
const clause = (startS: number, endS: number, lengthS: number, nextS?: number, pausesS = 0) => ({
  clauseStartUs: startS * S,
  clauseEndUs: endS * S,
  earliestUs: startS * S,
  playoutUs: 0,
  lengthUs: lengthS * S,
  pausesUs: pausesS * S,
  nextStartUs: nextS === undefined ? undefined : nextS * S,
});

describe('Fitter', () => {
  it('starts on the clause and borrows from the silence that follows', () => {
    const fit = new Fitter().place(clause(10, 12, 2.8, 13));
    expect(fit).toEqual({ outcome: 'spoken', startUs: 10 * S, rate: 1, trimPauses: false });
  });

  it('draws out a short utterance a little, and no more than that', () => {
    expect(new Fitter().place(clause(0, 4, 2, 5))).toMatchObject({ rate: 0.92 });
    expect(new Fitter().place(clause(0, 4, 3.9, 5))).toMatchObject({ rate: 0.975 });
  });

  it('trims pauses before it speaks faster', () => {
    expect(new Fitter().place(clause(0, 2, 2.4, 2.1, 0.5))).toMatchObject({ trimPauses: true, rate: 1 });
  });

  it('speaks comfortably while on time and hurries only under lag', () => {
    const fitter = new Fitter();
    expect(fitter.place(clause(0, 2, 4, 2))).toMatchObject({ rate: 1.12 });
    fitter.spoken(5 * S);
    expect(fitter.place(clause(2, 4, 4, 4))).toMatchObject({ rate: 1.25 });
  });

  it('skips what would come later than the cap', () => {
    const fitter = new Fitter();
    fitter.spoken(20 * S);
    expect(fitter.place(clause(10, 12, 2, 12))).toEqual({ outcome: 'skipped-lag' });
  });

  it('interprets at once, at the pace of the speaker, and hurries by what it is late', () => {
    const fitter = new Fitter();
    const interpret = { behindUs: 0.2 * S, backlogUs: 0 };
    const ready = (lengthS: number, atS: number) => ({
      ...clause(0, 2, lengthS),
      earliestUs: 0,
      playoutUs: atS * S,
      interpret,
    });
    expect(fitter.place(ready(1.92, 2.3))).toMatchObject({ startUs: 2.3 * S, rate: 1, trimPauses: false });
    expect(fitter.place(ready(1.8, 2.3))).toMatchObject({ rate: 0.9375 });
    expect(fitter.place(ready(2.5, 2.3))).toMatchObject({ rate: 1.12, trimPauses: true });
    expect(fitter.place(ready(2.5, 4))).toMatchObject({ rate: 1.25 });
    expect(fitter.place(ready(2, 9.7))).toMatchObject({ outcome: 'spoken' });
    expect(fitter.place(ready(2, 9.9))).toEqual({ outcome: 'skipped-lag' });
  });

  it('never speaks two utterances at once, never too fast, never beyond the cap', () => {
    const gap = fc.double({ min: 0, max: 3, noNaN: true });
    const length = fc.double({ min: 0.2, max: 9, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(gap, length, length), { maxLength: 60 }), (shapes) => {
        const fitter = new Fitter();
        let at = 0;
        let endUs = Number.NEGATIVE_INFINITY;
        const clauses = shapes.map(([gapS, clauseS, lengthS]) => {
          const start = at + gapS;
          at = start + clauseS;
          return { start, end: at, lengthS };
        });
        for (const [i, { start, end, lengthS }] of clauses.entries()) {
          const request = clause(start, end, lengthS, clauses[i + 1]?.start);
          const fit = fitter.place(request);
          if (fit.outcome !== 'spoken') continue;
          expect(fit.startUs).toBeGreaterThanOrEqual(Math.max(request.earliestUs, endUs));
          expect(fit.startUs - request.clauseStartUs).toBeLessThanOrEqual(8 * S);
          expect(fit.rate).toBeGreaterThanOrEqual(0.85);
          expect(fit.rate).toBeLessThanOrEqual(1.25);
          endUs = fit.startUs + request.lengthUs / fit.rate;
          fitter.spoken(endUs);
        }
      }),
    );
  });
});
