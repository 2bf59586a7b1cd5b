import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { LivedubError } from '../../pipeline/errors.ts';
import { appendDisclosure, disclosureTags } from '../../pipeline/media/disclosure.ts';
import { dubTitle } from '../../pipeline/media/recorder-mux.ts';
import { languageName } from '../language-name.ts';
import { writeWithTool } from './write-with-tool.ts';

export interface SplitTracksOptions {
  /** MP4 whose first sound track is the original and whose further ones are the dubs. */
  file: string;
  /** Everything is written below it. */
  jobDir: string;
  /** Ids of the sound tracks, in the file's order: `original`, `es`, … */
  ids: readonly string[];
  signal: AbortSignal;
}

const ProbeSchema = z.object({
  streams: z.array(z.object({ codec_type: z.string(), codec_name: z.string().optional() })),
});

/** Sound codecs that browsers play inside MP4; others become AAC in the copy for the page. */
const WEB_AUDIO = new Set(['aac', 'mp3', 'opus', 'flac']);

/**
 * Makes one progressive MP4 per sound track (that track and the picture), which a browser plays while it loads. Done
 * once, at the end of a job, without touching picture or sound where browsers can play them.
 *
 * @returns paths relative to `jobDir`, by id
 * @throws LivedubError LIVEDUB_E_INPUT_UNREADABLE, LIVEDUB_E_ABORTED, LIVEDUB_E_DEPENDENCY_MISSING
 */
export async function splitTracks(options: SplitTracksOptions): Promise<ReadonlyMap<string, string>> {
  const { file, jobDir, ids, signal } = options;
  const folder = join(jobDir, 'tracks');
  await mkdir(folder, { recursive: true });
  const probed = await writeWithTool({
    tool: 'ffprobe',
    output: folder,
    args: ['-v', 'error', '-of', 'json', '-show_entries', 'stream=codec_type,codec_name', file],
    signal,
  });
  const sounds = ProbeSchema.parse(JSON.parse(probed)).streams.filter((one) => one.codec_type === 'audio');
  if (sounds.length < ids.length) {
    throw new LivedubError(
      'LIVEDUB_E_INTERNAL',
      `The dubbed file has ${sounds.length} sound tracks, ${ids.length} were written.`,
    );
  }
  const args = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y', '-i', file];
  const files = new Map<string, string>();
  for (const [index, id] of ids.entries()) {
    const out = join(folder, `${id}.mp4`);
    const soundCodec = WEB_AUDIO.has(sounds[index]?.codec_name ?? '')
      ? ['-c:a', 'copy']
      : ['-c:a', 'aac', '-b:a', '160k'];
    args.push('-map', '0:v:0?', '-map', `0:a:${index}`, '-c:v', 'copy', ...soundCodec);
    // What the whole file says of its dubs does not hold for the original alone.
    if (id === 'original')
      args.push(...['comment=', 'description=', 'keywords='].flatMap((tag) => ['-metadata', tag]));
    else args.push(...disclosureTags({ dubs: [titleOf(id)] }));
    args.push('-disposition:a:0', 'default', '-movflags', '+faststart', '-f', 'mp4', out);
    files.set(id, relative(jobDir, out));
  }
  await writeWithTool({ tool: 'ffmpeg', args, signal, output: folder });
  for (const id of ids) {
    if (id !== 'original') await appendDisclosure(join(folder, `${id}.mp4`), { dubs: [titleOf(id)] });
  }
  return files;
}

function titleOf(language: string): string {
  return dubTitle(languageName(language));
}
