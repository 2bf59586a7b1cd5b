import type { Goal } from '../bench/goal.ts';

/** What a live channel is to reach on two cores; ms where nothing else is said. */
export const GOALS = {
  glassToGlassP95: { atMost: 300 },
  earVoiceP50: { atMost: 3000 },
  earVoiceP90: { atMost: 5000 },
  afterClauseP50: { atMost: 1000 },
  afterClauseP95: { atMost: 2000 },
  /** Either way, in 10 minutes. */
  drift: { atLeast: -100, atMost: 100 },
  lag: { atMost: 8000 },
  silencePercent: { atMost: 15 },
  /** Sound before its picture counts as positive. */
  soundAhead: { atLeast: -60, atMost: 40 },
  switchP95: { atMost: 300 },
  joinToVoice: { atMost: 1000 },
  cpuToSparePercent: { atLeast: 25 },
} as const satisfies Readonly<Record<string, Goal>>;
