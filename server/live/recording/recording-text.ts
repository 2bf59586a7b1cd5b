import { createReadStream } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type CaptionClause, formatCaptions } from '../../../pipeline/text/captions.ts';
import { DUB_CAPTIONS_NOTE, withDubNotice } from '../../../pipeline/text/dub-notice.ts';
import { type TextEvent, TextEventSchema } from '../contract.ts';
import { type RecordingState, TEXT_FILE } from './recording-state.ts';

/**
 * Captions of a recording by language, from the events written while it ran: the source on its own times, a translation
 * where its synced voice says it, else on its clause. A dub's begin with the notice that it is one. None outlasts the
 * recording, where it is known how long that is.
 */
export async function readCaptions(
  folder: string,
  { from, dubNotice, durationMs }: Pick<RecordingState, 'from' | 'dubNotice' | 'durationMs'>,
): Promise<Map<string, CaptionClause[]>> {
  const clauses: CaptionClause[] = [];
  const translations = new Map<string, Extract<TextEvent, { kind: 'translation' }>>();
  const spoken = new Map<string, { startUs: number; endUs: number }>();
  for await (const event of readEvents(path.join(folder, TEXT_FILE))) {
    if (event.kind === 'clause') clauses.push(event);
    else if (event.kind === 'translation') translations.set(`${event.language} ${event.clauseId}`, event);
    else if (event.kind === 'utterance' && event.mode === 'synced' && event.outcome === 'spoken') {
      spoken.set(`${event.language} ${event.clauseId}`, event);
    }
  }
  const lastUs = durationMs > 0 ? durationMs * 1000 : Number.POSITIVE_INFINITY;
  const within = (cues: readonly CaptionClause[]) =>
    inOrder(cues)
      .filter((cue) => cue.startUs < lastUs)
      .map((cue) => ({ ...cue, endUs: Math.min(cue.endUs, lastUs) }));
  const all = new Map<string, CaptionClause[]>();
  if (clauses.length > 0) all.set(from, clauses);
  for (const [key, { language, text, startUs, endUs }] of translations) {
    const cues = all.get(language) ?? [];
    cues.push({ text, ...(spoken.get(key) ?? { startUs, endUs }) });
    all.set(language, cues);
  }
  return new Map(
    [...all].map(([language, cues]) => {
      const isNoted = dubNotice && language !== from;
      return [language, within(isNoted ? withDubNotice(inOrder(cues), language) : cues)];
    }),
  );
}

/** Writes LANGUAGE.vtt and LANGUAGE.srt. @param from language spoken @returns the languages */
export async function writeCaptionFiles(
  folder: string,
  captions: ReadonlyMap<string, CaptionClause[]>,
  from: string,
): Promise<string[]> {
  for (const [language, cues] of captions) {
    const note = language === from ? {} : { note: DUB_CAPTIONS_NOTE };
    for (const format of ['vtt', 'srt'] as const) {
      const file = path.join(folder, `${language}.${format}`);
      await writeFile(`${file}.part`, formatCaptions(format, cues, { language, ...note }));
      await rename(`${file}.part`, file);
    }
  }
  return [...captions.keys()];
}

/** A crash may have cut the last line. */
async function* readEvents(file: string): AsyncGenerator<TextEvent> {
  for await (const line of createInterface({ input: createReadStream(file, 'utf8') })) {
    try {
      yield TextEventSchema.parse(JSON.parse(line));
    } catch {}
  }
}

function inOrder(cues: readonly CaptionClause[]): CaptionClause[] {
  return cues
    .filter((cue) => cue.text.trim() !== '')
    .map(({ startUs, endUs, text }) => ({ startUs, endUs, text }))
    .sort((a, b) => a.startUs - b.startUs);
}
