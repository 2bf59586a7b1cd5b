import type { EngineCall } from '../../../pipeline/ports/engine.ts';
import type { LipSyncNetwork } from './lip-sync-network.ts';
import { VoiceTimeline } from './voice-timeline.ts';

/** What a picture of 25 fps may cost when one rendition is made. */
export const KEEPS_UP_MS = 36;
/** The first run compiles and allocates; one that takes so many times longer needs no second. */
const HOPELESS = 30;

/**
 * Tries a network out.
 * @returns wall time for one face in one picture, ms
 * @throws what running it throws
 */
export async function measureNetwork(network: LipSyncNetwork, signal: AbortSignal): Promise<number> {
  const call: EngineCall = { signal, priority: 'live' };
  const voice = new VoiceTimeline();
  const face = new Float32Array(3 * network.sizePx * network.sizePx).fill(0.5);
  let bestMs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 4; run++) {
    const startMs = performance.now();
    await network.animate({ face, sound: await network.soundAt(voice, 0, call) }, call);
    bestMs = Math.min(bestMs, performance.now() - startMs);
    if (bestMs > HOPELESS * KEEPS_UP_MS) break;
  }
  return bestMs;
}
