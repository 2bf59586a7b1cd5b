import type { RecogniserAdapter } from '../../models/registry/adapters.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { Recogniser } from '../../pipeline/ports/recogniser.ts';
import { Distribution } from '../../server/dub/distribution.ts';
import type { Bench, BenchContext } from '../bench/bench.ts';
import { type Column, formatTable } from '../bench/table.ts';
import { decodePcm, levelled, rmsDb } from '../clips/pcm.ts';
import { type SpokenFile, spokenFiles } from '../clips/testdata.ts';
import { EngineShelf } from '../measure/engine-shelf.ts';
import { SPEECH_RATE_HZ, streamSpeech } from '../measure/stream-speech.ts';
import { corpusWordErrors, type WordErrors } from '../metrics/wer.ts';

/** Recordings under this level (RMS) are too quiet for the VAD: their set is measured at an ordinary level as well. */
const QUIET_DB = -45;

const LANGUAGES: readonly LanguageCode[] = ['en', 'es', 'fr', 'de', 'pt'];

interface Recording extends SpokenFile {
  readonly pcm: Float32Array;
}

export const bench: Bench = {
  name: 'speech',
  what: 'word error rate of every installed recogniser, at one go and as streamed',
  order: 2,
  run: async (context) => {
    const files = await spokenFiles(context.quick ? ['en'] : LANGUAGES);
    if (files.length === 0)
      throw new LivedubError('LIVEDUB_E_INPUT_NOT_FOUND', 'There is no recorded speech to recognise.', {
        remedy: 'Put the shared test data beside the repository, as ../shared/testdata.',
      });
    const shelf = await EngineShelf.open(context.signal);
    try {
      const { recognisers } = shelf.engines.installed;
      if (recognisers.length === 0)
        throw new LivedubError('LIVEDUB_E_MODEL_MISSING', 'No recogniser is installed.');
      const rows: Row[] = [];
      for (const adapter of recognisers) {
        rows.push(
          ...(await shelf.using(adapter, (engine) => measureEngine(context, shelf, adapter, engine, files))),
        );
      }
      context.print(
        'word error rate (lower is better; S D I: words wrong, missing, too many)',
        formatTable(
          COLUMNS,
          rows.map(({ cells }) => cells),
        ),
      );
      context.record(
        'sets',
        rows.map(({ record }) => record),
      );
    } finally {
      await shelf.close();
    }
  },
};

interface Row {
  readonly cells: readonly string[];
  readonly record: Readonly<Record<string, unknown>>;
}

async function measureEngine(
  context: BenchContext,
  shelf: EngineShelf,
  adapter: RecogniserAdapter,
  recogniser: Recogniser,
  files: readonly SpokenFile[],
): Promise<Row[]> {
  const rows: Row[] = [];
  const sets = new Map<string, SpokenFile[]>();
  for (const file of files) {
    if (!adapter.languages.includes(file.language)) continue;
    const key = `${file.set} ${file.language}`;
    sets.set(key, [...(sets.get(key) ?? []), file]);
  }
  for (const [name, members] of sets) {
    context.progress(`${recogniser.info.id}: ${name}`);
    const recordings: Recording[] = [];
    for (const file of members) {
      recordings.push({ ...file, pcm: await decodePcm(file.path, SPEECH_RATE_HZ, context.signal) });
    }
    rows.push(await measureSet(context, shelf, recogniser, name, recordings));
    if (recordings.some(({ pcm }) => rmsDb(pcm) < QUIET_DB)) {
      const louder = recordings.map((recording) => ({ ...recording, pcm: levelled(recording.pcm) }));
      rows.push(await measureSet(context, shelf, recogniser, `${name}, levelled`, louder));
    }
  }
  return rows;
}

async function measureSet(
  { signal }: BenchContext,
  shelf: EngineShelf,
  recogniser: Recogniser,
  name: string,
  recordings: readonly Recording[],
): Promise<Row> {
  const language = recordings[0]!.language;
  const whole = await recogniseWhole(recogniser, recordings, signal);
  const streamed = await streamSpeech({
    recogniser,
    vad: shelf.engines.vad,
    aligner: shelf.engines.aligner,
    language,
    recordings: recordings.map(({ pcm }) => pcm),
    signal,
  });
  const streamedErrors = corpusWordErrors(
    recordings.map(({ transcript }, i) => ({ reference: transcript, heard: streamed.texts[i]! })),
  );
  const seconds = recordings.reduce((sum, { pcm }) => sum + pcm.length / SPEECH_RATE_HZ, 0);
  const { windowMs, firstPartialMs, commitLatencyMs } = streamed;
  return {
    cells: [
      recogniser.info.id,
      name,
      String(recordings.length),
      seconds.toFixed(0),
      String(streamedErrors.referenceWords),
      percent(whole?.errors),
      counts(whole?.errors),
      percent(streamedErrors),
      counts(streamedErrors),
      whole?.ms.toFixed(0) ?? '–',
      windowMs?.p50.toFixed(0) ?? '–',
      windowMs?.p95.toFixed(0) ?? '–',
      firstPartialMs?.p50.toFixed(0) ?? '–',
      commitLatencyMs?.p50.toFixed(0) ?? '–',
    ],
    record: {
      engine: recogniser.info,
      set: name,
      seconds,
      files: recordings.map(({ name: file, transcript }, i) => ({
        file,
        transcript,
        whole: whole?.texts[i],
        streamed: streamed.texts[i],
      })),
      whole: whole && { ...whole.errors, msPerRecording: whole.ms },
      streamed: { ...streamedErrors, windowMs, firstPartialMs, commitLatencyMs },
    },
  };
}

/** Every recording in one call; undefined where one is longer than the engine takes. */
async function recogniseWhole(
  recogniser: Recogniser,
  recordings: readonly Recording[],
  signal: AbortSignal,
): Promise<{ errors: WordErrors; texts: string[]; ms: number } | undefined> {
  const longestMs = Math.max(...recordings.map(({ pcm }) => (pcm.length * 1000) / SPEECH_RATE_HZ));
  if (longestMs > recogniser.capabilities.maxWindowMs) return undefined;
  const times = new Distribution();
  const texts: string[] = [];
  for (const { pcm, language } of recordings) {
    const before = performance.now();
    const { text, rejected } = await recogniser.recognise({
      pcm,
      language,
      final: true,
      signal,
      priority: 'upload',
    });
    times.add(performance.now() - before);
    texts.push(rejected === undefined ? text : '');
  }
  const errors = corpusWordErrors(
    recordings.map(({ transcript }, i) => ({ reference: transcript, heard: texts[i]! })),
  );
  return { errors, texts, ms: times.percentiles()!.mean };
}

function percent(errors: WordErrors | undefined): string {
  return errors === undefined ? '–' : (errors.rate * 100).toFixed(1);
}

function counts(errors: WordErrors | undefined): string {
  return errors === undefined ? '–' : `${errors.substitutions} ${errors.deletions} ${errors.insertions}`;
}

const COLUMNS: readonly Column[] = [
  { title: 'recogniser' },
  { title: 'speech' },
  { title: 'files', align: 'right' },
  { title: 's', align: 'right' },
  { title: 'words', align: 'right' },
  { title: 'WER %', align: 'right' },
  { title: 'S D I', align: 'right' },
  { title: 'streamed %', align: 'right' },
  { title: 'S D I', align: 'right' },
  { title: 'ms/file', align: 'right' },
  { title: 'ms/window', align: 'right' },
  { title: 'P95', align: 'right' },
  { title: '1st partial ms', align: 'right' },
  { title: 'commit ms', align: 'right' },
];
