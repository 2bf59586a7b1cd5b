import { EspeakEngine } from '../../models/engines/espeak/espeak-engine.ts';
import { EspeakPhonemes } from '../../models/engines/espeak-phonemes.ts';
import { findInstalled } from '../../models/registry.ts';
import { SessionPool } from '../../models/session-pool.ts';
import { ModelStore } from '../../models/store/model-store.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Speech } from './sound.ts';

export interface SampleVoice {
  speak(sentence: string): Promise<Speech>;
  close(): Promise<void>;
}

/**
 * The best English voice that is installed, for the sample clip.
 * @throws LivedubError LIVEDUB_E_MODEL_MISSING
 */
export async function openSampleVoice(signal: AbortSignal): Promise<SampleVoice> {
  const store = new ModelStore();
  const pool = new SessionPool();
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one();
    await pool.close();
  };
  try {
    const { synthesisers } = await findInstalled(store);
    const english = (adapter: (typeof synthesisers)[number]) =>
      adapter.voices.find((one) => one.language === 'en');
    const adapter = synthesisers.find((one) => !one.slow && english(one));
    if (!adapter) throw new LivedubError('LIVEDUB_E_MODEL_MISSING', 'No English voice is installed.');
    const script = async () => (await store.paths('espeak-ng')).script ?? '';
    const synthesiser = await adapter.load({
      pool,
      paths: (id) => store.paths(id),
      espeak: async () => {
        const engine = new EspeakEngine({ scriptPath: await script(), pool });
        closers.push(() => engine.close());
        return engine;
      },
      phonemes: async () => {
        const phonemes = await EspeakPhonemes.load({ scriptPath: await script() });
        closers.push(() => phonemes.close());
        return phonemes;
      },
    });
    closers.push(() => synthesiser.close());
    const voice = synthesiser.voices.find((one) => one.language === 'en');
    if (!voice)
      throw new LivedubError('LIVEDUB_E_MODEL_MISSING', `${synthesiser.info.id} has no English voice.`);
    return {
      speak: (text) => synthesiser.synthesise({ text, voice, rate: 1, signal, priority: 'upload' }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
