import type { GuardVerdict } from './guards.ts';

/** A guard fades a face out and in over three pictures of 25 fps, µs. */
export const FADE_US = 120_000;

/**
 * What a picture's guards and those of the pictures around it leave of it: a face that must stay as filmed soon, or had to just now, is
 * on its way.
 * @param around pictures of the same shot within FADE_US
 */
export function fadedVerdict(
  own: GuardVerdict,
  mediaTimeUs: number,
  around: readonly { readonly mediaTimeUs: number; readonly verdict: GuardVerdict }[],
): GuardVerdict {
  let faded = own;
  for (const { mediaTimeUs: otherUs, verdict } of around) {
    const strength = verdict.strength + Math.abs(otherUs - mediaTimeUs) / FADE_US;
    if (strength < faded.strength)
      faded = { strength, ...(verdict.guard === undefined ? {} : { guard: verdict.guard }) };
  }
  return faded;
}
