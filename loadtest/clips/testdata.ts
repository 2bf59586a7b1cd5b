import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';

/** Test data beside the repository; a clone alone does not have it. */
const FOLDER = join(repositoryRoot, '../shared/testdata');

/** Recorded speech with what is said in it. */
export interface SpokenFile {
  /** Short name of the collection, e.g. `FLEURS`. */
  readonly set: string;
  readonly name: string;
  readonly path: string;
  readonly language: LanguageCode;
  readonly transcript: string;
}

interface IndexEntry {
  readonly kind?: string;
  readonly file?: string;
  readonly lang?: string;
  readonly transcript?: string;
}

/** Path of a file in the shared test data; undefined where it is absent. */
export function testdataPath(...parts: readonly string[]): string | undefined {
  const path = join(FOLDER, ...parts);
  return existsSync(path) ? path : undefined;
}

/** All recorded speech with a transcript in some languages; empty where the shared test data is absent. */
export async function spokenFiles(languages: readonly LanguageCode[]): Promise<SpokenFile[]> {
  const index = testdataPath('INDEX.json');
  if (index === undefined) return [];
  const entries = JSON.parse(await readFile(index, 'utf8')) as readonly IndexEntry[];
  const found: SpokenFile[] = [];
  for (const { kind, file, lang, transcript } of entries) {
    if (kind !== 'speech' || file === undefined || file.endsWith('.txt')) continue;
    if (lang === undefined || !languages.includes(lang)) continue;
    const path = testdataPath(file);
    const set = setOf(file);
    if (path === undefined || set === undefined) continue;
    const text = set === LONG ? await fragmentsText(path) : transcript;
    if (text === undefined) continue;
    found.push({ set, name: file.split('/').at(-1)!, path, language: lang, transcript: text });
  }
  return found;
}

const LONG = 'long read';

/** Collections whose transcripts are whole sentences of one reader. */
function setOf(file: string): string | undefined {
  if (file.startsWith('speech/fleurs/')) return 'FLEURS';
  if (file.startsWith('speech/longform/')) return LONG;
  if (/^speech\/en\/LJ/.test(file)) return 'LJ Speech';
  return file === 'speech/en/jfk_16k.wav' ? 'speech 1961' : undefined;
}

/** A long recording has its text beside it, one `id|text` a line. */
async function fragmentsText(path: string): Promise<string | undefined> {
  const text = await readFile(path.replace(/\.\w+$/, '.txt'), 'utf8').catch(() => undefined);
  return text
    ?.split('\n')
    .map((line) => line.slice(line.indexOf('|') + 1).trim())
    .filter((line) => line !== '')
    .join(' ');
}
