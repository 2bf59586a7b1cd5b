import { describe, expect, it } from 'vitest';
import { PAYLOAD_BITS, packPayload } from '../payload.ts';
import { CODE_BITS, MarkCode } from './mark-code.ts';
import { gaussian, randomBits, seeded } from './random-for-tests.ts';
import { codeScore, judge, LOG_PAYLOADS, readPayload, scoreThreshold } from './soft-decision.ts';

const code = new MarkCode();
const payload = { keyId: 9, rendition: 68_000_000_001, minute: 77 };

/** Cells of a clip of any kind under signs drawn from a key: seven a code bit and 900 of the synchronisation. */
function gather(options: { random: () => number; cell: () => number; mark: number }) {
  const { random, cell, mark } = options;
  const word = code.encode(packPayload(payload));
  const sums = new Float32Array(CODE_BITS);
  let energy = 0;
  for (let i = 0; i < 7 * CODE_BITS; i += 1) {
    const bit = i % CODE_BITS;
    const sign = random() < 0.5 ? -1 : 1;
    const value = cell() + mark * sign * word[bit]!;
    sums[bit] = sums[bit]! + sign * value;
    energy += value * value;
  }
  const sync = { sum: 0, energy: 0 };
  for (let i = 0; i < 900; i += 1) {
    const sign = random() < 0.5 ? -1 : 1;
    const value = cell() + mark * sign;
    sync.sum += sign * value;
    sync.energy += value * value;
  }
  return { sums, energy, sync };
}

describe('soft decision', () => {
  it('states thresholds that follow from the union bound', () => {
    expect(scoreThreshold(LOG_PAYLOADS + Math.log(7))).toBeCloseTo(10.96, 1);
    expect(scoreThreshold(Math.log(1e6))).toBeCloseTo(7.43, 1);
    const atThreshold = judge(scoreThreshold(20), 20);
    expect(atThreshold.accepted).toBe(true);
    expect(atThreshold.logFalseAlarm).toBeCloseTo(Math.log(1e-6), 6);
    expect(judge(-50, 3).logFalseAlarm).toBe(0);
  });

  it('reads a mark, with more confidence if its synchronisation counts', () => {
    const random = seeded(1);
    const soft = gather({ random, cell: () => gaussian(random), mark: 0.3 });
    const read = readPayload(soft, { hypotheses: 6 });
    expect(read).toMatchObject({ payload, accepted: true });
    const alone = readPayload({ sums: soft.sums, energy: soft.energy }, { hypotheses: 6 });
    expect(read!.score).toBeGreaterThan(alone!.score);
  });

  it('never believes clips without the mark, however unlike noise they are', () => {
    const random = seeded(2);
    const kinds = [() => gaussian(random), () => 1, () => (random() < 0.02 ? 40 : 0.1), () => random() ** 8];
    for (let i = 0; i < 300; i += 1) {
      const soft = gather({ random, cell: kinds[i % kinds.length]!, mark: 0 });
      expect(readPayload(soft, { hypotheses: 1 })?.accepted ?? false).toBe(false);
    }
  });

  it('gives no name to a clip whose synchronisation is all that is left', () => {
    const random = seeded(4);
    for (let i = 0; i < 600; i += 1) {
      const { sums, energy } = gather({ random, cell: () => gaussian(random), mark: 0 });
      const sync = { sum: 0.9 * energy, energy: energy / 2 };
      expect(readPayload({ sums, energy, sync }, { hypotheses: 1 })?.accepted ?? false).toBe(false);
    }
  });

  it('keeps to the bound for any one word', () => {
    const random = seeded(3);
    const word = code.encode(randomBits(random, PAYLOAD_BITS));
    const trials = 4000;
    let over = 0;
    for (let i = 0; i < trials; i += 1) {
      const sums = Float32Array.from({ length: CODE_BITS }, () => (random() < 0.5 ? -1 : 1));
      if (codeScore({ sums, energy: CODE_BITS }, word) > 2.5) over += 1;
    }
    expect(over / trials).toBeLessThan(Math.exp(-(2.5 ** 2) / 2));
  });

  it('has nothing to say of silence', () => {
    const soft = { sums: new Float32Array(CODE_BITS), energy: 0 };
    expect(readPayload(soft, { hypotheses: 1 })?.accepted ?? false).toBe(false);
    expect(codeScore(soft, code.encode(new Uint8Array(PAYLOAD_BITS)))).toBe(0);
  });
});
