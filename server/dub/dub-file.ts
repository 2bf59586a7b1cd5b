import { setMaxListeners } from 'node:events';
import { constants, existsSync } from 'node:fs';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { ClauseLogFile } from '../../db/clause-log-file.ts';
import { type ChannelPlan, type Engines, loadEngines } from '../../models/registry.ts';
import { mediasoupWorkerBin } from '../../pipeline/cache-paths.ts';
import { systemClock } from '../../pipeline/clock.ts';
import { DubChannel, type OutputMark } from '../../pipeline/dub-channel.ts';
import { type ErrorCode, LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import { openIntake } from '../../pipeline/media/intake.ts';
import { type AudioStreamInfo, type MediaInfo, probeMedia } from '../../pipeline/media/probe.ts';
import { openRecording, type PictureFate, type Recording } from '../../pipeline/media/recorder.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { SfuRouter } from '../../sfu/router.ts';
import { SfuWorkerPool } from '../../sfu/worker-pool.ts';
import { languageName } from '../language-name.ts';
import { type Marker, renditionName } from '../marks/marker.ts';
import { writeCaptions } from './caption-files.ts';
import { DubbedFaces } from './dubbed-faces.ts';
import { FileMarks } from './file-marks.ts';
import { pictureMarking } from './picture-marking.ts';
import { ProgressMeter } from './progress-meter.ts';
import { RenditionTrack } from './rendition-track.ts';
import { replay } from './replay.ts';
import { type DubReport, ReportCollector, type ReportFace, type TrackMark } from './report.ts';
import { ResourceMeter } from './resource-meter.ts';
import { identifySpokenLanguage } from './spoken-language.ts';

export interface DubFileOptions {
  /** Path or http(s) address. */
  input: string;
  /** Made if absent; results of an earlier run are replaced at the end. */
  outDir: string;
  to: readonly LanguageCode[];
  from: LanguageCode | 'auto';
  mode: 'synced' | 'interpret';
  bed: 'duck' | 'none';
  /** Gives every dubbed track its mark; stays open. */
  marker: Marker;
  /** Names the dub where marks are noted. Default: when it began. */
  job?: string;
  /**
   * Marks the picture, too, which costs encoding it again. Default false: it is kept as it is, and bears no mark; one that has
   * to be encoded again anyway is always marked.
   */
  markPicture?: boolean;
  /**
   * Makes a file for each language in which faces speak it: for mode synced, and only where the people in the picture allow it.
   * Default false.
   */
  faces?: boolean;
  /** Makes another file for each language that shows how its faces came about. Default false. */
  explainFaces?: boolean;
  /** Audio track of the input, counted from 0. Default: the one marked default. */
  audioTrack?: number;
  /** Voice by language. Default: the best that keeps up. */
  voices?: Readonly<Record<LanguageCode, string>>;
  /** Captions of a dub begin with a notice that AI made it. Default true. */
  notice?: boolean;
  /** Aborting keeps what was dubbed so far, labelled as partial; aborting before the first clause throws. */
  signal: AbortSignal;
  onProgress?: (progress: DubProgress) => void;
}

export interface DubProgress {
  readonly phase: 'prepare' | 'dub' | 'finish';
  readonly mediaTimeUs: number;
  readonly durationUs?: number;
  /** Media time per wall time. */
  readonly speed: number;
  /** How far the last utterance came after its clause, ms. */
  readonly lagMs: number;
}

export interface DubResult {
  readonly outFile: string;
  readonly reportFile: string;
  readonly captions: readonly {
    readonly language: LanguageCode;
    readonly vtt: string;
    readonly srt: string;
  }[];
  readonly sourceLanguage: LanguageCode;
  readonly tracks: readonly {
    readonly language: LanguageCode;
    readonly title: string;
    readonly tier: string;
    readonly mark: TrackMark;
  }[];
  /** Files in which faces speak a dub. */
  readonly faces: readonly {
    readonly language: LanguageCode;
    readonly file: string;
    readonly explainFile?: string;
  }[];
  readonly picture: PictureFate;
  readonly partial: boolean;
  readonly warnings: readonly string[];
  readonly report: DubReport;
}

/** Look-ahead of a replay: room to see what follows an utterance before it is placed, ms. */
const REPLAY_DELAY_MS = 10_000;
/** How often the progress of a picture is told, in media time. */
const PICTURE_PROGRESS_US = 1_000_000;
/** The VAD works off half a second at once: nobody waits for the single window. */
const REPLAY_VAD_WINDOWS = 16;

/**
 * Dubs a file through the live path: replayed as RTP into a router, through the pipeline on a virtual clock, out of the
 * router as dubbed tracks, and recorded. The same file gives the same dub, apart from its mark, which is each dub's own.
 *
 * @throws LivedubError LIVEDUB_E_INPUT_*, LIVEDUB_E_OUTPUT_*, LIVEDUB_E_PAIR_UNSUPPORTED, LIVEDUB_E_LANGUAGE_*, LIVEDUB_E_BAD_REQUEST
 */
export async function dubFile(options: DubFileOptions): Promise<DubResult> {
  const { signal } = options;
  if (options.faces && options.mode !== 'synced')
    throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'Faces speak a dub in mode synced only.', {
      remedy: 'Leave the mode out, or ask for no faces.',
    });
  const meter = new ResourceMeter();
  options.onProgress?.({ phase: 'prepare', mediaTimeUs: 0, speed: 0, lagMs: 0 });
  const closers: (() => unknown)[] = [() => meter.close()];
  try {
    // Loading takes longer than looking at the input, so it goes on beside it.
    const loading = loadEngines({ signal });
    closers.push(() => loading.then((engines) => engines.close(), ignore));
    loading.catch(ignore);
    const media = await probeMedia(options.input, { signal });
    await makeFolder(options.outDir);
    const starting = SfuWorkerPool.start({ count: 1, ...workerBin() });
    closers.push(() => starting.then((pool) => pool.close(), ignore));
    starting.catch(ignore);
    const engines = await loading;
    const from =
      options.from === 'auto'
        ? await identifySpokenLanguage({ media, engines, signal, audioTrack: options.audioTrack })
        : options.from;
    const plan = await engines.plan({
      from,
      to: options.to,
      ...(options.voices ? { voices: options.voices } : {}),
    });
    const router = await (await starting).createRouter({ signal });
    return await run({ options, media, engines, plan, from, router, meter, closers });
  } catch (error) {
    // What has a code of its own (a full disk, say) is told even after Ctrl-C.
    const told = error instanceof LivedubError && !STOPPED.has(error.code);
    if (!signal.aborted || told) throw error;
    throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request before anything was dubbed.', {
      cause: error,
    });
  } finally {
    await closeAll(closers);
  }
}

