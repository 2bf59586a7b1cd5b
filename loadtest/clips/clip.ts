import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { LivedubError } from '../../pipeline/errors.ts';
import { runTool, startTool } from '../../pipeline/media/tool-process.ts';
import { CLIP_RATE_HZ, type ClipParts } from './clip-parts.ts';
import { planClip } from './clip-plan.ts';

/** A test input and how it was made. */
export interface Clip {
  readonly path: string;
  readonly seconds: number;
  /** Of the 16-bit samples, whatever the file's codec. */
  readonly sha256: string;
  /** For people. */
  readonly made: string;
}

export interface BuildClipOptions {
  readonly parts: ClipParts;
  readonly seconds: number;
  /** FLAC, 48 kHz mono. */
  readonly outFile: string;
  readonly signal: AbortSignal;
  readonly seed?: number;
}

/** Writes speech of an exact length, as planClip() orders it. @throws LivedubError LIVEDUB_E_OUTPUT_NOT_WRITABLE */
export async function buildClip(options: BuildClipOptions): Promise<Clip> {
  const { parts, seconds, outFile, signal, seed } = options;
  const plan = planClip({
    seconds,
    partSeconds: parts.parts.map((part) => part.seconds),
    ...(seed === undefined ? {} : { seed }),
  });
  const tool = startTool({
    tool: 'ffmpeg',
    args: [
      '-v',
      'error',
      '-y',
      '-f',
      's16le',
      '-ar',
      String(CLIP_RATE_HZ),
      '-ac',
      '1',
      '-i',
      'pipe:0',
      outFile,
    ],
    signal,
    input: true,
  });
  const hash = createHash('sha256');
  const write = async (bytes: Buffer) => {
    hash.update(bytes);
    if (tool.stdin!.write(bytes)) return;
    // A tool that ends early breaks the pipe; its exit code says why.
    const drained = once(tool.stdin!, 'drain', { signal }).catch(() => undefined);
    await Promise.race([drained, tool.exit]);
  };
  let written = 0;
  const silenceUntil = async (samples: number) => {
    for (; written < samples; written += Math.min(CLIP_RATE_HZ, samples - written)) {
      await write(Buffer.alloc(Math.min(CLIP_RATE_HZ, samples - written) * 2));
    }
  };
  for (const { index, startSeconds } of plan.parts) {
    await silenceUntil(Math.round(startSeconds * CLIP_RATE_HZ));
    const { pcm } = parts.parts[index]!;
    await write(pcm);
    written += pcm.length / 2;
  }
  await silenceUntil(seconds * CLIP_RATE_HZ);
  tool.stdin!.end();
  const { code, stderr } = await tool.exit;
  signal.throwIfAborted();
  if (code !== 0)
    throw new LivedubError('LIVEDUB_E_OUTPUT_NOT_WRITABLE', `The clip was not written: ${stderr.trim()}`);
  const sources = new Set(plan.parts.map(({ index }) => index)).size;
  return {
    path: outFile,
    seconds,
    sha256: hash.digest('hex'),
    made:
      `${seconds} s: ${parts.origin}; ${plan.parts.length} stretches of ${sources} of them ` +
      `(${Math.round(plan.partSeconds)} s of speech, none more than ${plan.passes}×, order shuffled), ` +
      'pauses of 0.4 to 0.8 s',
  };
}

/** Gives a clip a moving test picture (FFmpeg's testsrc2, 1280×720, 25 a second, H.264) of the same length. */
export async function withPicture(clip: Clip, outFile: string, signal: AbortSignal): Promise<Clip> {
  const picture = `testsrc2=size=1280x720:rate=25:duration=${clip.seconds}`;
  const { code, stderr } = await runTool({
    tool: 'ffmpeg',
    args: [
      ...['-v', 'error', '-y', '-f', 'lavfi', '-i', picture, '-i', clip.path],
      ...['-map', '0:v', '-map', '1:a', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
      ...['-g', '50', '-c:a', 'aac', '-b:a', '128k', outFile],
    ],
    signal,
  });
  if (code !== 0)
    throw new LivedubError('LIVEDUB_E_OUTPUT_NOT_WRITABLE', `The picture was not made: ${stderr.trim()}`);
  return {
    ...clip,
    path: outFile,
    made: `${clip.made}; picture: testsrc2 1280×720 at 25 a second, H.264, AAC`,
  };
}
