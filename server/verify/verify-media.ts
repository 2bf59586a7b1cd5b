import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import type { MarkCandidate, MarkDetection } from '../../pipeline/mark/finding.ts';
import type { MarkKey } from '../../pipeline/mark/mark-key.ts';
import { type MediaInfo, unreadable } from '../../pipeline/media/probe.ts';
import type { IssuedMark, MarkRegistry } from '../../pipeline/ports/mark-registry.ts';
import { type ClipStream, clipPicture, clipSound, probeClip } from './clip-media.ts';
import type { VerifyReport } from './contract.ts';
import { DetectThread } from './detect-thread-client.ts';
import { composeReport, type ExaminedTrack } from './report.ts';

export interface VerifyLimits {
  /** Wall time for everything, s; what was read until shortly before counts. Default 600. */
  readonly wallSeconds?: number;
  /** Of every sound track, s. Default 4 h. */
  readonly soundSeconds?: number;
  /** Of the picture, s. Default 60. */
  readonly pictureSeconds?: number;
  /** Sound tracks that are examined. Default 8. */
  readonly tracks?: number;
  /** Heap of the detecting thread, MiB. Default 512. */
  readonly memoryMiB?: number;
}

export interface VerifyProgress {
  readonly medium: 'sound' | 'picture';
  /** Sound track, counted from 0. */
  readonly track: number;
  readonly examinedS: number;
  /** Absent where the clip does not say how long it is. */
  readonly totalS?: number;
}

export interface VerifyMediaOptions {
  /** Path of a file, or an http(s) address: only for whoever may make this machine fetch it. */
  readonly input: string;
  /** Keys to look for, newest first. */
  readonly keys: readonly MarkKey[];
  readonly registry: Pick<MarkRegistry, 'find' | 'list'>;
  readonly signal: AbortSignal;
  readonly limits?: VerifyLimits;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** Of the wall time, what reading may take; the rest is for the detector's last word. */
const READING_SHARE = 0.6;
/** A rendition whose end was never told (its process died) may have gone on for this long, minutes. */
const LONGEST_UNENDED_MINUTES = 7 * 24 * 60;

/**
 * Looks for marks in every sound track and in the picture of a clip, and names what they were issued for. Untrusted media is
 * decoded in processes of its own and examined in a thread of its own, all with limits.
 *
 * @returns the operator's report; `publicReport` makes the one for everybody
 * @throws LivedubError LIVEDUB_E_INPUT_*, LIVEDUB_E_VERIFY_LIMIT, LIVEDUB_E_ABORTED
 */
export async function verifyMedia(options: VerifyMediaOptions): Promise<VerifyReport> {
  const wallMs = (options.limits?.wallSeconds ?? 600) * 1000;
  const late = AbortSignal.timeout(wallMs);
  const signal = AbortSignal.any([options.signal, late]);
  try {
    return await examine(options, signal, performance.now() + READING_SHARE * wallMs);
  } catch (error) {
    if (options.signal.aborted) {
      throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: error });
    }
    if (late.aborted) {
      throw new LivedubError('LIVEDUB_E_VERIFY_LIMIT', 'Examining the clip took too long.', { cause: error });
    }
    throw toLivedubError(error);
  }
}

