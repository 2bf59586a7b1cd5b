import type { LanguageDemand } from '../../pipeline/demand.ts';
import type { ChannelRecord } from './channel-store.ts';
import type { DubOrder } from './dub-link.ts';

export interface ChannelOrderParts {
  readonly record: ChannelRecord;
  /** What the worker is to make of a language now. */
  readonly demandOf: (language: string) => LanguageDemand;
  readonly faces: DubOrder['faces'];
  /** Wall time of media time 0, µs since the Unix epoch. */
  readonly originUs: number;
  readonly clauseLog: string;
}

/** What a worker is to make of a channel as it is now; undefined: it is dubbed into nothing. */
export function channelOrder({
  record,
  demandOf,
  faces,
  originUs,
  clauseLog,
}: ChannelOrderParts): DubOrder | undefined {
  const { id, settings, controls } = record;
  if (settings.languages.length === 0) return undefined;
  return {
    channelId: id,
    from: settings.from,
    renditions: settings.languages.map(({ face: _face, ...rendition }) => rendition),
    originUs,
    delayMs: settings.delayMs,
    separateBed: settings.dubbingSource === 'speech',
    clauseLog,
    terms: termsOf(settings),
    demand: Object.fromEntries(settings.languages.map(({ language }) => [language, demandOf(language)])),
    controls,
    ...(faces ? { faces } : {}),
  };
}

/** Glossary and words to leave alone, as the stages take them. */
export function termsOf(settings: ChannelRecord['settings']): DubOrder['terms'] {
  return { glossary: settings.glossary, doNotTranslate: settings.doNotTranslate };
}
