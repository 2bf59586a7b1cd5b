import { OpusEncoder } from '../../pipeline/audio/opus.ts';
import { systemClock } from '../../pipeline/clock.ts';
import type { Mode } from '../../pipeline/demand.ts';
import { DubChannel, type DubRendition } from '../../pipeline/dub-channel.ts';
import type { AudioFrame, ClauseFrame } from '../../pipeline/frames.ts';
import { IngestClock } from '../../pipeline/ingest-clock.ts';
import { deriveMarkKey } from '../../pipeline/mark/mark-key.ts';
import type { Lag, PlacedUtterance, StageTiming } from '../../pipeline/observer.ts';
import type { Aligner } from '../../pipeline/ports/aligner.ts';
import type { ClauseLog } from '../../pipeline/ports/clause-log.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { Recogniser } from '../../pipeline/ports/recogniser.ts';
import type { Vad } from '../../pipeline/ports/vad.ts';

const RATE_HZ = 48_000;
const FRAME_SAMPLES = 960;
/** Sound after the last word, so that it is recognised and spoken. */
const TAIL_SECONDS = 4;

export interface LiveSpeechOptions {
  readonly vad: Vad;
  readonly recogniser: Recogniser;
  readonly aligner: Aligner;
  readonly renditions: readonly Omit<DubRendition, 'outputs'>[];
  readonly language: LanguageCode;
  /** 48 kHz mono; played at its own speed. */
  readonly pcm: Float32Array;
  readonly clauseLog: ClauseLog;
  readonly syncedDelayMs: number;
  readonly mode: Mode;
  readonly signal: AbortSignal;
}

export interface LiveSpeech {
  readonly clauses: readonly (ClauseFrame & { readonly committedMs: number })[];
  readonly utterances: readonly PlacedUtterance[];
  readonly lags: readonly Lag[];
  /** Whole source as media time began at 0, ms since its start on the wall: what `committedMs` is counted on. */
  readonly failures: readonly string[];
  /** CPU of the process while it ran, s, and how long that was. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Wall time of every call of a stage, ms. */
  readonly timings: readonly StageTiming[];
  /** Frames of sound that came out, by language, and the longest time between two of them, ms. */
  readonly outputs: ReadonlyMap<LanguageCode, { frames: number; longestGapMs: number; sounding: number[] }>;
}

/** Runs a live channel on recorded speech, in real time, with real engines: from packets in to sound out, without a network. */
export async function runLiveSpeech(options: LiveSpeechOptions): Promise<LiveSpeech> {
  const { pcm, mode, signal } = options;
  const clauses: (ClauseFrame & { committedMs: number })[] = [];
  const utterances: PlacedUtterance[] = [];
  const lags: Lag[] = [];
  const failures: string[] = [];
  const timings: StageTiming[] = [];
  const outputs = new Map<LanguageCode, { frames: number; longestGapMs: number; sounding: number[] }>();
  const ingest = new IngestClock({ clock: systemClock });
  // Marked as everything is; nobody keeps the key.
  const key = await deriveMarkKey({ master: crypto.getRandomValues(new Uint8Array(32)), issuer: 'bench' });
  const startMs = systemClock.nowMs();
  const channel = new DubChannel({
    vad: options.vad,
    recogniser: options.recogniser,
    aligner: options.aligner,
    language: options.language,
    renditions: options.renditions.map((rendition, i) => {
      const output = { frames: 0, longestGapMs: 0, sounding: [] as number[] };
      outputs.set(rendition.language, output);
      let lastMs: number | undefined;
      const onAudio = (frame: AudioFrame) => {
        const nowMs = systemClock.nowMs();
        output.longestGapMs = Math.max(output.longestGapMs, nowMs - (lastMs ?? nowMs));
        lastMs = nowMs;
        output.frames += 1;
        if (frame.planes[0]!.some((x) => Math.abs(x) > 0.01)) output.sounding.push(frame.mediaTimeUs);
      };
      const mark = { key, rendition: i + 1 };
      return {
        ...rendition,
        outputs: [{ mode, kind: 'voice' as const, mark, channels: 1 as const, onAudio }],
      };
    }),
    pacing: {
      kind: 'live',
      ingest,
      syncedDelayMs: options.syncedDelayMs,
    },
    clock: systemClock,
    priority: 'live',
    clauseLog: options.clauseLog,
    channels: 2,
    observers: [
      {
        clause: (frame) =>
          clauses.push({ ...frame, pcm: new Float32Array(0), committedMs: systemClock.nowMs() - startMs }),
        utterance: (placed) => utterances.push(placed),
        lag: (lag) => lags.push(lag),
        degraded: (stage, error) => failures.push(`${stage}: ${error.message}`),
        stageTiming: (timing) => timings.push(timing),
      },
    ],
    signal,
  });
  const wanted = { voice: true, mix: false };
  const unwanted = { voice: false, mix: false };
  for (const { language } of options.renditions)
    channel.setDemand(language, {
      captions: true,
      interpret: mode === 'interpret' ? wanted : unwanted,
      synced: mode === 'synced' ? wanted : unwanted,
      face: false,
    });
  const cpuBefore = process.cpuUsage();
  const encoder = new OpusEncoder({ channels: 1 });
  const frames = Math.ceil(pcm.length / FRAME_SAMPLES) + TAIL_SECONDS * 50;
  for (let i = 0; i < frames; i += 1) {
    const plane = new Float32Array(FRAME_SAMPLES);
    plane.set(pcm.subarray(i * FRAME_SAMPLES, (i + 1) * FRAME_SAMPLES));
    // A packet leaves when its sound is complete.
    const dueMs = startMs + (i + 1) * 20 - systemClock.nowMs();
    if (dueMs > 1) await new Promise((resolve) => setTimeout(resolve, dueMs));
    signal.throwIfAborted();
    const mediaTimeUs = i * 20_000;
    for (const packet of encoder.encode({
      kind: 'audio',
      mediaTimeUs,
      sampleRateHz: RATE_HZ,
      planes: [plane],
    })) {
      ingest.observe(packet.mediaTimeUs + packet.durationUs, systemClock.nowMs());
      channel.push(packet);
    }
  }
  const used = process.cpuUsage(cpuBefore);
  const wallSeconds = (systemClock.nowMs() - startMs) / 1000;
  await channel.close();
  return {
    clauses,
    utterances,
    lags,
    failures,
    timings,
    outputs,
    cpuSeconds: (used.user + used.system) / 1e6,
    wallSeconds,
  };
}
