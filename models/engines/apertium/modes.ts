import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LanguageCode } from '../../../pipeline/ports/engine.ts';

/** One program of a mode's chain. */
export interface Stage {
  readonly command: string;
  readonly args: readonly string[];
}

/** One installed translation direction: `eng-spa` → en to es. */
export interface ApertiumMode {
  readonly name: string;
  readonly from: LanguageCode;
  readonly to: LanguageCode;
  readonly stages: readonly Stage[];
}

/** Names in Apertium's mode files → ISO 639-1. */
const CODES: Readonly<Record<string, LanguageCode>> = {
  eng: 'en',
  en: 'en',
  eng_US: 'en',
  spa: 'es',
  es: 'es',
  cat: 'ca',
  ca: 'ca',
  por: 'pt',
  pt: 'pt',
  por_BR: 'pt',
  pt_BR: 'pt',
  fra: 'fr',
  fr: 'fr',
  ita: 'it',
  it: 'it',
  glg: 'gl',
  gl: 'gl',
  oci: 'oc',
  ron: 'ro',
  ro: 'ro',
  epo: 'eo',
  eo: 'eo',
  swe: 'sv',
  dan: 'da',
  nob: 'nb',
  nno: 'nn',
  afr: 'af',
  nld: 'nl',
  mkd: 'mk',
  bul: 'bg',
  rus: 'ru',
  ukr: 'uk',
  bel: 'be',
  isl: 'is',
  eus: 'eu',
  eu: 'eu',
  br: 'br',
  hin: 'hi',
  urd: 'ur',
  ind: 'id',
  zlm: 'ms',
};

/** Variants that win over the plain name: the regions whose voices are installed or most spoken. */
const PREFERRED = ['eng_US', 'por_BR', 'pt_BR'];

/** Splits at `separator` outside single quotes. */
function splitOutsideQuotes(text: string, separator: RegExp): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  for (const char of text) {
    if (char === "'") quoted = !quoted;
    if (!quoted && separator.test(char)) {
      if (part !== '') parts.push(part);
      part = '';
    } else part += char;
  }
  if (part !== '') parts.push(part);
  return parts;
}

/**
 * Reads a mode file: a shell pipeline with `$1` (how unknown words are shown) and `$2` (tagger option) left open.
 * Every program gets `-z`: it then answers each NUL instead of waiting for the end of input, which is what lets one
 * process serve many requests. `$1` becomes `-g`: unknown words come marked, so that they can be reported.
 */
export function parseMode(text: string): Stage[] {
  return splitOutsideQuotes(text.trim(), /\|/).flatMap((stage) => {
    const [command, ...args] = splitOutsideQuotes(stage.trim(), /\s/).map((word) => word.replaceAll("'", ''));
    if (command === undefined) return [];
    const filled = args.flatMap((arg) => (arg === '$1' ? ['-g'] : arg === '$2' ? [] : [arg]));
    return [{ command, args: ['-z', ...filled] }];
  });
}

/**
 * Lists what is installed, one mode a direction.
 * @param directory where Apertium keeps its mode files
 * @returns empty when Apertium is not installed
 */
export async function discoverModes(directory: string): Promise<ApertiumMode[]> {
  const names = await readdir(directory).catch(() => [] as string[]);
  const best = new Map<string, { name: string; from: string; to: string; rank: number }>();
  for (const file of names.sort()) {
    const name = file.match(/^(.+)\.mode$/)?.[1];
    const [source, target, extra] = name?.split('-') ?? [];
    if (name === undefined || source === undefined || target === undefined || extra !== undefined) continue;
    const from = CODES[source];
    const to = CODES[target];
    if (from === undefined || to === undefined || from === to) continue;
    const rank = (PREFERRED.includes(target) ? 2 : 0) + (PREFERRED.includes(source) ? 1 : 0);
    const known = best.get(`${from}-${to}`);
    if (known === undefined || rank > known.rank) best.set(`${from}-${to}`, { name, from, to, rank });
  }
  return Promise.all(
    [...best.values()].map(async ({ name, from, to }) => ({
      name,
      from,
      to,
      stages: parseMode(await readFile(join(directory, `${name}.mode`), 'utf8')),
    })),
  );
}
