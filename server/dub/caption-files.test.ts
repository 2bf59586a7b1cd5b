import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCaptions } from './caption-files.ts';
import type { DubReport } from './report.ts';

/** As much of a report as captions are made of. */
const REPORT = {
  sourceLanguage: 'en',
  languages: [{ language: 'es' }],
  clauses: [
    {
      ...{ startMs: 5000, endMs: 6000, text: 'Hello.' },
      dubs: [{ language: 'es', text: 'Hola.', startMs: 5100, endMs: 6200 }],
    },
  ],
} as unknown as DubReport;

describe('captions of a dub', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-captions-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function written(name: string, notice?: boolean): Promise<Record<string, string>> {
    const files = await writeCaptions({
      folder,
      name,
      report: REPORT,
      ...(notice === undefined ? {} : { notice }),
    });
    const texts = files.map(async ({ language, vtt }) => [language, await readFile(vtt, 'utf8')] as const);
    return Object.fromEntries(await Promise.all(texts));
  }

  it('begin with a notice that AI made it; those of the original do not', async () => {
    const { en, es } = await written('on');
    expect(es).toContain('1\n00:00:00.000 --> 00:00:04.000\n[Doblado con IA]\n\n2\n00:00:05.100 --> ');
    expect(es).toMatch(/NOTE AI dub by livedub.*trainedAlgorithmicMedia/);
    expect(en).not.toMatch(/NOTE|\[/);
  });

  it('leave the notice out on request, and are still labelled for whoever opens them', async () => {
    const { es } = await written('off', false);
    expect(es).not.toContain('[');
    expect(es).toMatch(/NOTE AI dub/);
  });
});
