import { basename, extname, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { dataDir } from '../../pipeline/cache-paths.ts';
import { LanguageSchema } from '../../server/contract.ts';
import { Marker } from '../../server/marks/marker.ts';
import { check } from '../../server/problem.ts';
import { wantsDubNotice } from '../dub-notice-setting.ts';
import { faceLine } from '../face-line.ts';
import { ProgressLine } from '../progress-line.ts';
import { shutdownSignal } from '../shutdown.ts';

const OptionsSchema = z.object({
  to: z.array(LanguageSchema).min(1).max(16),
  from: z.union([LanguageSchema, z.literal('auto')]),
  out: z.string().min(1).optional(),
  mode: z.enum(['synced', 'interpret']),
  bed: z.enum(['duck', 'none']),
  audioTrack: z.coerce.number('must be a number').int().min(0).max(63).optional(),
  voice: z.array(z.string().regex(/^[a-z]{2,3}=[\w-]+$/, 'must look like es=pico-es-ES')).default([]),
  markPicture: z.boolean().default(false),
  face: z.boolean().default(false),
  faceExplain: z.boolean().default(false),
  notice: z.boolean().default(true),
  json: z.boolean().default(false),
});

/** `livedub dub INPUT`: one file through the streaming path. */
export function registerDub(program: Command): void {
  program
    .command('dub')
    .description('dub a media file: MP4 with one track a language, captions and a report')
    .argument('<input>', 'media file or http(s) address')
    .requiredOption('--to <languages>', 'languages to dub into, e.g. es,fr')
    .option('--from <language>', 'language spoken, or auto', 'auto')
    .option('--out <folder>', 'where the results go (default: NAME-dubbed in the current folder)')
    .option(
      '--mode <mode>',
      'synced: each utterance on its clause; interpret: as it would come live',
      'synced',
    )
    .option('--bed <bed>', 'original sound under the dub: duck or none', 'duck')
    .option('--audio-track <number>', 'audio track to dub, counted from 0 (default: the one marked default)')
    .option(
      '--voice <language=id>',
      'another voice for a language (see `livedub models list`); may be repeated',
      collect,
      [],
    )
    .option('--mark-picture', 'watermark the picture, too: it is encoded again for that')
    .option(
      '--face',
      'another file a language in which faces speak it; by this you state that the people in the picture allow it',
    )
    .option(
      '--face-explain',
      'as --face, and a file that shows side by side how each picture came about: original, mesh, visemes, result',
    )
    .option('--no-notice', 'captions without the first one that says that AI dubs')
    .option('--json', 'print the result as JSON instead of text')
    .action(async (input: string, raw: Record<string, unknown>) => {
      const to = [
        ...new Set(
          String(raw.to)
            .split(',')
            .map((one) => one.trim().toLowerCase()),
        ),
      ];
      const options = check(OptionsSchema, { ...raw, to }, 'option');
      await dub(input, options);
    });
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

async function dub(input: string, options: z.infer<typeof OptionsSchema>): Promise<void> {
  const { dubFile } = await import('../../server/dub/dub-file.ts');
  const { json, out, audioTrack, voice, face, faceExplain, ...rest } = options;
  const voices = Object.fromEntries(voice.map((choice) => choice.split('=') as [string, string]));
  const outDir = resolve(out ?? `${basename(input, extname(input)) || 'input'}-dubbed`);
  const marker = await Marker.open({
    dataDir: dataDir(),
    onNotice: (text) => process.stderr.write(`note: ${text}\n`),
  });
  const line = new ProgressLine({ stream: process.stderr });
  try {
    const result = await dubFile({
      ...rest,
      faces: face || faceExplain,
      explainFaces: faceExplain,
      notice: rest.notice && wantsDubNotice(),
      marker,
      voices,
      ...(audioTrack === undefined ? {} : { audioTrack }),
      input,
      outDir,
      signal: shutdownSignal(),
      onProgress: (progress) => line.update(progress),
    });
    line.end();
    if (json) {
      process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
      return;
    }
    const tracks = result.tracks.map((track) => `${track.title} (${track.tier} tier)`).join(', ');
    const lines = [
      `${result.partial ? 'Partial result' : 'Dubbed'}: ${result.outFile}`,
      `  from ${result.sourceLanguage} into ${tracks}`,
      `  marked ${result.tracks.map(({ language, mark }) => `${language} ${mark.rendition}`).join(', ')}; picture ${result.picture === 'marked' ? 'marked' : `unmarked (${result.picture})`}`,
      ...result.report.languages.flatMap(({ language, face }) =>
        face ? [`  ${faceLine(language, face)}`] : [],
      ),
      `  captions ${result.captions.map((caption) => caption.language).join(', ')} (.vtt, .srt); report ${basename(result.reportFile)}`,
      ...result.warnings.map((warning) => `  note: ${warning}`),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    // What was dubbed is kept, but the job was not done.
    if (result.partial && shutdownSignal().aborted) process.exitCode = 130;
  } finally {
    line.end();
    await marker.close();
  }
}
