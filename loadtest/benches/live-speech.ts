import { join } from 'node:path';
import { ClauseLogFile } from '../../db/clause-log-file.ts';
import { loadEngines } from '../../models/registry.ts';
import type { Bench } from '../bench/bench.ts';
import { buildClip } from '../clips/clip.ts';
import { englishParts } from '../clips/clip-parts.ts';
import { decodePcm } from '../clips/pcm.ts';
import { dubLanguages } from '../measure/dub-languages.ts';
import { LIVE_GOALS, liveFigures, percentile } from '../measure/live-figures.ts';
import { runLiveSpeech } from '../measure/live-speech.ts';

const QUICK_SECONDS = 60;
const LONG_SECONDS = 600;
const LANGUAGES = 2;

export const bench: Bench = {
  name: 'live-speech',
  what: 'the pipeline of a live channel on continuous speech, in real time: lag, ear-voice span, CPU',
  order: 5,
  run: async (context) => {
    const { signal, folder } = context;
    const to = (await dubLanguages()).slice(0, LANGUAGES);
    const seconds = context.quick ? QUICK_SECONDS : LONG_SECONDS;
    context.progress('building the clip');
    const clip = await buildClip({
      parts: await englishParts(signal),
      seconds,
      outFile: join(folder, 'speech.flac'),
      signal,
    });
    const engines = await loadEngines({ signal });
    const clauseLog = await ClauseLogFile.start(join(folder, 'clauses.jsonl'));
    try {
      const plan = await engines.plan({ from: 'en', to });
      context.progress(`${seconds} s, in real time, into ${to.join(' and ')}`);
      const live = await runLiveSpeech({
        vad: engines.vad,
        recogniser: plan.recogniser,
        aligner: engines.aligner,
        renditions: plan.renditions,
        language: 'en',
        pcm: await decodePcm(clip.path, 48_000, signal),
        clauseLog,
        syncedDelayMs: 6000,
        mode: 'interpret',
        signal,
      });
      const all = to.map((language) => liveFigures(live, language));
      const row = (
        name: string,
        unit: string,
        values: readonly (number | null)[],
        goal?: { atMost: number },
      ) => ({
        name,
        unit,
        digits: unit === 'ms' ? 0 : 2,
        figures: values.map((value) => ({ value, ...(goal ? { goal } : {}) })),
      });
      const { length } = to;
      const cores = Array<number>(length).fill(live.cpuSeconds / live.wallSeconds);
      context.print('clip', `${clip.made}\nSHA-256 of its samples: ${clip.sha256}`);
      context.figures(`interpreting ${seconds} s of continuous speech`, to, [
        row(
          'ear-voice span, median',
          'ms',
          all.map((f) => percentile(f.earVoiceMs, 0.5)),
          LIVE_GOALS.earVoiceP50,
        ),
        row(
          'ear-voice span, P90',
          'ms',
          all.map((f) => percentile(f.earVoiceMs, 0.9)),
          LIVE_GOALS.earVoiceP90,
        ),
        row(
          'voice after the clause, median',
          'ms',
          all.map((f) => percentile(f.startMs, 0.5)),
          LIVE_GOALS.startP50,
        ),
        row(
          'voice after the clause, P95',
          'ms',
          all.map((f) => percentile(f.startMs, 0.95)),
          LIVE_GOALS.startP95,
        ),
        row(
          'lag, most',
          'ms',
          all.map((f) => percentile(f.startMs, 1)),
          LIVE_GOALS.lagMax,
        ),
        row(
          'drift, last third against first',
          'ms',
          all.map((f) => f.driftMs),
        ),
        row(
          'AL, computation-unaware',
          'ms',
          all.map((f) => f.averageLaggingMs.unaware),
        ),
        row(
          'AL, computation-aware',
          'ms',
          all.map((f) => f.averageLaggingMs.aware),
        ),
        row(
          'LAAL, computation-unaware',
          'ms',
          all.map((f) => f.lengthAdaptiveMs.unaware),
        ),
        row(
          'LAAL, computation-aware',
          'ms',
          all.map((f) => f.lengthAdaptiveMs.aware),
        ),
        row(
          'silence in continuous speech',
          '%',
          all.map((f) => f.silencePercent),
          LIVE_GOALS.silencePercent,
        ),
        row(
          'clauses spoken',
          '',
          all.map((f) => f.spoken),
        ),
        row(
          'clauses left out',
          '',
          all.map((f) => f.skipped),
        ),
        row(
          'longest wait for a frame of sound',
          'ms',
          to.map((language) => live.outputs.get(language)!.longestGapMs),
        ),
        row('CPU of this process, both languages', 'cores', cores, LIVE_GOALS.cores),
      ]);
      context.record('live-speech', {
        clip,
        languages: to,
        clauses: live.clauses.map(({ id, text, startUs, endUs, committedMs }) => ({
          id,
          text,
          startUs,
          endUs,
          committedMs,
        })),
        utterances: live.utterances,
        failures: live.failures,
      });
    } finally {
      await clauseLog.close();
      await engines.close();
    }
  },
};
