import { readFile } from 'node:fs/promises';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import { testdataPath } from './testdata.ts';

const SPLIT = 'flores-test';

/** Sentences with their translation by a person. */
export interface FloresPair {
  readonly source: readonly string[];
  readonly reference: readonly string[];
}

/** The FLORES test lines of a pair; undefined where the shared test data does not have both sides. */
export async function floresPair(from: LanguageCode, to: LanguageCode): Promise<FloresPair | undefined> {
  const [source, reference] = await Promise.all([lines(from), lines(to)]);
  if (source === undefined || reference === undefined || source.length !== reference.length) return undefined;
  return { source, reference };
}

async function lines(language: LanguageCode): Promise<string[] | undefined> {
  const path =
    testdataPath('text/flores', `${SPLIT}.${language}`) ??
    testdataPath('text/flores', `en-${language}`, `${SPLIT}.${language}`);
  if (path === undefined) return undefined;
  return splitLines(await readFile(path, 'utf8'));
}

/** Published BLEU of other systems on all lines, by system; what it has as zero was not measured. */
export async function publishedBleu(from: LanguageCode, to: LanguageCode): Promise<Record<string, number>> {
  const path = testdataPath('text/flores/mozilla_bleu-results.json');
  if (path === undefined) return {};
  const all = JSON.parse(await readFile(path, 'utf8')) as Record<
    string,
    Record<string, Record<string, number>> | undefined
  >;
  const scores = all[`${from}-${to}`]?.[SPLIT] ?? {};
  return Object.fromEntries(Object.entries(scores).filter(([, score]) => score > 0));
}

/** What other systems made of the lines, where their output is at hand. */
export async function publishedOutput(
  system: string,
  from: LanguageCode,
  to: LanguageCode,
): Promise<string[] | undefined> {
  const path = testdataPath('text/flores', `${from}-${to}`, `${SPLIT}.${system}.${to}`);
  return path === undefined ? undefined : splitLines(await readFile(path, 'utf8'));
}

function splitLines(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}