/** Codes with which parts answer when they are stopped. */
const STOPPED: ReadonlySet<ErrorCode> = new Set(['LIVEDUB_E_ABORTED', 'LIVEDUB_E_CLOSED']);

function ignore(): void {}

/** Last opened, first closed; one that fails keeps none of the others open, nor hides why the job ended. */
async function closeAll(closers: readonly (() => unknown)[]): Promise<void> {
  for (const close of [...closers].reverse()) {
    try {
      await close();
    } catch (error) {
      process.emitWarning(`A part of the dub did not close: ${toLivedubError(error).message}`);
    }
  }
}

interface Run {
  readonly options: DubFileOptions;
  readonly media: MediaInfo;
  readonly engines: Engines;
  readonly plan: ChannelPlan;
  readonly from: LanguageCode;
  readonly router: SfuRouter;
  readonly meter: ResourceMeter;
  readonly closers: (() => unknown)[];
}

async function run({ options, media, engines, plan, from, router, meter, closers }: Run): Promise<DubResult> {
  const { marker } = options;
  const name = basename(media.path, extname(media.path)) || 'dub';
  const files = outputFiles(options.outDir, name);
  const channels = dubbedTrack(media, options.audioTrack)?.channels === 1 ? 1 : 2;
  // Stops the pipeline, on request or when a part of it fails; the recording lives on, to keep what was dubbed.
  const pipeline = new AbortController();
  const signal = AbortSignal.any([options.signal, pipeline.signal, router.closed]);
  setMaxListeners(0, signal);
  const kind = options.bed === 'duck' ? 'mix' : 'voice';
  const fileMarks = new FileMarks({
    ...{ marker, media, mode: options.mode, kind, job: options.job },
    languages: plan.renditions.map(({ language }) => language),
  });
  const pictureProgress = new PictureProgress(options.onProgress);
  const moves = options.faces === true && media.video !== undefined;
  const languages = plan.renditions.map(({ language }) => language);
  const recording = await openRecording({
    outFile: files.video,
    input: media,
    tracks: plan.renditions.map(({ language }) => ({ language, title: languageName(language) })),
    originalTitle: `${languageName(from)} (original)`,
    originalLanguage: from,
    ...(options.audioTrack === undefined ? {} : { audioTrack: options.audioTrack }),
    pictureMarking: pictureMarking({
      always: options.markPicture ?? false,
      issue: () => fileMarks.issuePicture(),
      onEnd: ({ rendition }, endUs) => marker.end([rendition], endUs),
      signal: new AbortController().signal,
    }),
    onPicture: (endUs) => {
      if (!moves) pictureProgress.update(endUs);
    },
    signal: new AbortController().signal,
  });
  closers.push(() => recording.close());
  const clauseLog = await ClauseLogFile.start(files.clauseLog);
  closers.push(() => clauseLog.remove());

  const collector = new ReportCollector(plan.renditions.map(({ language }) => language));
  const intake = openIntake({
    path: options.input,
    media,
    signal,
    ...(options.audioTrack === undefined ? {} : { audioTrack: options.audioTrack }),
  });
  closers.push(() => intake.close());
  const tracks = await openTracks({ plan, router, recording, channels, signal, closers });
  const marks = await fileMarks.issueTracks();
  for (const [i, { rendition }] of marks.entries())
    closers.push(() => marker.end([rendition], tracks[i]!.endUs));
  const faces = moves
    ? await DubbedFaces.open(
        {
          ...{ media, recording, languages, marker, name, outDir: options.outDir },
          marks: await fileMarks.issueFaces(),
          explain: options.explainFaces ?? false,
          onProgress: (endUs) => pictureProgress.update(endUs),
        },
        signal,
      )
    : undefined;
  closers.push(() => faces?.close());
  const progress = new ProgressMeter({
    durationUs: media.durationUs,
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  const channel = new DubChannel({
    vad: engines.vad,
    recogniser: plan.recogniser,
    aligner: engines.aligner,
    language: from,
    renditions: plan.renditions.map((rendition, i) => ({
      ...rendition,
      outputs: [
        {
          mode: options.mode,
          kind,
          mark: marks[i]!,
          onAudio: async (frame) => {
            await faces?.room(frame.mediaTimeUs);
            await tracks[i]!.send(frame);
          },
          onEnd: () => tracks[i]!.end(),
        },
      ],
      ...(faces ? { onSpeech: faces.onSpeech(rendition.language) } : {}),
    })),
    pacing: { kind: 'replay', delayMs: REPLAY_DELAY_MS },
    vadWindowsPerCall: REPLAY_VAD_WINDOWS,
    clock: systemClock,
    priority: 'upload',
    clauseLog,
    observers: [collector, progress, ...(faces ? [faces.observer] : [])],
    signal,
    channels,
  });
  closers.push(() => channel.close());

  let failure: unknown;
  try {
    await replay({ frames: intake, router, channel, channels, signal });
    channel.end();
    await channel.done;
  } catch (error) {
    failure = error;
    pipeline.abort(error);
    await channel.close();
  }
  const partial = failure !== undefined;
  // On request, what was dubbed is kept; after a failure nothing is passed off as a result.
  if (partial && (!options.signal.aborted || collector.clauses.length === 0)) throw failure;
  if (collector.clauses.length === 0) throw noClauses(collector, media);

  pictureProgress.begin(progress.last);
  const intakeResult = partial ? undefined : await intake.result;
  const faced = await faces?.end({
    stop: options.signal,
    ...(partial ? { stoppedAtUs: Math.max(0, ...tracks.map(({ endUs }) => endUs)) } : {}),
  });
  const recorded = await recording.finish({
    ...(partial ? { partial } : { stop: options.signal }),
    companions: faced?.companions ?? [],
  });
  const mediaSeconds = (recorded.partial ? recorded.dubbedUs : intakeResult!.endUs) / 1e6;
  const { picture } = recorded;
  const figures = meter.read();
  const report = collector.finish({
    sourceLanguage: from,
    marks: marks.map(trackMark),
    faces: faced?.report(trackMark) ?? [],
    picture,
    partial: recorded.partial || (faced?.isCut ?? false) || (intakeResult?.truncated ?? false),
    warnings: [
      ...(intakeResult?.warnings ?? []),
      ...recorded.notes,
      ...(faced?.notes ?? []),
      ...(options.faces && !moves ? ['There is no picture, so no faces were moved.'] : []),
    ],
    mediaSeconds,
    ...figures,
    engineCpuSeconds: engineCpu(engines.cpuSecondsByEngine(), figures.childCpuSeconds),
  });
  const captions = await writeCaptions({
    ...{ folder: options.outDir, name, report },
    ...(options.notice === undefined ? {} : { notice: options.notice }),
  });
  await writeFile(`${files.report}.part`, `${JSON.stringify(report, null, 2)}\n`);
  await rename(`${files.report}.part`, files.report);
  return {
    outFile: files.video,
    reportFile: files.report,
    captions,
    sourceLanguage: from,
    tracks: plan.renditions.map(({ language, tier }, i) => ({
      language,
      title: `${languageName(language)} (AI dub)`,
      tier,
      mark: trackMark(marks[i]!),
    })),
    faces: report.languages.flatMap(({ language, face }) =>
      face ? [{ language, ...filesOf(face, options.outDir) }] : [],
    ),
    picture,
    partial: report.partial,
    warnings: report.warnings,
    report,
  };
}

/** Tells once the sound is done how far the marking of the picture is. */
class PictureProgress {
  readonly #tell: DubFileOptions['onProgress'];
  #last: DubProgress | undefined;

  constructor(tell: DubFileOptions['onProgress']) {
    this.#tell = tell;
  }

  begin(last: Omit<DubProgress, 'phase'>): void {
    this.#last = { ...last, phase: 'finish' };
    this.#tell?.(this.#last);
  }

  update(mediaTimeUs: number): void {
    if (this.#last === undefined || Math.abs(mediaTimeUs - this.#last.mediaTimeUs) < PICTURE_PROGRESS_US)
      return;
    this.#last = { ...this.#last, mediaTimeUs };
    this.#tell?.(this.#last);
  }
}

function filesOf({ file, explainFile }: ReportFace, outDir: string): { file: string; explainFile?: string } {
  return {
    file: join(outDir, file),
    ...(explainFile === undefined ? {} : { explainFile: join(outDir, explainFile) }),
  };
}

function trackMark({ key, rendition }: OutputMark): TrackMark {
  return { rendition: renditionName(rendition), keyId: key.keyId, issuer: key.issuer };
}

interface TracksOptions {
  readonly plan: ChannelPlan;
  readonly router: SfuRouter;
  readonly recording: Recording;
  readonly channels: 1 | 2;
  readonly signal: AbortSignal;
  readonly closers: (() => unknown)[];
}

async function openTracks({ plan, recording, closers, ...common }: TracksOptions): Promise<RenditionTrack[]> {
  const tracks: RenditionTrack[] = [];
  for (const [i, { language }] of plan.renditions.entries()) {
    const writer = recording.tracks[i]!;
    const track = await RenditionTrack.create({
      ...common,
      language,
      record: (frame) => writer.write(frame),
    });
    closers.push(() => track.close());
    tracks.push(track);
  }
  return tracks;
}

/** The audio track that is dubbed. */
function dubbedTrack(media: MediaInfo, chosen: number | undefined): AudioStreamInfo | undefined {
  return media.audio[
    chosen ??
      Math.max(
        0,
        media.audio.findIndex((track) => track.isDefault),
      )
  ];
}

function noClauses(collector: ReportCollector, media: MediaInfo): LivedubError {
  const foreign = collector.leftOriginal.some((span) => span.reason === 'language');
  return foreign
    ? new LivedubError(
        'LIVEDUB_E_LANGUAGE_NOT_RECOGNISED',
        `The speech in ${basename(media.path)} is not in the language that was named.`,
      )
    : new LivedubError('LIVEDUB_E_INPUT_NO_SPEECH', `${basename(media.path)} has no speech to dub.`);
}

function outputFiles(outDir: string, name: string) {
  return {
    video: join(outDir, `${name}.dubbed.mp4`),
    report: join(outDir, `${name}.report.json`),
    clauseLog: join(outDir, `${name}.clauses.jsonl`),
  };
}

/** Makes the folder and those above it, one by one: a single recursive call never returns for some virtual file systems. */
async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at);
  try {
    for (const folder of missing) await mkdir(folder);
    await access(path, constants.W_OK);
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_OUTPUT_NOT_WRITABLE', `Nothing can be written to ${path}.`, { cause });
  }
}

/** Programs of translation engines that run beside this process (Apertium's stages). */
const TRANSLATION_PROGRAM = /^(?:lt-proc|lrx-proc|cg-proc|hfst-proc|rtx-proc|lsx-proc|apertium.*)$/;

/** Engines in this process book their compute; what an engine's own processes took is read from the system. */
function engineCpu(
  booked: Readonly<Record<string, number>>,
  children: Readonly<Record<string, number>>,
): Record<string, number> {
  const apertium = Object.entries(children).reduce(
    (sum, [program, s]) => sum + (TRANSLATION_PROGRAM.test(program) ? s : 0),
    0,
  );
  const { apertium: _wall, ...rest } = booked;
  return apertium > 0 ? { ...rest, apertium } : rest;
}

function workerBin(): { workerBin?: string } {
  const path = mediasoupWorkerBin();
  return path === undefined ? {} : { workerBin: path };
}
