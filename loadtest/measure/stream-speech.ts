import { SpeechLeveller } from '../../pipeline/audio/speech-level.ts';
import { BoundedChannel } from '../../pipeline/bounded-channel.ts';
import { systemClock } from '../../pipeline/clock.ts';
import type {
  AudioFrame,
  ClauseFrame,
  HypothesisFrame,
  SegmentFrame,
  WatermarkFrame,
} from '../../pipeline/frames.ts';
import { combineObservers } from '../../pipeline/observer.ts';
import type { Aligner } from '../../pipeline/ports/aligner.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { RecogniseRequest, Recogniser } from '../../pipeline/ports/recogniser.ts';
import type { Vad } from '../../pipeline/ports/vad.ts';
import { runStage } from '../../pipeline/stage.ts';
import { RecogniseStage } from '../../pipeline/stages/recognise.ts';
import { SegmentStage } from '../../pipeline/stages/segment.ts';
import { Distribution, type Percentiles } from '../../server/dub/distribution.ts';

export const SPEECH_RATE_HZ = 16_000;
/** Silence after each recording: longer than what closes a segment, so that none runs into the next. */
const GAP_SECONDS = 1.2;
const FRAME_SAMPLES = SPEECH_RATE_HZ / 50;

export interface StreamSpeechOptions {
  readonly recogniser: Recogniser;
  readonly vad: Vad;
  readonly aligner: Aligner;
  readonly language: LanguageCode;
  /** 16 kHz mono; streamed one after the other, as one channel. */
  readonly recordings: readonly Float32Array[];
  readonly signal: AbortSignal;
}

export interface StreamedSpeech {
  /** For each recording, its committed clauses joined. */
  readonly texts: readonly string[];
  /** Media time from the onset of a segment to its first partial transcript. */
  readonly firstPartialMs: Percentiles | null;
  readonly commitLatencyMs: Percentiles | null;
  /** Wall time of one call of the engine. */
  readonly windowMs: Percentiles | null;
}

type Heard = HypothesisFrame | ClauseFrame | WatermarkFrame;

/** Recognition as a channel does it: VAD, growing windows, LocalAgreement, clauses; only what is committed counts. */
export async function streamSpeech(options: StreamSpeechOptions): Promise<StreamedSpeech> {
  const { recordings, language, signal, vad, aligner } = options;
  const windows = new Distribution();
  const recogniser = timed(options.recogniser, (ms) => windows.add(ms));
  const sound = new BoundedChannel<AudioFrame>({ name: 'segment', capacity: 25, policy: 'block' });
  const segments = new BoundedChannel<SegmentFrame | WatermarkFrame>({
    name: 'recognise',
    capacity: 64,
    policy: 'block',
  });
  const heard = new BoundedChannel<Heard>({ name: 'heard', capacity: 64, policy: 'block' });
  const shared = { signal, clock: systemClock, observer: combineObservers([]) };
  const segmenter = { partialEveryMs: recogniser.capabilities.partialEveryMs };
  const recognise = new RecogniseStage({ recogniser, aligner, language, priority: 'upload' });
  const startsUs: number[] = [];
  const [, , , result] = await Promise.all([
    play(recordings, sound, startsUs, signal),
    runStage({ ...shared, stage: new SegmentStage({ vad, segmenter }), input: sound, outputs: [segments] }),
    runStage({ ...shared, stage: recognise, input: segments, outputs: [heard] }),
    collect(heard, signal),
  ]);
  const texts = recordings.map((_, i) =>
    result.clauses
      .filter((clause) => indexAt(startsUs, (clause.startUs + clause.endUs) / 2) === i)
      .map(({ text }) => text)
      .join(' '),
  );
  return {
    texts,
    firstPartialMs: result.firstPartials.percentiles(),
    commitLatencyMs: result.commits.percentiles(),
    windowMs: windows.percentiles(),
  };
}

async function play(
  recordings: readonly Float32Array[],
  output: BoundedChannel<AudioFrame>,
  startsUs: number[],
  signal: AbortSignal,
): Promise<void> {
  // As the channel's first stage does it.
  const leveller = new SpeechLeveller({ sampleRateHz: SPEECH_RATE_HZ });
  let frames = 0;
  let sent = 0;
  for (const recording of recordings) {
    startsUs.push(frames * 20_000);
    const total = Math.ceil((recording.length + GAP_SECONDS * SPEECH_RATE_HZ) / FRAME_SAMPLES);
    for (let i = 0; i < total; i += 1) {
      const piece = new Float32Array(FRAME_SAMPLES);
      piece.set(recording.subarray(i * FRAME_SAMPLES, (i + 1) * FRAME_SAMPLES));
      const plane = leveller.process(piece);
      const mediaTimeUs = Math.round((sent * 1e6) / SPEECH_RATE_HZ);
      await output.push(
        { kind: 'audio', mediaTimeUs, sampleRateHz: SPEECH_RATE_HZ, planes: [plane] },
        signal,
      );
      sent += plane.length;
      frames += 1;
    }
  }
  output.close();
}

async function collect(heard: BoundedChannel<Heard>, signal: AbortSignal) {
  const clauses: { text: string; startUs: number; endUs: number }[] = [];
  const firstPartials = new Distribution();
  const commits = new Distribution();
  let segmentId = -1;
  for (;;) {
    const frame = await heard.shift(signal);
    if (frame === undefined) return { clauses, firstPartials, commits };
    if (frame.kind === 'clause') {
      clauses.push({ text: frame.text, startUs: frame.startUs, endUs: frame.endUs });
      commits.add((frame.mediaTimeUs - frame.endUs) / 1000);
    } else if (frame.kind === 'hypothesis' && frame.segmentId !== segmentId) {
      segmentId = frame.segmentId;
      firstPartials.add((frame.mediaTimeUs - frame.speechStartUs) / 1000);
    }
  }
}

/** The recording that plays at some media time. */
function indexAt(startsUs: readonly number[], timeUs: number): number {
  return startsUs.findLastIndex((startUs) => startUs <= timeUs);
}

/** The same recogniser, with the wall time of every call told. */
function timed(recogniser: Recogniser, onCall: (ms: number) => void): Recogniser {
  return {
    info: recogniser.info,
    capabilities: recogniser.capabilities,
    recognise: async (request: RecogniseRequest) => {
      const before = performance.now();
      const recognition = await recogniser.recognise(request);
      onCall(performance.now() - before);
      return recognition;
    },
    close: () => recogniser.close(),
  };
}
