import type { Engines } from '../../models/registry.ts';
import { downmix, Resampler } from '../../pipeline/audio/resample.ts';
import { SpeechLeveller } from '../../pipeline/audio/speech-level.ts';
import { systemClock } from '../../pipeline/clock.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { SegmentFrame, WatermarkFrame } from '../../pipeline/frames.ts';
import { openIntake } from '../../pipeline/media/intake.ts';
import type { MediaInfo } from '../../pipeline/media/probe.ts';
import { combineObservers } from '../../pipeline/observer.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import { SegmentStage } from '../../pipeline/stages/segment.ts';

export interface SpokenLanguageOptions {
  media: MediaInfo;
  engines: Engines;
  signal: AbortSignal;
  audioTrack?: number | undefined;
}

/** Speech that is listened to: three segments long enough to tell a language by. */
const SEGMENTS = 3;
const MIN_SEGMENT_SECONDS = 1.5;
/** How far into the input speech is looked for: titles and music may come first. */
const SEARCH_SECONDS = 300;
const RATE_HZ = 16_000;

/**
 * Finds out which language is spoken, from the first speech of the input.
 *
 * @throws LIVEDUB_E_INPUT_NO_SPEECH, LIVEDUB_E_LANGUAGE_NOT_RECOGNISED
 */
export async function identifySpokenLanguage(options: SpokenLanguageOptions): Promise<LanguageCode> {
  const segments = await firstSegments(options);
  if (segments.length === 0)
    throw new LivedubError('LIVEDUB_E_INPUT_NO_SPEECH', `No speech was found in ${options.media.path}.`);
  const language = await options.engines.identifyLanguage(segments, options.signal);
  if (language === undefined) {
    throw new LivedubError(
      'LIVEDUB_E_LANGUAGE_NOT_RECOGNISED',
      'The speech seems to be in a language that no installed engine recognises.',
      {
        remedy:
          'Name the language if it was taken for another, e.g. `--from en`; else see `livedub models list`, then `livedub models pull`.',
      },
    );
  }
  return language;
}

async function firstSegments({
  media,
  engines,
  signal,
  audioTrack,
}: SpokenLanguageOptions): Promise<Float32Array[]> {
  const intake = openIntake({
    path: media.path,
    media,
    signal,
    maxSeconds: SEARCH_SECONDS,
    ...(audioTrack === undefined ? {} : { audioTrack }),
  });
  const resampler = new Resampler({ fromHz: 48_000, toHz: RATE_HZ });
  // Heard as the channel will hear it.
  const leveller = new SpeechLeveller({ sampleRateHz: RATE_HZ });
  const stage = new SegmentStage({ vad: engines.vad });
  const long: Float32Array[] = [];
  const short: Float32Array[] = [];
  const context = {
    signal,
    clock: systemClock,
    observer: combineObservers([]),
    emit: async (frame: SegmentFrame | WatermarkFrame) => {
      if (frame.kind !== 'segment' || !frame.final) return;
      (frame.pcm.length >= MIN_SEGMENT_SECONDS * RATE_HZ ? long : short).push(frame.pcm);
    },
  };
  try {
    for await (const frame of intake) {
      const plane = leveller.process(resampler.process(downmix(frame.planes)));
      await stage.process({ ...frame, sampleRateHz: RATE_HZ, planes: [plane] }, context);
      if (long.length >= SEGMENTS) break;
    }
    await stage.flush(context);
  } finally {
    intake.close();
    stage.close();
  }
  return [...long, ...short].slice(0, SEGMENTS);
}
