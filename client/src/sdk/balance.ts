/** How loud the original and the dubbed voice are at one place of the balance. */
export interface BalanceGains {
  /** Original while the voice is silent, factor. */
  readonly original: number;
  /** Original while the voice speaks, factor. */
  readonly originalUnderVoice: number;
  readonly voice: number;
}

export const DEFAULT_BALANCE = 0.5;
const DUCK_DB = 12;

/**
 * @param balance 0: the original alone; 0.5: both, the original 12 dB lower while the voice speaks; 1: the voice alone.
 * Left of the middle the voice is faded and the original lowered less, right of it the original is faded; both by a
 * quarter of a sine, which sounds even.
 */
export function balanceGains(balance: number): BalanceGains {
  const at = Math.min(1, Math.max(0, balance));
  const voice = at >= 0.5 ? 1 : quarterSine(at * 2);
  const original = at <= 0.5 ? 1 : quarterSine((1 - at) * 2);
  return { original, originalUnderVoice: original * decibels(-DUCK_DB * Math.min(1, at * 2)), voice };
}

export function decibels(gainDb: number): number {
  return 10 ** (gainDb / 20);
}

/** RMS of samples in −1…1 as dBFS, −120 at least. */
export function levelDbfs(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.max(-120, 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12));
}

function quarterSine(part: number): number {
  return Math.sin((part * Math.PI) / 2);
}

export interface VoiceGateOptions {
  /** Louder than this is speech, dBFS. Default −50. */
  readonly thresholdDbfs?: number;
  /** How long a pause may be that does not let the original up, ms. Default 350. */
  readonly holdMs?: number;
}

/** Says whether the voice speaks, from its level: opens at once, closes after a pause. */
export class VoiceGate {
  readonly #thresholdDbfs: number;
  readonly #holdMs: number;
  #lastLoudMs = Number.NEGATIVE_INFINITY;

  constructor(options: VoiceGateOptions = {}) {
    this.#thresholdDbfs = options.thresholdDbfs ?? -50;
    this.#holdMs = options.holdMs ?? 350;
  }

  speaks(voiceDbfs: number, nowMs: number): boolean {
    if (voiceDbfs > this.#thresholdDbfs) this.#lastLoudMs = nowMs;
    return nowMs - this.#lastLoudMs <= this.#holdMs;
  }
}