async function examine(
  options: VerifyMediaOptions,
  signal: AbortSignal,
  readUntilMs: number,
): Promise<VerifyReport> {
  const { keys, registry, limits = {}, onProgress } = options;
  const media = await probeOrNothing(options.input, signal);
  if (media === undefined) {
    return composeReport({ media, sound: [], picture: undefined, keys, isPart: false });
  }
  const sounds = media.audio.slice(0, limits.tracks ?? 8);
  const hasPicture = media.video !== undefined && media.video.widthPx > 0 && media.video.heightPx > 0;
  const candidates = await candidatesOf(keys, registry, Date.now());
  const memory = limits.memoryMiB === undefined ? {} : { memoryMiB: limits.memoryMiB };
  const thread = new DetectThread({ keys, candidates, signal, ...memory });
  let isPart = false;
  let mediaLeft = sounds.length + (hasPicture ? 1 : 0);

  /** Reads a track until its end, its limit on length, or its share of the time that is left. */
  async function examineTrack<T>(
    stream: ClipStream<T>,
    plan: {
      detect: (units: AsyncIterable<T>) => Promise<MarkDetection>;
      maxSeconds: number;
      tell: Pick<VerifyProgress, 'medium' | 'track'>;
    },
  ): Promise<ExaminedTrack> {
    const totalS = media!.durationUs / 1e6;
    const total = totalS > 0 ? { totalS: Math.min(totalS, plan.maxSeconds) } : {};
    const untilMs = performance.now() + Math.max(0, readUntilMs - performance.now()) / mediaLeft;
    async function* units(): AsyncGenerator<T> {
      for await (const unit of stream) {
        yield unit;
        onProgress?.({ ...plan.tell, examinedS: stream.seconds, ...total });
        if (performance.now() < untilMs) continue;
        isPart = true;
        stream.stop();
      }
    }
    const detection = await plan.detect(units());
    if (stream.seconds > plan.maxSeconds - 1 && totalS > plan.maxSeconds) isPart = true;
    mediaLeft -= 1;
    return {
      examinedS: stream.seconds,
      usableS: stream.usableSeconds,
      isWhole: stream.isWhole,
      detection,
      issued: await namesOf(detection, registry),
    };
  }

  try {
    const sound: ExaminedTrack[] = [];
    for (const track of sounds.keys()) {
      const maxSeconds = limits.soundSeconds ?? 4 * 3600;
      sound.push(
        await examineTrack(clipSound({ media, track, signal, maxSeconds }), {
          detect: (chunks) => thread.sound(chunks),
          maxSeconds,
          tell: { medium: 'sound', track },
        }),
      );
    }
    let picture: ExaminedTrack | undefined;
    if (hasPicture) {
      const maxSeconds = limits.pictureSeconds ?? 60;
      picture = await examineTrack(clipPicture({ media, signal, maxSeconds }), {
        detect: (frames) => thread.picture(frames),
        maxSeconds,
        tell: { medium: 'picture', track: 0 },
      });
    }
    const tracks = picture ? [...sound, picture] : sound;
    if (tracks.every(({ examinedS, isWhole }) => examinedS === 0 && !isWhole)) {
      throw unreadable(options.input, 'nothing in it can be decoded');
    }
    return composeReport({ media, sound, picture, keys, isPart });
  } finally {
    await thread.close();
  }
}

/** Undefined for a file that is media without sound and moving picture: a photograph, say. */
async function probeOrNothing(input: string, signal: AbortSignal): Promise<MediaInfo | undefined> {
  try {
    return await probeClip(input, signal);
  } catch (error) {
    if (error instanceof LivedubError && error.code === 'LIVEDUB_E_INPUT_NO_AUDIO') return undefined;
    throw error;
  }
}

/** Everything that was issued with these keys, newest first. */
async function candidatesOf(
  keys: readonly MarkKey[],
  registry: Pick<MarkRegistry, 'list'>,
  nowMs: number,
): Promise<MarkCandidate[]> {
  const issued = (await Promise.all(keys.map(({ keyId }) => registry.list(keyId)))).flat();
  return issued
    .sort((one, other) => other.issuedAt.localeCompare(one.issuedAt))
    .map(({ keyId, rendition, minutes, startedAt }) => {
      const elapsed = Math.ceil((nowMs - Date.parse(startedAt)) / 60_000) + 1;
      const most = Math.min(LONGEST_UNENDED_MINUTES, Math.max(1, elapsed || 1));
      return { keyId, rendition, minutes: Math.max(1, Math.ceil(minutes ?? most)) };
    });
}

function namesOf(
  { findings }: MarkDetection,
  registry: Pick<MarkRegistry, 'find'>,
): Promise<(IssuedMark | undefined)[]> {
  return Promise.all(findings.map(({ payload }) => registry.find(payload.keyId, payload.rendition)));
}
