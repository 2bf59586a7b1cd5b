import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeWithTool } from '../../server/media/write-with-tool.ts';
import { drawSpeaker, type Expression } from './picture.ts';
import { SAMPLE_LABEL, SAMPLE_PAUSE_MS, SAMPLE_SENTENCES, SAMPLE_TITLE } from './script.ts';
import { joinSpeech, mouthOpenings, type Speech, wavOf } from './sound.ts';

export interface MakeSampleOptions {
  /** MP4 to write. */
  outFile: string;
  /** Says one English sentence. */
  speak: (sentence: string) => Promise<Speech>;
  signal: AbortSignal;
}

const FRAMES_PER_SECOND = 25;

/**
 * Makes the sample clip: an installed voice speaks, a drawn face moves its mouth with the sound's level, and picture
 * and metadata say that it is synthetic.
 * @returns the file
 * @throws LivedubError what the voice throws, LIVEDUB_E_DEPENDENCY_MISSING without ffmpeg, LIVEDUB_E_ABORTED
 */
export async function makeSample(options: MakeSampleOptions): Promise<string> {
  const { outFile, speak, signal } = options;
  const parts = join(dirname(outFile), 'sample-parts');
  await mkdir(parts, { recursive: true });
  try {
    const sentences: Speech[] = [];
    for (const sentence of SAMPLE_SENTENCES) {
      signal.throwIfAborted();
      sentences.push(await speak(sentence));
    }
    const speech = joinSpeech(sentences, SAMPLE_PAUSE_MS);
    await writeFile(join(parts, 'speech.wav'), wavOf(speech));
    await drawPictures(parts, signal);
    await writeFile(join(parts, 'pictures.txt'), pictureList(speech));

    const made = join(parts, 'sample.mp4');
    await writeWithTool({ tool: 'ffmpeg', args: encodeArguments(parts, made), signal, output: outFile });
    await rename(made, outFile);
    return outFile;
  } finally {
    await rm(parts, { recursive: true, force: true });
  }
}

function nameOf({ mouth, blink }: Expression): string {
  return `mouth-${mouth}${blink ? '-blink' : ''}`;
}

async function drawPictures(folder: string, signal: AbortSignal): Promise<void> {
  const names: string[] = [];
  for (const mouth of [0, 1, 2] as const) {
    for (const blink of [false, true]) {
      const name = nameOf({ mouth, blink });
      await writeFile(join(folder, `${name}.svg`), drawSpeaker({ mouth, blink }, SAMPLE_LABEL));
      names.push(name);
    }
  }
  const inputs = names.flatMap((name) => ['-i', join(folder, `${name}.svg`)]);
  const outputs = names.flatMap((name, index) => [
    '-map',
    `${index}:v`,
    '-frames:v',
    '1',
    join(folder, `${name}.png`),
  ]);
  const args = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y', ...inputs, ...outputs];
  await writeWithTool({ tool: 'ffmpeg', args, signal, output: folder });
}

/** A list for FFmpeg's concat demuxer: which picture, and how long. */
function pictureList(speech: Speech): string {
  const runs: { name: string; frames: number }[] = [];
  for (const [frame, mouth] of mouthOpenings(speech, FRAMES_PER_SECOND).entries()) {
    // A blink of 120 ms about every four seconds.
    const name = nameOf({ mouth, blink: frame % 97 >= 40 && frame % 97 < 43 });
    const run = runs.at(-1);
    if (run?.name === name) run.frames += 1;
    else runs.push({ name, frames: 1 });
  }
  const lines = runs.map(({ name, frames }) => `file '${name}.png'\nduration ${frames / FRAMES_PER_SECOND}`);
  // The demuxer ignores the last duration unless a further picture follows.
  return `ffconcat version 1.0\n${lines.join('\n')}\nfile '${runs.at(-1)?.name}.png'\n`;
}

function encodeArguments(folder: string, out: string): string[] {
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-y'],
    ...['-f', 'concat', '-safe', '0', '-i', join(folder, 'pictures.txt'), '-i', join(folder, 'speech.wav')],
    ...['-map', '0:v', '-map', '1:a', '-r', String(FRAMES_PER_SECOND), '-shortest'],
    ...['-c:v', 'libx264', '-preset', 'superfast', '-crf', '23', '-g', '50', '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'aac', '-b:a', '128k', '-ar', '48000', '-ac', '2', '-metadata:s:a:0', 'language=eng'],
    ...['-metadata', `title=${SAMPLE_TITLE}`, '-metadata', `comment=${SAMPLE_LABEL}`],
    ...['-movflags', '+faststart', out],
  ];
}
