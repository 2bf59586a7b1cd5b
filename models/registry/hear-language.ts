import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { LanguageId } from '../../pipeline/ports/language-id.ts';
import type { Recogniser } from '../../pipeline/ports/recogniser.ts';

export interface HearLanguageOptions {
  /** Those for one language before those for many. */
  readonly recognisers: readonly Recogniser[];
  readonly languageId: LanguageId | undefined;
  /** 16 kHz mono. */
  readonly segments: readonly Float32Array[];
  readonly signal: AbortSignal;
}

/** Words below which a text says nothing of its language. */
const MIN_WORDS = 3;

/**
 * Lets recognisers vote on stretches of speech. One that knows a single language votes for it when its own gate passes
 * and the words read as that language; one that tells languages apart votes for what it heard, and counts more.
 * @returns the language with most votes; undefined when nobody recognised anything
 */
export async function hearLanguage(options: HearLanguageOptions): Promise<LanguageCode | undefined> {
  const { recognisers, languageId, segments, signal } = options;
  const votes = new Map<LanguageCode, number>();
  const vote = (language: LanguageCode, weight: number): void => {
    votes.set(language, (votes.get(language) ?? 0) + weight);
  };
  const telling = recognisers.find(({ capabilities }) => capabilities.identifiesLanguage);
  for (const pcm of segments) {
    const call = { signal, priority: 'upload' as const, pcm, final: true };
    if (telling !== undefined) {
      const heard = await telling.recognise({ ...call, language: 'auto' });
      if (heard.rejected === undefined && heard.text !== '') vote(heard.language, 1);
      continue;
    }
    for (const recogniser of recognisers) {
      const [language] = recogniser.capabilities.languages;
      if (language === undefined) continue;
      const heard = await recogniser.recognise({ ...call, language });
      if (heard.rejected !== undefined || heard.text.split(/\s+/).length < MIN_WORDS) continue;
      const read = languageId?.identify(heard.text)[0];
      if (read === undefined || read.language === language || read.probability < 0.5) vote(language, 1);
    }
  }
  const [best] = [...votes].sort((a, b) => b[1] - a[1]);
  return best?.[0];
}
