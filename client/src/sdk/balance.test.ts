import { describe, expect, it } from 'vitest';
import { balanceGains, levelDbfs, VoiceGate } from './balance.ts';

describe('the balance of original and dub', () => {
  it('gives both at full in the middle, with the original 12 dB lower under the voice', () => {
    const gains = balanceGains(0.5);
    expect(gains).toMatchObject({ original: 1, voice: 1 });
    expect(20 * Math.log10(gains.originalUnderVoice)).toBeCloseTo(-12);
  });

  it('gives one of the two alone at its ends, and stays within them', () => {
    expect(balanceGains(0)).toMatchObject({ original: 1, originalUnderVoice: 1, voice: 0 });
    expect(balanceGains(1).original).toBeCloseTo(0);
    expect(balanceGains(1).voice).toBe(1);
    expect(balanceGains(7)).toEqual(balanceGains(1));
  });

  it('never turns back on its way', () => {
    let before = balanceGains(0);
    for (let at = 0.02; at <= 1; at += 0.02) {
      const gains = balanceGains(at);
      expect(gains.voice).toBeGreaterThanOrEqual(before.voice);
      expect(gains.original).toBeLessThanOrEqual(before.original);
      expect(gains.originalUnderVoice).toBeLessThanOrEqual(before.originalUnderVoice);
      before = gains;
    }
  });
});

describe('the gate that hears the voice', () => {
  it('opens at once and stays open over the pauses between words', () => {
    const gate = new VoiceGate({ holdMs: 300 });
    expect(gate.speaks(-90, 0)).toBe(false);
    expect(gate.speaks(-20, 10)).toBe(true);
    expect(gate.speaks(-90, 300)).toBe(true);
    expect(gate.speaks(-90, 311)).toBe(false);
  });

  it('measures a full-scale square as 0 dBFS and silence as very little', () => {
    expect(levelDbfs(new Float32Array(8).fill(1))).toBeCloseTo(0);
    expect(levelDbfs(new Float32Array(8))).toBe(-120);
  });
});
