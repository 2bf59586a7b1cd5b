import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { LivedubError } from '../errors.ts';
import type { AudioFrame } from '../frames.ts';
import { AacSpool } from './aac-spool.ts';
import { appendDisclosure } from './disclosure.ts';
import type { MediaInfo } from './probe.ts';
import { disclosureOf, muxArgs } from './recorder-mux.ts';
import { openRecordingFolder, outputError } from './recording-folder.ts';
import { runTool } from './tool-process.ts';

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
  /** Aborting throws everything away. To keep what was dubbed so far, do not abort: call finish({ partial: true }). */
  readonly signal: AbortSignal;
}

export interface RecordingResult {
  readonly path: string;
  readonly sizeBytes: number;
  readonly partial: boolean;
  /** Media time up to which the longest dubbed track goes. */
  readonly dubbedUs: number;
  readonly pictureReencoded: boolean;
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

export interface Recording {
  /** In the order of the options' `tracks`. */
  readonly tracks: readonly RecordingTrackWriter[];
  /**
   * Puts picture, original sound and dubbed tracks together and gives the file its name.
   * @param partial the dub ends early: the file is cut there and labelled
   */
  finish(options?: { readonly partial?: boolean }): Promise<RecordingResult>;
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
  let ended = false;
  const close = async (): Promise<void> => {
    ended = true;
    stop.abort();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const onAbort = () => void close().catch(() => {});
  options.signal.addEventListener('abort', onAbort, { once: true });

  const finish = async ({ partial = false } = {}): Promise<RecordingResult> => {
    if (ended) throw new LivedubError('LIVEDUB_E_CLOSED', 'The recording is closed.');
    ended = true;
    try {
      await Promise.all(spools.map((spool) => spool.end()));
      const dubbedUs = Math.max(0, ...spools.map((spool) => spool.endUs));
      const made = path.join(folder, 'result.mp4');
      const notes: string[] = [];
      const plan = { ...options, spools, partial, dubbedUs, made };
      let copyPicture = options.input.video?.copyToMp4 ?? false;
      let copySound = true;
      let failure = await mux(muxArgs({ ...plan, copyPicture, copySound }), signal);
      if (failure !== undefined && !isOutputFailure(failure)) {
        // Some files break rules that only show when their packets are copied; decoding mends them.
        copyPicture = false;
        copySound = false;
        failure = await mux(muxArgs({ ...plan, copyPicture, copySound }), signal);
        notes.push('The original could not be copied as it is and was encoded again.');
      }
      if (failure !== undefined) throw outputError(failure, outFile);
      const codec = options.input.video?.codec;
      const pictureReencoded = codec !== undefined && !copyPicture;
      if (pictureReencoded && notes.length === 0)
        notes.push(`The picture (${codec}) was encoded again as H.264 to fit into MP4.`);
      if (partial) notes.push('Partial result: the dub was stopped before the end.');
      await appendDisclosure(made, disclosureOf({ ...plan, copyPicture, copySound }));
      await sync(made);
      await rename(made, outFile);
      const { size } = await stat(outFile);
      return { path: outFile, sizeBytes: size, partial, dubbedUs, pictureReencoded, notes };
    } catch (error) {
      if (options.signal.aborted)
        throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: error });
      throw outputError(error, outFile);
    } finally {
      options.signal.removeEventListener('abort', onAbort);
      await close();
    }
  };
  return { tracks: spools, finish, close };
}

/** Runs FFmpeg; returns what it complained of when it failed. */
async function mux(args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const run = await runTool({ tool: 'ffmpeg', args, signal, memoryBytes: 12 * 2 ** 30 });
  return run.code === 0 && !isOutputFailure(run.stderr) ? undefined : run.stderr.trim() || 'FFmpeg stopped.';
}

function isOutputFailure(text: string): boolean {
  return /No space left|quota exceeded|Permission denied|Read-only file system|Input\/output error/iu.test(
    text,
  );
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
