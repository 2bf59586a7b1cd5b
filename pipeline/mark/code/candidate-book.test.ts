import { describe, expect, it } from 'vitest';
import type { MarkCandidate } from '../finding.ts';
import { packPayload } from '../payload.ts';
import { CandidateBook, CLEAR_MARGIN, MAX_BOOK_PAYLOADS } from './candidate-book.ts';
import { CODE_BITS, MarkCode } from './mark-code.ts';
import { gaussian, seeded } from './random-for-tests.ts';
import { codeScore, type SoftBits } from './soft-decision.ts';

const code = new MarkCode();
const KEY_ID = 201;

function issued(count: number, minutes: number, random: () => number): MarkCandidate[] {
  return Array.from({ length: count }, () => ({
    keyId: KEY_ID,
    rendition: Math.floor(random() * 2 ** 36),
    minutes,
  }));
}

/** Soft bits that score `deflection` on average. */
function heard(signs: Int8Array, deflection: number, random: () => number): SoftBits {
  const sums = Float32Array.from(
    signs,
    (sign) => (sign * deflection) / Math.sqrt(CODE_BITS) + gaussian(random),
  );
  return { sums, energy: CODE_BITS };
}

describe('candidate book', () => {
  it('scores each payload as its code word would', () => {
    const random = seeded(1);
    for (const { rendition } of issued(20, 1, random)) {
      const minute = Math.floor(random() * 5000);
      const signs = code.encode(packPayload({ keyId: KEY_ID, rendition, minute }));
      const soft = heard(signs, 12, random);
      const book = new CandidateBook({
        keyId: KEY_ID,
        candidates: [{ keyId: KEY_ID, rendition, minutes: 5000 }],
      });
      const match = book.match(soft, { hypotheses: 1 });
      expect(match?.payload).toEqual({ keyId: KEY_ID, rendition, minute });
      expect(match?.score).toBeCloseTo(codeScore(soft, signs), 3);
    }
  });

  it('adds up both sides of a change of minute as their own code words, whatever bits change', () => {
    const random = seeded(6);
    const rendition = 0x9_8765_4321;
    const book = new CandidateBook({
      keyId: KEY_ID,
      candidates: [{ keyId: KEY_ID, rendition, minutes: 300 }],
    });
    for (const minute of [0, 31, 63, 64, 127, 255]) {
      const [before, after] = [minute, minute + 1].map((of) =>
        heard(code.encode(packPayload({ keyId: KEY_ID, rendition, minute: of })), 9, random),
      ) as [SoftBits, SoftBits];
      const match = book.matchSplit(
        { before, after, energies: new Float64Array(20).fill(2 * CODE_BITS) },
        { hypotheses: 1 },
      );
      expect(match?.payload).toEqual({ keyId: KEY_ID, rendition, minute });
      const sides = [before, after].map((side, i) =>
        codeScore(side, code.encode(packPayload({ keyId: KEY_ID, rendition, minute: minute + i }))),
      );
      expect(match?.score).toBeCloseTo((sides[0]! + sides[1]!) / Math.SQRT2, 3);
    }
  });

  it('recognises marks far too weak to be read, and names none wrong', () => {
    const random = seeded(2);
    const candidates = issued(1000, 10, random);
    const book = new CandidateBook({ keyId: KEY_ID, candidates });
    let named = 0;
    for (let i = 0; i < 200; i += 1) {
      const { rendition } = candidates[Math.floor(random() * 1000)]!;
      const minute = Math.floor(random() * 10);
      const signs = code.encode(packPayload({ keyId: KEY_ID, rendition, minute }));
      const match = book.match(heard(signs, 10, random), { hypotheses: 6 })!;
      if (!match.accepted || match.margin < CLEAR_MARGIN) continue;
      expect(match.payload.rendition).toBe(rendition);
      named += 1;
    }
    expect(named).toBeGreaterThan(170);
  });

  it('accepts nothing in noise, whose scores keep to the bound', () => {
    const random = seeded(3);
    const candidates = issued(500, 4, random);
    const book = new CandidateBook({ keyId: KEY_ID, candidates });
    const nothing = new Int8Array(CODE_BITS);
    let belowChance = 0;
    for (let i = 0; i < 300; i += 1) {
      const match = book.match(heard(nothing, 0, random), { hypotheses: 1 })!;
      expect(match.accepted).toBe(false);
      if (match.logFalseAlarm < Math.log(0.01)) belowChance += 1;
    }
    expect(belowChance).toBeLessThanOrEqual(8);
  });

  it('passes over other keys, knows an empty book and silence', () => {
    const candidates = [{ keyId: 3, rendition: 5, minutes: 2 }];
    const random = seeded(4);
    const soft = heard(code.encode(packPayload({ keyId: 3, rendition: 5, minute: 1 })), 20, random);
    expect(new CandidateBook({ keyId: KEY_ID, candidates }).match(soft, { hypotheses: 1 })).toBeUndefined();
    const book = new CandidateBook({ keyId: 3, candidates });
    expect(book.match(soft, { hypotheses: 1 })?.payload.minute).toBe(1);
    const silence = { sums: new Float32Array(CODE_BITS), energy: 0 };
    expect(book.match(silence, { hypotheses: 1 })).toBeUndefined();
  });

  it('holds a million payloads, the newest, says what it left out, and looks through them in time', () => {
    const random = seeded(5);
    const candidates = issued(250_001, 5, random);
    const book = new CandidateBook({ keyId: KEY_ID, candidates });
    expect(book.payloads).toBe(MAX_BOOK_PAYLOADS);
    expect(book.leftOut).toBe(250_005);
    const { rendition } = candidates[12_345]!;
    const soft = heard(code.encode(packPayload({ keyId: KEY_ID, rendition, minute: 3 })), 14, random);
    const startedMs = performance.now();
    const match = book.match(soft, { hypotheses: 1 });
    const tookMs = performance.now() - startedMs;
    expect(match?.payload).toEqual({ keyId: KEY_ID, rendition, minute: 3 });
    expect(tookMs).toBeLessThan(1500);
  });
});
