import { loadEngines } from '../../models/registry.ts';
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
  const engines = await loadEngines({ signal });
  try {
    const { synthesiser, voice } = await engines.speaker('en');
    return {
      speak: (text) => synthesiser.synthesise({ text, voice, rate: 1, signal, priority: 'upload' }),
      close: () => engines.close(),
    };
  } catch (error) {
    await engines.close();
    throw error;
  }
}
