import path from 'node:path';
import { LivedubError } from '../../../pipeline/errors.ts';
import { MOVED_LIPS_REMARK } from '../../../pipeline/media/disclosure.ts';
import { faceKey } from '../face-tracks.ts';
import { makeMp4 } from './make-mp4.ts';
import { readMovedSpans } from './moved-spans.ts';
import { dubTitles, faceArgs, facePartsOf, type MuxPlan } from './recording-mux.ts';
import { faceFile } from './recording-state.ts';

/**
 * Makes one language's file with moved lips: its dub, its captions, and the picture of the whole recording, moved where it was.
 * @throws LivedubError LIVEDUB_E_INPUT_UNREADABLE (picture, sound or moved pictures are missing), LIVEDUB_E_OUTPUT_DISK_FULL,
 * …_NOT_WRITABLE, LIVEDUB_E_WORKER_DIED; the signal's reason
 * @returns for how long the moved picture is shown, ms
 */
export async function makeFaceFile(plan: MuxPlan, language: string, signal: AbortSignal): Promise<number> {
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
        remedy:
          'Take the MP4 with all languages. What can be read stays in the folder of the recording until this file is given up.',
      },
    );
  const captions = plan.captions.filter((one) => one === language);
  await makeMp4({
    file: path.join(folder, faceFile(language)),
    args: faceArgs({ ...plan, parts, captions, language, spans }),
    disclosure: { dubs: titles, remark: ` ${MOVED_LIPS_REMARK}` },
    signal,
  });
  return spans.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
}
