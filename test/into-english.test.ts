import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { corpusWordErrors } from '../loadtest/metrics/wer.ts';
import { type Engines, loadEngines } from '../models/registry.ts';
import { dubFile } from '../server/dub/dub-file.ts';
import { Marker } from '../server/marks/marker.ts';
import { run, sharedFile, synthesisedSpeech } from './support/clips.ts';

const SPANISH = [
  'Buenos días a todos, hoy hablamos del tiempo en las montañas.',
  'El río está frío, pero el sol calienta y la gente pasea por el camino.',
];

const engines: Engines = await loadEngines();
const speaksSpanishIntoEnglish = engines.pairs().some((pair) => pair.from === 'es' && pair.to === 'en');

/** Needs Whisper and an English voice: `livedub models pull`. */
describe.runIf(speaksSpanishIntoEnglish)('a dub into English', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-english-'));
  });
  afterAll(async () => {
    await engines.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('finds out the language by itself, and says what the translation says', async () => {
    const input =
      sharedFile('speech/fleurs/fleurs-es-000.ogg') ??
      (await synthesisedSpeech({ folder, language: 'es', texts: SPANISH }));
    const signal = new AbortController().signal;
    const marker = await Marker.open({ dataDir: folder, env: {} });
    const { report, outFile, sourceLanguage } = await dubFile({
      input,
      marker,
      outDir: folder,
      to: ['en'],
      from: 'auto',
      mode: 'synced',
      bed: 'none',
      signal,
    });
    expect(sourceLanguage).toBe('es');

    const raw = join(folder, 'dub.f32');
    await run('ffmpeg', [
      '-v',
      'error',
      '-i',
      outFile,
      '-map',
      '0:a:1',
      '-ac',
      '1',
      '-ar',
      '16000',
      '-f',
      'f32le',
      raw,
    ]);

    const bytes = await readFile(raw);
    const pcm = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2).slice();
    const { recogniser } = await engines.plan({ from: 'en', to: ['es'] });
    const pairs = [];
    for (const { dubs } of report.clauses) {
      const [dub] = dubs;
      if (dub?.startMs == null || dub.endMs == null) continue;
      const window = pcm.slice(Math.round((dub.startMs - 50) * 16), Math.round((dub.endMs + 150) * 16));
      const heard = await recogniser.recognise({
        pcm: window,
        language: 'en',
        final: true,
        signal,
        priority: 'upload',
      });
      pairs.push({ reference: dub.text, heard: heard.text });
    }
    const errors = corpusWordErrors(pairs);
    expect(errors.referenceWords).toBeGreaterThan(8);
    // Names that the translator left in Spanish are misheard; words of English are not.
    expect(errors.rate, JSON.stringify(pairs)).toBeLessThanOrEqual(0.3);
  });
});
