import type { GlossaryEntry } from '../../../server/live/contract.ts';

/** The glossary of one language as lines `source = target`. */
export function glossaryText(entries: readonly GlossaryEntry[], language: string): string {
  return entries
    .filter((one) => one.language === language)
    .map((one) => `${one.source} = ${one.target}`)
    .join('\n');
}

/**
 * Reads lines `source = target` (also `→`, `:` or a tab between).
 * @returns the entries, and the lines that are none
 */
export function readGlossary(text: string, language: string): { entries: GlossaryEntry[]; wrong: string[] } {
  const entries: GlossaryEntry[] = [];
  const wrong: string[] = [];
  for (const line of termLines(text)) {
    const [source = '', ...rest] = line.split(/\s*(?:=|→|\t|:)\s*/);
    const target = rest.join(' ').trim();
    if (source && target) entries.push({ source, language, target });
    else wrong.push(line);
  }
  return { entries, wrong };
}

/** One term a line; empty lines and repetitions are left out. */
export function termLines(text: string): string[] {
  return [...new Set(text.split('\n').map((line) => line.trim()))].filter(Boolean);
}
