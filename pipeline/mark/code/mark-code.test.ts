import { describe, expect, it } from 'vitest';
import { PAYLOAD_BITS, packPayload, unpackPayload } from '../payload.ts';
import { CODE_BITS, MarkCode, minuteStepBit, minuteStepCode, payloadBitCode } from './mark-code.ts';
import { polarTransform } from './polar.ts';
import { gaussian, randomBits, seeded } from './random-for-tests.ts';

const code = new MarkCode();

function noisy(signs: Int8Array, deflection: number, random: () => number): Float32Array {
  const amplitude = deflection / Math.sqrt(CODE_BITS);
  return Float32Array.from(signs, (sign) => sign * amplitude + gaussian(random));
}

describe('mark code', () => {
  it('gives back every payload from its code word, at any scale', () => {
    const random = seeded(1);
    for (let i = 0; i < 50; i += 1) {
      const bits = randomBits(random, PAYLOAD_BITS);
      const soft = Float32Array.from(code.encode(bits), (sign) => sign * 10 ** (i / 5 - 5));
      const [best] = code.decode(soft);
      expect(best!.bits).toEqual(bits);
      expect(best!.code).toEqual(code.encode(bits));
    }
  });

  it('reads payloads in noise at the deflection that the design states', () => {
    const random = seeded(2);
    const trials = 300;
    const failures = (deflection: number) => {
      let failed = 0;
      for (let i = 0; i < trials; i += 1) {
        const bits = randomBits(random, PAYLOAD_BITS);
        const [best] = code.decode(noisy(code.encode(bits), deflection, random));
        if (best === undefined || best.bits.some((bit, j) => bit !== bits[j])) failed += 1;
      }
      return failed / trials;
    };
    expect(failures(13.4)).toBeLessThan(0.03);
    expect(failures(12)).toBeLessThan(0.25);
    expect(failures(9)).toBeGreaterThan(0.3);
  });

  it('is decided as if bit by bit: subtrees that are taken at once change nothing', () => {
    const random = seeded(3);
    for (let i = 0; i < 20; i += 1) {
      const bits = randomBits(random, PAYLOAD_BITS);
      const soft = noisy(code.encode(bits), 14, random);
      for (const { bits: decoded, code: word } of code.decode(soft))
        expect(code.encode(decoded)).toEqual(word);
    }
  });

  it('lets hardly any noise pass the checksum', () => {
    const random = seeded(4);
    const silence = new Int8Array(CODE_BITS);
    let passed = 0;
    for (let i = 0; i < 300; i += 1) passed += code.decode(noisy(silence, 0, random)).length;
    expect(passed).toBeLessThan(5);
  });

  it('decodes silence without failing', () => {
    expect(code.decode(new Float32Array(CODE_BITS)).length).toBeLessThanOrEqual(32);
  });

  it('is linear: a flipped payload bit flips the same code bits in every word', () => {
    const random = seeded(5);
    const bits = randomBits(random, PAYLOAD_BITS);
    const before = code.encode(bits);
    for (let bit = 0; bit < PAYLOAD_BITS; bit += 1) {
      const flipped = bits.slice();
      flipped[bit] = 1 - flipped[bit]!;
      const step = payloadBitCode(bit);
      expect(code.encode(flipped)).toEqual(before.map((sign, i) => sign * step[i]!));
      expect(step.filter((sign) => sign < 0).length).toBeGreaterThanOrEqual(32);
    }
  });

  it('steps from each minute to the next, over the wrap too', () => {
    const at = (minute: number) => code.encode(packPayload({ keyId: 7, rendition: 2 ** 35 + 5, minute }));
    for (const minute of [0, 1, 2, 3, 59, 1023, 2 ** 19 - 1, 2 ** 20 - 1]) {
      const step = minuteStepCode(minuteStepBit(minute));
      expect(at(minute + 1)).toEqual(at(minute).map((sign, i) => sign * step[i]!));
    }
  });

  it('carries key, rendition and minute', () => {
    const payload = { keyId: 255, rendition: 2 ** 36 - 3, minute: 123_456 };
    const [best] = code.decode(Float32Array.from(code.encode(packPayload(payload))));
    expect(unpackPayload(best!.bits)).toEqual(payload);
  });

  it('has a transform that is its own reverse', () => {
    const bits = randomBits(seeded(6), CODE_BITS);
    const twice = bits.slice();
    polarTransform(twice);
    polarTransform(twice);
    expect(twice).toEqual(bits);
  });
});
