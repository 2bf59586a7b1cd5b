import { LivedubError } from '../../pipeline/errors.ts';
import type { LanguageCode, QualityTier } from '../../pipeline/ports/engine.ts';
import type { Voice } from '../../pipeline/ports/synthesiser.ts';
import type { TranslationPair } from '../../pipeline/ports/translator.ts';
import type { RecogniserAdapter, SynthesiserAdapter, TranslatorAdapter } from './adapters.ts';
import { languageName, requireLanguage } from './language-codes.ts';

/** What is installed, as far as planning needs it. Engines come in order of preference. */
export interface Installed {
  readonly recognisers: readonly RecogniserAdapter[];
  readonly translators: readonly {
    readonly adapter: TranslatorAdapter;
    readonly pairs: readonly TranslationPair[];
  }[];
  readonly synthesisers: readonly SynthesiserAdapter[];
}

/** One language pair that can be dubbed, with what would do it. */
export interface SupportedPair {
  readonly from: LanguageCode;
  readonly to: LanguageCode;
  /** Of the weakest part. */
  readonly tier: QualityTier;
  readonly via: readonly LanguageCode[];
  readonly recogniser: RecogniserAdapter;
  readonly translator: TranslatorAdapter;
  /** Best first. */
  readonly speakers: readonly { readonly adapter: SynthesiserAdapter; readonly voice: Voice }[];
}

export interface PlanRequest {
  readonly from: LanguageCode;
  readonly to: readonly LanguageCode[];
  /** Voice ids by language, where the operator has chosen. */
  readonly voices?: Readonly<Record<LanguageCode, string>>;
}

const TIERS: readonly QualityTier[] = ['gist', 'fair', 'good'];

/** The worst of some tiers. */
export function worstTier(tiers: readonly QualityTier[]): QualityTier {
  return TIERS[Math.min(...tiers.map((tier) => TIERS.indexOf(tier)))] ?? 'gist';
}

function bestTranslator(
  installed: Installed,
  from: LanguageCode,
  to: LanguageCode,
): { adapter: TranslatorAdapter; pair: TranslationPair } | undefined {
  let best: { adapter: TranslatorAdapter; pair: TranslationPair } | undefined;
  for (const { adapter, pairs } of installed.translators) {
    const pair = pairs.find((pair) => pair.from === from && pair.to === to);
    if (pair === undefined) continue;
    if (best === undefined || TIERS.indexOf(pair.tier) > TIERS.indexOf(best.pair.tier))
      best = { adapter, pair };
  }
  return best;
}

/** Best first, but slow ones last: those are for operators who ask for them by name. */
export function speakersOf(installed: Installed, language: LanguageCode): SupportedPair['speakers'] {
  const all = installed.synthesisers.flatMap((adapter) => {
    const voice = adapter.voices.find((voice) => voice.language === language);
    return voice === undefined ? [] : [{ adapter, voice }];
  });
  return [
    ...all.filter(({ adapter }) => adapter.slow !== true),
    ...all.filter(({ adapter }) => adapter.slow === true),
  ];
}

function findPair(installed: Installed, from: LanguageCode, to: LanguageCode): SupportedPair | undefined {
  if (from === to) return undefined;
  const recogniser = installed.recognisers.find(({ languages }) => languages.includes(from));
  const translation = bestTranslator(installed, from, to);
  const speakers = speakersOf(installed, to);
  const [speaker] = speakers;
  if (recogniser === undefined || translation === undefined || speaker === undefined) return undefined;
  const tier = worstTier([recogniser.tier, translation.pair.tier, speaker.voice.tier]);
  return { from, to, tier, via: translation.pair.via, recogniser, translator: translation.adapter, speakers };
}

/** Every pair that can be dubbed with what is installed, by language name. */
export function supportedPairs(installed: Installed): SupportedPair[] {
  const pairs = new Map<string, SupportedPair>();
  for (const { pairs: offered } of installed.translators) {
    for (const { from, to } of offered) {
      const found = findPair(installed, from, to);
      if (found !== undefined) pairs.set(`${from}-${to}`, found);
    }
  }
  return [...pairs.values()].sort((a, b) => a.from.localeCompare(b.from) || a.to.localeCompare(b.to));
}

/** `en → ca, es, fr` a line, for error messages. */
export function describePairs(pairs: readonly SupportedPair[]): string {
  const byFrom = new Map<string, string[]>();
  for (const { from, to } of pairs) byFrom.set(from, [...(byFrom.get(from) ?? []), to]);
  if (byFrom.size <= 12) return [...byFrom].map(([from, to]) => `${from} → ${to.join(', ')}`).join('; ');
  // With a recogniser of a hundred languages the lists repeat: name the sources of each list once.
  const byTo = new Map<string, string[]>();
  for (const [from, to] of byFrom) byTo.set(to.join(', '), [...(byTo.get(to.join(', ')) ?? []), from]);
  return [...byTo].map(([to, from]) => `${from.join(' ')} → ${to}`).join('; ');
}

/**
 * Chooses the engines of every rendition.
 * @throws LIVEDUB_E_LANGUAGE_UNKNOWN, LIVEDUB_E_LANGUAGE_NOT_RECOGNISED, LIVEDUB_E_PAIR_UNSUPPORTED,
 * LIVEDUB_E_BAD_REQUEST (a voice that is not there)
 */
export function choosePairs(installed: Installed, { from, to, voices = {} }: PlanRequest): SupportedPair[] {
  for (const code of [from, ...to]) requireLanguage(code);
  if (!installed.recognisers.some(({ languages }) => languages.includes(from))) {
    throw new LivedubError(
      'LIVEDUB_E_LANGUAGE_NOT_RECOGNISED',
      `No installed engine recognises spoken ${languageName(from)}.`,
      { remedy: 'Install one that does: `livedub models pull --recommended`.' },
    );
  }
  return [...new Set(to)].map((target) => {
    const pair = findPair(installed, from, target);
    if (pair === undefined) {
      const pairs = describePairs(supportedPairs(installed));
      throw new LivedubError(
        'LIVEDUB_E_PAIR_UNSUPPORTED',
        `Nothing installed dubs from ${languageName(from)} to ${languageName(target)}.`,
        { remedy: `Supported now: ${pairs || 'none'}. More engines: \`livedub models list\`.` },
      );
    }
    const wanted = voices[target];
    return wanted === undefined ? pair : { ...pair, speakers: withVoice(installed, pair, wanted) };
  });
}

function withVoice(installed: Installed, pair: SupportedPair, voiceId: string): SupportedPair['speakers'] {
  for (const adapter of installed.synthesisers) {
    const voice = adapter.voices.find(({ id, language }) => id === voiceId && language === pair.to);
    if (voice !== undefined) {
      return [{ adapter, voice }, ...pair.speakers.filter((speaker) => speaker.adapter !== adapter)];
    }
  }
  const known = installed.synthesisers.flatMap(({ voices }) =>
    voices.filter(({ language }) => language === pair.to),
  );
  throw new LivedubError(
    'LIVEDUB_E_BAD_REQUEST',
    `There is no voice “${voiceId}” for ${languageName(pair.to)}.`,
    {
      remedy: `Voices: ${known.map(({ id }) => id).join(', ')}.`,
    },
  );
}
