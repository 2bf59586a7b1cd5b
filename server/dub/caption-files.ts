import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import { type CaptionClause, formatCaptions } from '../../pipeline/text/captions.ts';
import { DUB_CAPTIONS_NOTE, withDubNotice } from '../../pipeline/text/dub-notice.ts';
import type { DubReport } from './report.ts';

export interface CaptionFile {
  readonly language: LanguageCode;
  readonly vtt: string;
  readonly srt: string;
}

/**
 * Writes WebVTT and SRT for the source and for every language of a dub, each at its own speech's times. Those of a dub say
 * that they are one: in a note, and where `notice` is not false in a first caption.
 */
export async function writeCaptions(options: {
  folder: string;
  name: string;
  report: DubReport;
  /** Default true. */
  notice?: boolean;
}): Promise<CaptionFile[]> {
  const { folder, name, report, notice = true } = options;
  const files: CaptionFile[] = [];
  for (const [language, clauses] of captionsByLanguage(report)) {
    const base = join(folder, `${name}.${language}`);
    const isDub = language !== report.sourceLanguage;
    const shown = isDub && notice ? withDubNotice(clauses, language) : clauses;
    const note = isDub ? { note: DUB_CAPTIONS_NOTE } : {};
    for (const format of ['vtt', 'srt'] as const) {
      const path = `${base}.${format}`;
      await writeFile(`${path}.part`, formatCaptions(format, shown, { language, ...note }));
      await rename(`${path}.part`, path);
    }
    files.push({ language, vtt: `${base}.vtt`, srt: `${base}.srt` });
  }
  return files;
}

function captionsByLanguage(report: DubReport): Map<LanguageCode, CaptionClause[]> {
  const source = report.clauses.map((c) => ({
    startUs: c.startMs * 1000,
    endUs: c.endMs * 1000,
    text: c.text,
  }));
  const all = new Map([[report.sourceLanguage, source]]);
  for (const { language } of report.languages) {
    const cues = report.clauses.flatMap((clause) => {
      const dub = clause.dubs.find((d) => d.language === language);
      if (!dub || dub.text === '') return [];
      // What was not spoken is still read, at the time of its source.
      const startMs = dub.startMs ?? clause.startMs;
      return [{ startUs: startMs * 1000, endUs: (dub.endMs ?? clause.endMs) * 1000, text: dub.text }];
    });
    all.set(
      language,
      cues.sort((a, b) => a.startUs - b.startUs),
    );
  }
  return all;
}
