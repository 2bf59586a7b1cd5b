import { DUB_SOURCE_TYPE } from '../media/disclosure.ts';
import type { CaptionClause } from './captions.ts';

/** For whoever opens a caption file of a dub: the note of `CaptionWriter`. */
export const DUB_CAPTIONS_NOTE = `AI dub by livedub: machine translation of what is said. Digital source type: ${DUB_SOURCE_TYPE}`;

/** How long the notice is shown, ms. */
export const DUB_NOTICE_MS = 4000;
/** Less than this nobody reads: then it goes into the first caption itself, ms. */
const LEAST_MS = 1500;

/** By language, for those that livedub has voices for or may get. */
const NOTICES: Readonly<Record<string, string>> = {
  ca: 'Doblat amb IA',
  cs: 'Dabováno umělou inteligencí',
  cy: 'Trosleisiwyd gan AI',
  da: 'Dubbet af AI',
  de: 'Mit KI synchronisiert',
  el: 'Μεταγλώττιση με τεχνητή νοημοσύνη',
  en: 'Dubbed by AI',
  es: 'Doblado con IA',
  eu: 'AAk bikoiztua',
  fi: 'Tekoälyn dubbaama',
  fr: 'Doublé par IA',
  gl: 'Dobrado con IA',
  hi: 'एआई द्वारा डब किया गया',
  hu: 'Mesterséges intelligenciával szinkronizálva',
  it: 'Doppiato con IA',
  ja: 'AIによる吹き替え',
  ko: 'AI 더빙',
  nb: 'Dubbet av KI',
  nl: 'Nagesynchroniseerd door AI',
  oc: 'Doblat amb IA',
  pl: 'Dubbing: sztuczna inteligencja',
  pt: 'Dobrado por IA',
  ro: 'Dublat cu IA',
  ru: 'Озвучено с помощью ИИ',
  sv: 'Dubbat av AI',
  tr: 'Yapay zekâ ile seslendirildi',
  uk: 'Озвучено за допомогою ШІ',
  zh: '由人工智能配音',
};

/**
 * Says in a language that a machine dubs into it; in English where the table has no words of it.
 * @param language ISO 639-1 or a tag such as `pt-BR`
 */
export function dubNotice(language: string): string {
  return NOTICES[language.toLowerCase().split('-')[0] ?? ''] ?? NOTICES.en!;
}

/**
 * Captions of a dub with the notice before them: on screen for 4 s from media time 0, less where speech comes sooner, and
 * at the head of the first caption where it comes at once. None is moved or covered.
 */
export function withDubNotice(clauses: readonly CaptionClause[], language: string): CaptionClause[] {
  const [first, ...rest] = clauses;
  const text = `[${dubNotice(language)}]`;
  const roomMs = (first?.startUs ?? Number.POSITIVE_INFINITY) / 1000;
  if (first !== undefined && roomMs < LEAST_MS) return [{ ...first, text: `${text} ${first.text}` }, ...rest];
  return [{ startUs: 0, endUs: Math.min(roomMs, DUB_NOTICE_MS) * 1000, text }, ...clauses];
}
