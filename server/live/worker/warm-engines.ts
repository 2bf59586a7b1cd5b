import type { ChannelPlan } from '../../../models/registry.ts';

/** Engines that have answered once in this process. */
const warm = new WeakSet<object>();
/** Sound of one second, in which there is nothing to hear. */
const SILENCE = new Float32Array(16_000);

/**
 * Has every engine of a plan answer once: the first call of most takes seconds, and the first sentence of a programme should
 * not be what it costs. An engine that fails here is told when it is needed.
 */
export async function warmEngines(plan: ChannelPlan, language: string, signal: AbortSignal): Promise<void> {
  const call = { signal, priority: 'live' } as const;
  const once = async (engine: object, work: () => Promise<unknown>): Promise<void> => {
    if (warm.has(engine)) return;
    warm.add(engine);
    await work().catch(() => warm.delete(engine));
  };
  await Promise.all([
    once(plan.recogniser, () => plan.recogniser.recognise({ ...call, pcm: SILENCE, language, final: false })),
    ...plan.renditions.map(({ synthesiser, voice }) =>
      once(voice, () => synthesiser.synthesise({ ...call, text: 'a', voice, rate: 1 })),
    ),
  ]);
}
