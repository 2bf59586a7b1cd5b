import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { LivedubError } from '../../../pipeline/errors.ts';
import { appendDisclosure, MOVED_LIPS_REMARK } from '../../../pipeline/media/disclosure.ts';
import { outputError } from '../../../pipeline/media/recording-folder.ts';
import { runTool } from '../../../pipeline/media/tool-process.ts';
import { faceKey } from '../face-tracks.ts';
import { readMovedSpans } from './moved-spans.ts';
import { dubTitles, faceArgs, facePartsOf, type MuxPlan } from './recording-mux.ts';
import { faceFile } from './recording-state.ts';

/**
 * Makes one language's file with moved lips: its dub, its captions, and the picture of the whole recording, moved where it was.
 * @throws LivedubError LIVEDUB_E_INPUT_UNREADABLE (picture, sound or moved pictures are missing), LIVEDUB_E_OUTPUT_DISK_FULL,
 * …_NOT_WRITABLE; the signal's reason
 */
export async function makeFaceFile(plan: MuxPlan, language: string, signal: AbortSignal): Promise<void> {
  const { folder } = plan;
  const parts = facePartsOf(plan.parts, language);
  const moved = parts.filter(({ track }) => track === faceKey(language));
  const files = moved.map(({ file }) => path.join(folder, file));
  const spans = await readMovedSpans(files, signal);
  const titles = dubTitles(parts);
  const hasFilmed = parts.length > moved.length + titles.length;
  if (spans.length === 0 || titles.length === 0 || !hasFilmed)
    throw new LivedubError(
      'LIVEDUB_E_INPUT_UNREADABLE',
      'What was recorded of picture, lips or dub cannot be read.',
      {
        remedy: 'Take the MP4 with all languages; what can be read is still in the folder of the recording.',
      },
    );
  const made = path.join(folder, `${faceFile(language)}.part`);
  try {
    const captions = plan.captions.filter((one) => one === language);
    const args = [...faceArgs({ ...plan, parts, captions, language, spans }), `file:${made}`];
    const run = await runTool({ tool: 'ffmpeg', args, signal, memoryBytes: 12 * 2 ** 30, niceness: 15 });
    if (run.code !== 0) throw outputError(run.stderr.trim() || 'FFmpeg stopped.', made);
    await appendDisclosure(made, { dubs: titles, remark: ` ${MOVED_LIPS_REMARK}` });
    await rename(made, path.join(folder, faceFile(language)));
  } catch (error) {
    await rm(made, { force: true }).catch(() => {});
    throw error;
  }
}
