import { join } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import { runTool } from '../../pipeline/media/tool-process.ts';
import type { Bench } from '../bench/bench.ts';
import { buildClip, type Clip } from '../clips/clip.ts';
import { englishParts } from '../clips/clip-parts.ts';
import { OthersMeter } from '../live/cost.ts';
import { soundings } from '../live/heard-sound.ts';
import { LiveServer } from '../live/live-server.ts';
import { measurePicture, pictureRows } from '../live/picture-section.ts';
import {
  costRows,
  interpretOf,
  interpretRows,
  runSpeech,
  syncedRows,
  utterancesOf,
} from '../live/speech-section.ts';
import { measureSwitching, switchRows } from '../live/switch-section.ts';
import { dubLanguages } from '../measure/dub-languages.ts';

const LANGUAGES = 2;
const FULL = { speech: 600, synced: 120, picture: 60, switches: 50, joins: 8 } as const;
const QUICK = { speech: 120, synced: 45, picture: 20, switches: 20, joins: 3 } as const;

export const bench: Bench = {
  name: 'live',
  what: 'a live channel from a publishing browser to viewing ones: latency, lag, sync, switching, CPU',
  order: 6,
  run: async (context) => {
    const { signal, folder, progress, quick } = context;
    const amount = quick ? QUICK : FULL;
    const languages = (await dubLanguages()).slice(0, LANGUAGES);
    progress('building the clip');
    const clip = await buildClip({
      parts: await englishParts(signal),
      seconds: amount.speech,
      outFile: join(folder, 'speech.flac'),
      signal,
    });
    const microphone = await asWave(clip, join(folder, 'microphone.wav'), signal);
    context.print('clip', `${clip.made}\nSHA-256 of its samples: ${clip.sha256}`);
    const server = await LiveServer.start(join(folder, 'data'));
    const closeAtOnce = () => void server.close();
    signal.addEventListener('abort', closeAtOnce, { once: true });
    try {
      const common = { server, languages, microphone, signal };
      /** Runs one part, and says how far other programs were in its way. */
      const alone = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
        const others = new OthersMeter();
        try {
          return await run();
        } finally {
          const { cores, line } = others.end();
          context.print(name, line);
          context.record(`others-${name}`, cores);
        }
      };

      const pictures = await alone('picture', () =>
        measurePicture({ ...common, loop: true }, amount.picture, progress),
      );
      context.figures(
        'picture and sound in the viewing page',
        pictures.map(({ title }) => title),
        pictureRows(pictures),
      );
      context.record('picture', pictures);

      progress(`interpreting ${clip.seconds} s into ${languages.join(' and ')}`);
      const { seconds } = clip;
      const interpret = await alone('interpret', () =>
        runSpeech({ ...common, mode: 'interpret', picture: false, seconds }),
      );
      context.figures(`interpreting ${seconds} s of continuous speech`, languages, interpretRows(interpret));
      context.record('interpret', {
        clip,
        originMs: interpret.originMs,
        clauses: interpret.clauses.map(({ id, text, startUs, endUs, mediaTimeUs }) => ({
          id,
          text,
          startUs,
          endUs,
          mediaTimeUs,
        })),
        languages: languages.map((language) => ({
          language,
          figures: interpretOf(interpret, language),
          utterances: utterancesOf(interpret, language, 'interpret'),
          heard: soundings(interpret.levels.get(language)!),
        })),
      });

      const switching = await alone('switching', () =>
        measureSwitching(common, { switches: amount.switches, joins: amount.joins }, progress),
      );
      context.figures(
        'switching languages and joining',
        switching.map(({ title }) => title),
        switchRows(switching),
      );
      context.record('switching', switching);

      progress(`synced mode with picture into ${languages.join(' and ')}: ${amount.synced} s`);
      const synced = await alone('synced', () =>
        runSpeech({ ...common, mode: 'synced', picture: true, seconds: amount.synced }),
      );
      context.figures(`synced mode, ${amount.synced} s of continuous speech`, languages, syncedRows(synced));

      context.figures(
        `cost of one channel in ${languages.length} languages`,
        ['interpret, sound only', 'synced, with picture'],
        costRows([interpret.cost, synced.cost]),
      );
      context.record(
        'cost',
        [interpret.cost, synced.cost].map(({ coresByKind, ...rest }) => ({
          ...rest,
          coresByKind: Object.fromEntries(coresByKind),
        })),
      );
    } finally {
      signal.removeEventListener('abort', closeAtOnce);
      await server.close();
    }
  },
};

/** Chromium's microphone takes WAV alone. */
async function asWave(clip: Clip, outFile: string, signal: AbortSignal): Promise<string> {
  const { code, stderr } = await runTool({
    tool: 'ffmpeg',
    args: ['-v', 'error', '-y', '-i', clip.path, '-c:a', 'pcm_s16le', outFile],
    signal,
  });
  if (code !== 0)
    throw new LivedubError('LIVEDUB_E_OUTPUT_NOT_WRITABLE', `The clip was not written: ${stderr.trim()}`);
  return outFile;
}
