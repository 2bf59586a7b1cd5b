import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { joinSpeech, type Speech, wavOf } from '../../cli/sample/sound.ts';
import { loadEngines } from '../../models/registry.ts';

export const run = promisify(execFile);

const SHARED = fileURLToPath(new URL('../../../shared/testdata/', import.meta.url));

/** A file of the shared test data, or undefined in a clone that has none. */
export function sharedFile(name: string): string | undefined {
  const path = join(SHARED, name);
  return existsSync(path) ? path : undefined;
}

const ENGLISH = [
  'Good morning. Today we talk about the weather in the mountains.',
  'The river is cold, but the sun is warm, and people walk along the old road.',
  'In the evening they come back to the house and eat together.',
];

/**
 * An English talking clip with picture: real speech where the shared test data are, else a synthesised voice over a test
 * picture.
 */
export async function englishClip(folder: string): Promise<string> {
  const real = sharedFile('video/sadtalker/WDA_KatieHill_000.mp4');
  if (real) {
    const clip = join(folder, 'speaker.mp4');
    await run('ffmpeg', [
      '-v',
      'error',
      '-y',
      '-i',
      real,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-c:a',
      'copy',
      clip,
    ]);
    return clip;
  }
  const wav = await synthesisedSpeech({ folder, language: 'en', texts: ENGLISH });
  const clip = join(folder, 'english.mp4');
  await run('ffmpeg', [
    '-v',
    'error',
    '-y',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x240:rate=25',
    '-i',
    wav,
    '-shortest',
    '-pix_fmt',
    'yuv420p',
    clip,
  ]);
  return clip;
}

/** Sentences read by an installed voice, with pauses, as a WAV. */
export async function synthesisedSpeech(options: {
  folder: string;
  language: string;
  texts: readonly string[];
}): Promise<string> {
  const engines = await loadEngines();
  try {
    const { synthesiser, voice } = await engines.speaker(options.language);
    const call = { signal: new AbortController().signal, priority: 'upload' as const };
    const sentences: Speech[] = [];
    for (const text of options.texts)
      sentences.push(await synthesiser.synthesise({ ...call, text, voice, rate: 1 }));
    const path = join(options.folder, `speech-${options.language}.wav`);
    await writeFile(path, wavOf(joinSpeech(sentences, 500)));
    return path;
  } finally {
    await engines.close();
  }
}

export interface ProbedStream {
  readonly codec_type: string;
  readonly codec_name: string;
  readonly start_time: string;
  readonly duration: string;
  /** Of pictures, px. */
  readonly width?: number;
  readonly height?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export async function probeStreams(path: string): Promise<ProbedStream[]> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', path]);
  return JSON.parse(stdout).streams;
}

/** What FFmpeg's EBU R128 meter says of one audio track. */
export async function measureTrack(
  path: string,
  track: number,
): Promise<{ lufs: number; truePeakDb: number }> {
  const { stderr } = await run('ffmpeg', [
    '-nostats',
    '-hide_banner',
    '-i',
    path,
    '-map',
    `0:a:${track}`,
    '-filter:a',
    'ebur128=peak=true',
    '-f',
    'null',
    '-',
  ]);
  const summary = stderr.slice(stderr.lastIndexOf('Summary:'));
  return {
    lufs: Number(/I:\s+(-?[\d.]+) LUFS/.exec(summary)![1]),
    truePeakDb: Number(/Peak:\s+(-?[\d.]+) dBFS/.exec(summary)![1]),
  };
}
