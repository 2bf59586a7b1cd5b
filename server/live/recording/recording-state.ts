import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type Problem, ProblemSchema } from '../../contract.ts';

/** `recording.json` in a recording's folder: all that is needed to finish it after a crash. */
const RecordingStateSchema = z.object({
  id: z.string(),
  /** RFC 3339. */
  startedAt: z.string(),
  title: z.string(),
  /** Language spoken. */
  from: z.string(),
  /** Captions of dubs begin with a notice that they are made by AI. */
  dubNotice: z.boolean().default(true),
  state: z.enum(['recording', 'finishing', 'done', 'failed']),
  /** 0: not known, after a crash. */
  durationMs: z.number(),
  /** In the order in which they began. */
  parts: z.array(
    z.object({
      /** Track key, e.g. `live:video`, `mix:es:synced`. */
      track: z.string(),
      codec: z.enum(['opus', 'vp8', 'h264']),
      /** Name within the folder. */
      file: z.string(),
      /** Largest picture in it, where known. */
      widthPx: z.number().optional(),
      heightPx: z.number().optional(),
    }),
  ),
  /** Languages with caption files, once done. */
  captions: z.array(z.string()),
  /** Languages whose moved picture is recorded, each for a file of its own. */
  faces: z
    .array(
      z.object({
        language: z.string(),
        /** `pending`: its file is made when the recording's is. */
        state: z.enum(['pending', 'done', 'failed']),
        /** For how long the moved picture is shown, once done. */
        movedMs: z.number().optional(),
        error: ProblemSchema.optional(),
      }),
    )
    .default([]),
  /** Why nothing more was recorded before it was ended. */
  cut: ProblemSchema.optional(),
  /** Why its file was not made. */
  error: ProblemSchema.optional(),
});
export type RecordingState = z.infer<typeof RecordingStateSchema>;
export type RecordingPart = RecordingState['parts'][number];
export type RecordedFace = RecordingState['faces'][number];

export const STATE_FILE = 'recording.json';
export const TEXT_FILE = 'text.jsonl';
export const RESULT_FILE = 'recording.mp4';

/** The file of one language's dub with the picture that was moved for it. */
export function faceFile(language: string): string {
  return `recording.${language}.face.mp4`;
}

/**
 * The state with what failed to be made again.
 * @param may whether this failure is to be tried again. Default: all are
 */
export function again(
  state: RecordingState,
  may: (error: Problem | undefined) => boolean = () => true,
): RecordingState {
  const faces = state.faces.map(
    (face): RecordedFace =>
      face.state === 'failed' && may(face.error) ? { language: face.language, state: 'pending' } : face,
  );
  const { error, ...others } = state;
  if (state.state !== 'failed' || !may(error)) return { ...state, faces };
  return { ...others, faces, state: 'finishing' };
}

/** Whether there are files to be made of it, for the first time or because a crash came between. */
export function isUnfinished({ state, faces }: RecordingState): boolean {
  if (state === 'done') return faces.some((face) => face.state === 'pending');
  return state !== 'failed';
}

/** The state with one language's face changed. */
export function withFace(state: RecordingState, face: RecordedFace): RecordingState {
  const at = state.faces.findIndex(({ language }) => language === face.language);
  return { ...state, faces: at < 0 ? [...state.faces, face] : state.faces.with(at, face) };
}

export async function readState(folder: string): Promise<RecordingState> {
  return RecordingStateSchema.parse(JSON.parse(await readFile(path.join(folder, STATE_FILE), 'utf8')));
}

/** Replaces the file as a whole: a crash leaves the old or the new one. */
export async function writeState(folder: string, state: RecordingState): Promise<void> {
  const file = path.join(folder, STATE_FILE);
  await writeFile(`${file}.part`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${file}.part`, file);
}

/** Parts, files of moved pictures, and what was half made. */
const STRAY_PATTERN = /^\d{3}-.*\.mkv$|^recording\..*\.face\.mp4$|\.part$/;

/** Removes files that the state does not name: a crash came before that, or they were given up. Nothing must be in the making. */
export async function removeStray(folder: string, { parts, faces }: RecordingState): Promise<void> {
  const kept = new Set([
    ...parts.map(({ file }) => file),
    ...faces.map(({ language }) => faceFile(language)),
  ]);
  for (const name of await readdir(folder))
    if (STRAY_PATTERN.test(name) && !kept.has(name)) await rm(path.join(folder, name), { force: true });
}
