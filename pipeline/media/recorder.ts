import { existsSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { LivedubError } from '../errors.ts';
import type { AudioFrame } from '../frames.ts';
import type { PictureMarking } from '../ports/picture-marker.ts';
import { AacSpool } from './aac-spool.ts';
import { isOutputFailure, muxFailure, publishMp4 } from './mp4-file.ts';
import { PictureSpool, type SpooledPicture } from './picture-spool.ts';
import type { MediaInfo } from './probe.ts';
import { companionArgs, disclosureOf, type MuxPlan, muxArgs } from './recorder-mux.ts';
import { openRecordingFolder, outputError } from './recording-folder.ts';
import { runTool } from './tool-process.ts';

/** How long a dub that was stopped waits for a picture that is behind its sound. */
const PICTURE_PATIENCE_MS = 60_000;

export interface RecordingTrack {
  /** ISO 639-1 or a tag such as `pt-BR`. */
  readonly language: string;
  /** Name of the track in players, e.g. `Español`; "(AI dub)" is added where it is missing. */
  readonly title: string;
}

export interface RecordingOptions {
  /** The file to make, MP4 whatever its name; an existing one is replaced at the very end. */
  readonly outFile: string;
  /** What the dub was made from: its picture and sound go into the file. */
  readonly input: MediaInfo;
  readonly tracks: readonly RecordingTrack[];
  /** Name of the original audio track, e.g. `English (original)`. */
  readonly originalTitle: string;
  /** ISO 639-1. Default: what the file says. */
  readonly originalLanguage?: string;
  /** Which audio track of the input is the original, counted from 0. Default: the one marked default, else the first. */
  readonly audioTrack?: number;
  /** Of each dubbed track. Default 96 000 for mono, 160 000 for stereo. */
  readonly bitrateBps?: number;
  /** How a picture that is encoded again gets its mark, and whether it is for that alone. Default: it gets none. */
  readonly pictureMarking?: PictureMarking;
  /** Told how far the picture is that is being marked. */
  readonly onPicture?: (endUs: number) => void;
  /** Aborting throws everything away. To keep what was dubbed so far, do not abort: call finish({ partial: true }). */
  readonly signal: AbortSignal;
}

/**
 * What became of the picture: `passed-through` and `re-encoded` ones bear no mark; `none`: the input has none.
 */
export type PictureFate = 'passed-through' | 're-encoded' | 'marked' | 'none';

export interface RecordingResult {
  readonly path: string;
  readonly sizeBytes: number;
  readonly partial: boolean;
  /** Media time up to which the longest dubbed track goes. */
  readonly dubbedUs: number;
  readonly pictureReencoded: boolean;
  readonly picture: PictureFate;
  /** One line each, for people: what could not be kept as it was. */
  readonly notes: readonly string[];
}

export interface RecordingTrackWriter {
  /** Media time up to which sound was written. */
  readonly endUs: number;
  /**
   * Writes 48 kHz mono or stereo in media-time order; gaps become silence. The first frame decides about mono or stereo.
   * Resolves when there is room for more.
   * @throws LIVEDUB_E_OUTPUT_DISK_FULL, LIVEDUB_E_OUTPUT_NOT_WRITABLE, LIVEDUB_E_ABORTED
   */
  write(frame: AudioFrame): Promise<void>;
}

/** A file beside the recording: one dubbed track with a picture of its own, and no original sound. */
export interface CompanionFile {
  /** Index of the dubbed track. */
  readonly track: number;
  /** H.264 in MP4, whose times count from media time 0. */
  readonly pictureFile: string;
  readonly outFile: string;
  /** A sentence on what the picture is, for the file's own description. */
  readonly remark: string;
  /** The picture was stopped there: the file ends with it, labelled as partial. Default: it goes as far as the recording. */
  readonly cutAtUs?: number;
}

export interface Recording {
  /** For files that are needed until the end; removed with everything in it then. On the disk of the file to make. */
  readonly folder: string;
  /** In the order of the options' `tracks`. */
  readonly tracks: readonly RecordingTrackWriter[];
  /**
   * Puts picture, original sound and dubbed tracks together and gives the file its name.
   * @param partial the dub ends early: the file is cut there and labelled
   * @param stop ends the marking of a picture that is not done yet: the result is partial then
   * @param companions are made, too, before
   */
  finish(options?: {
    readonly partial?: boolean;
    readonly stop?: AbortSignal;
    readonly companions?: readonly CompanionFile[];
  }): Promise<RecordingResult>;
  /** Gives up and removes all temporary files. Idempotent; nothing to do after finish(). */
  close(): Promise<void>;
}

/**
 * Records a dub: an MP4 with the original picture (copied where MP4 can carry it), the original sound and one AAC track a
 * language. Sound is encoded as it comes into files beside the output, so memory does not grow with length; a folder
 * left by a killed run is removed by the next one that writes to the same place.
 *
 * @throws LIVEDUB_E_OUTPUT_NOT_WRITABLE, LIVEDUB_E_OUTPUT_DISK_FULL
 */
export async function openRecording(options: RecordingOptions): Promise<Recording> {
  const outFile = path.resolve(options.outFile);
  if (outFile === options.input.path) {
    throw new LivedubError('LIVEDUB_E_OUTPUT_NOT_WRITABLE', `${outFile} is the input itself.`);
  }
  const folder = await openRecordingFolder(outFile);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const spools = options.tracks.map(
    (_, index) =>
      new AacSpool({
        file: path.join(folder, `track-${index}.aac`),
        signal,
        ...(options.bitrateBps === undefined ? {} : { bitrateBps: options.bitrateBps }),
      }),
  );
  const spoolPicture = () =>
    new PictureSpool({
      input: options.input,
      file: path.join(folder, 'picture.mp4'),
      marking: options.pictureMarking!,
      signal,
      ...(options.onPicture ? { onProgress: options.onPicture } : {}),
    });
  const { video } = options.input;
  const canMark = video !== undefined && options.pictureMarking !== undefined;
  let picture = canMark && (options.pictureMarking?.always || !video.copyToMp4) ? spoolPicture() : undefined;
  let ended = false;
  const close = async (): Promise<void> => {
    ended = true;
    stop.abort();
    await picture?.end().catch(() => {});
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const onAbort = () => void close().catch(() => {});
  options.signal.addEventListener('abort', onAbort, { once: true });

  const finish: Recording['finish'] = async ({ partial: wasStopped = false, stop, companions = [] } = {}) => {
    if (ended) throw new LivedubError('LIVEDUB_E_CLOSED', 'The recording is closed.');
    ended = true;
    try {
      await Promise.all(spools.map((spool) => spool.end()));
      const soundUs = Math.max(0, ...spools.map((spool) => spool.endUs));
      const made = path.join(folder, 'result.mp4');
      const notes: string[] = [];
      const attempt = async (copySound: boolean, copyPicture: boolean) => {
        const marked = picture && (await markedPicture(picture, { wasStopped, soundUs, stop, notes }));
        const partial = wasStopped || (marked?.isCut ?? false);
        const dubbedUs = marked?.isCut ? Math.min(soundUs, marked.endUs) : soundUs;
        const source = marked ? { pictureFile: marked.file } : {};
        const plan = { ...options, spools, partial, dubbedUs, made, copySound, copyPicture, ...source };
        return { plan, marked, failure: await mux(muxArgs(plan), signal) };
      };
      let result = await attempt(true, video?.copyToMp4 ?? false);
      if (result.failure !== undefined && !isOutputFailure(result.failure)) {
        // Some files break rules that only show when their packets are copied; decoding mends them.
        if (canMark) picture ??= spoolPicture();
        result = await attempt(false, false);
        notes.push('The original could not be copied as it is and was encoded again.');
      }
      const { plan, marked, failure } = result;
      if (failure !== undefined) throw outputError(failure, outFile);
      const { partial, dubbedUs } = plan;
      const pictureReencoded = video !== undefined && (marked !== undefined || !plan.copyPicture);
      if (pictureReencoded && notes.length === 0 && !video.copyToMp4)
        notes.push(`The picture (${video.codec}) was encoded again as H.264 to fit into MP4.`);
      if (marked?.isMarked === false) notes.push('The picture is too small to bear a mark.');
      if (partial) notes.push('Partial result: the dub was stopped before the end.');
      for (const companion of companions) await makeCompanion(plan, companion, signal);
      await publishMp4(made, disclosureOf(plan), outFile);
      const { size } = await stat(outFile);
      return {
        ...{ path: outFile, sizeBytes: size, partial, dubbedUs, pictureReencoded, notes },
        picture: pictureFate({ isThere: video !== undefined, isMarked: marked?.isMarked, pictureReencoded }),
      };
    } catch (error) {
      if (options.signal.aborted)
        throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: error });
      throw outputError(error, outFile);
    } finally {
      options.signal.removeEventListener('abort', onAbort);
      await close();
    }
  };
  return { folder, tracks: spools, finish, close };
}

