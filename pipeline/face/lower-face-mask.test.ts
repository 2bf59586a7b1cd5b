import { describe, expect, it } from 'vitest';
import { inCrop, placeCrop } from './affine-paste.ts';
import { FACE_PRIOR } from './face-prior.ts';
import { FADE_US, fadedVerdict } from './guard-fade.ts';
import { lowerFaceMask } from './lower-face-mask.ts';
import { LOWER_OUTER_LIP, UPPER_OUTER_LIP } from './topology.ts';

describe('the mask of a lower face', () => {
  const landmarks = Float32Array.from({ length: 1404 }, (_, i) => 200 + 90 * FACE_PRIOR.template[i]!);
  const place = placeCrop({ centreX: 205, centreY: 215, widthPx: 170, heightPx: 200, angleRad: 0.2 }, 96);
  const { sizePx, alpha } = lowerFaceMask(landmarks, place);
  const alphaAt = (point: number): number => {
    const [u, v] = inCrop(place, landmarks[point * 3]!, landmarks[point * 3 + 1]!);
    return alpha[Math.round(v) * sizePx + Math.round(u)]!;
  };

  it('shows all of the lips, and nothing of eyes, forehead and the bridge of the nose', () => {
    for (const point of [...LOWER_OUTER_LIP, ...UPPER_OUTER_LIP]) expect(alphaAt(point)).toBeGreaterThan(0.9);
    for (const point of [33, 263, 133, 362, 10, 168, 6, 197]) expect(alphaAt(point)).toBe(0);
    expect(Math.max(...alpha)).toBeLessThanOrEqual(1.0001);
  });

  it('has soft edges everywhere', () => {
    for (let v = 0; v < sizePx; v++) {
      for (let u = 1; u < sizePx; u++) {
        const at = v * sizePx + u;
        expect(Math.abs(alpha[at]! - alpha[at - 1]!)).toBeLessThan(0.35);
        if (v > 0) expect(Math.abs(alpha[at]! - alpha[at - sizePx]!)).toBeLessThan(0.35);
      }
    }
  });
});

describe('a fading face', () => {
  it('leaves in three pictures before what keeps it, and comes back in three', () => {
    const around = [{ mediaTimeUs: 400_000, verdict: { strength: 0, guard: 'occluded' as const } }];
    const strengths = [280, 320, 360, 400, 440, 480, 520].map(
      (ms) => fadedVerdict({ strength: 1 }, ms * 1000, around).strength,
    );
    expect(strengths).toEqual([1, 2 / 3, 1 / 3, 0, 1 / 3, 2 / 3, 1].map((value) => expect.closeTo(value, 6)));
    expect(fadedVerdict({ strength: 1 }, 400_000 - FADE_US / 2, around).guard).toBe('occluded');
  });
});
