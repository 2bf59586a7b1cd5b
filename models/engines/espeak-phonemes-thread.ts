import { LivedubError } from '../../pipeline/errors.ts';
import { serveEngineThread } from '../engine-thread-serve.ts';
import type { PhonemeBody } from './espeak-phonemes.ts';
import { cutAtPunctuation, intoSentences, readEspeakIpa } from './espeak-phonemes-text.ts';

interface EspeakWorker {
  /** 0 when there is such a voice. */
  set_voice(name: string): number;
  synthesize_ipa(text: string): { readonly code: number; readonly ipa: string };
}

/** Thread side of EspeakPhonemes. */
let worker: EspeakWorker | undefined;

serveEngineThread({
  load: async (scriptUrl: string) => {
    const { default: init } = (await import(scriptUrl)) as {
      default: () => Promise<{ eSpeakNGWorker: new () => EspeakWorker }>;
    };
    const espeak = await init();
    worker = new espeak.eSpeakNGWorker();
    return { result: undefined };
  },
  phonemes: ({ text, voice }: PhonemeBody, { throwIfAborted }) => {
    if (!worker) throw new LivedubError('LIVEDUB_E_INTERNAL', 'phonemes came before load.');
    if (worker.set_voice(voice) !== 0) {
      throw new LivedubError('LIVEDUB_E_LANGUAGE_UNKNOWN', `eSpeak NG has no voice ${voice}.`);
    }
    const result: string[][] = [];
    for (const sentence of intoSentences(cutAtPunctuation(text))) {
      const phonemes: string[] = [];
      for (const piece of sentence) {
        throwIfAborted();
        const opens = /^[¡¿“«([{]+$/u.test(piece.text);
        if (
          (piece.kind === 'words' || opens) &&
          phonemes.length > 0 &&
          !/^[“«([{¡¿]$/u.test(phonemes.at(-1)!)
        ) {
          phonemes.push(' ');
        }
        if (piece.kind === 'punctuation') phonemes.push(...piece.text);
        else phonemes.push(...readEspeakIpa(worker.synthesize_ipa(piece.text).ipa));
      }
      result.push(phonemes);
    }
    return { result };
  },
});