/** A language in which nothing was said has no such file. */
async function makeCompanion(plan: MuxPlan, companion: CompanionFile, signal: AbortSignal): Promise<void> {
  const { track, pictureFile, outFile, remark, cutAtUs } = companion;
  const spool = plan.spools[track]!;
  if (!existsSync(spool.file)) return;
  const made = path.join(path.dirname(plan.made), 'companion.mp4');
  const cut = cutAtUs === undefined ? {} : { partial: true, dubbedUs: Math.min(plan.dubbedUs, cutAtUs) };
  const own = { ...plan, ...cut, tracks: [plan.tracks[track]!], spools: [spool], pictureFile, remark, made };
  const failure = await mux(companionArgs(own), signal);
  if (failure !== undefined) throw outputError(failure, outFile);
  await publishMp4(made, disclosureOf(own), outFile);
}

/** Waits for the marked picture; one that cannot be decoded is left as it is. */
async function markedPicture(
  picture: PictureSpool,
  options: {
    readonly wasStopped: boolean;
    readonly soundUs: number;
    readonly stop: AbortSignal | undefined;
    readonly notes: string[];
  },
): Promise<SpooledPicture | undefined> {
  const { wasStopped, soundUs, stop, notes } = options;
  const onStop = () => picture.stopAt(0);
  // Somebody who stops a dub wants what there is, not to wait for more: the picture may catch up a little.
  const patience = wasStopped ? setTimeout(onStop, PICTURE_PATIENCE_MS) : undefined;
  if (wasStopped) picture.stopAt(soundUs);
  else if (stop?.aborted) onStop();
  else stop?.addEventListener('abort', onStop, { once: true });
  try {
    return await picture.end();
  } catch (error) {
    if (!(error instanceof LivedubError) || error.code !== 'LIVEDUB_E_INPUT_UNREADABLE') throw error;
    const note = 'The picture could not be marked, for it could not be decoded.';
    if (!notes.includes(note)) notes.push(note);
    return undefined;
  } finally {
    clearTimeout(patience);
    stop?.removeEventListener('abort', onStop);
  }
}

function pictureFate(made: {
  readonly isThere: boolean;
  readonly isMarked: boolean | undefined;
  readonly pictureReencoded: boolean;
}): PictureFate {
  if (!made.isThere) return 'none';
  if (made.isMarked) return 'marked';
  return made.pictureReencoded ? 're-encoded' : 'passed-through';
}

/** Runs FFmpeg; returns what it complained of when it failed. */
async function mux(args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  return muxFailure(await runTool({ tool: 'ffmpeg', args, signal, memoryBytes: 12 * 2 ** 30 }));
}
