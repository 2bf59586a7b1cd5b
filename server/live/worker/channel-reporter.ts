import type { DubChannel } from '../../../pipeline/dub-channel.ts';
import { toLivedubError } from '../../../pipeline/errors.ts';
import type { ClauseFrame, HypothesisFrame, TranslationFrame } from '../../../pipeline/frames.ts';
import { INTERPRET_DELAY_MS } from '../../../pipeline/live-tuning.ts';
import type { PipelineObserver, PlacedUtterance, SkippedSpeech } from '../../../pipeline/observer.ts';
import { problemOf } from '../../problem.ts';
import type { Mode } from '../contract.ts';
import type { FromLiveWorker } from '../worker-messages.ts';

export interface ChannelReporterOptions {
  channelId: string;
  send: (message: FromLiveWorker) => void;
}

const PULSE_MS = 1000;
/** The same complaint of one stage is told at most so often, ms. */
const COMPLAIN_EVERY_MS = 5000;

/** Tells the server what a channel hears, says and fails at. */
export class ChannelReporter implements PipelineObserver {
  readonly #options: ChannelReporterOptions;
  readonly #complained = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #newestUs = 0;
  #squares = 0;
  #samples = 0;

  constructor(options: ChannelReporterOptions) {
    this.#options = options;
  }

  /** Sends a pulse once a second until it is closed. */
  watch(channel: DubChannel): void {
    const { channelId, send } = this.#options;
    let before = process.cpuUsage();
    let beforeMs = performance.now();
    this.#timer = setInterval(() => {
      const used = process.cpuUsage(before);
      const elapsedMs = performance.now() - beforeMs;
      before = process.cpuUsage();
      beforeMs = performance.now();
      send({
        kind: 'pulse',
        channelId,
        mediaTimeUs: this.#newestUs,
        levelDbfs: this.#takeLevel(),
        shedFrames: channel.shedFrames,
        cpu: (used.user + used.system) / 1000 / elapsedMs,
      });
    }, PULSE_MS);
  }

  /** A packet of the source came. */
  heard(mediaTimeUs: number): void {
    this.#newestUs = mediaTimeUs;
  }

  sound(plane: Float32Array): void {
    for (const sample of plane) this.#squares += sample * sample;
    this.#samples += plane.length;
  }

  hypothesis(frame: HypothesisFrame): void {
    const text = (from: number, to?: number) =>
      frame.words
        .slice(from, to)
        .map((word) => word.text)
        .join(' ');
    this.#text({
      kind: 'hypothesis',
      segmentId: frame.segmentId,
      revision: frame.revision,
      stable: text(0, frame.stablePrefix),
      unstable: text(frame.stablePrefix),
      startUs: frame.words[0]?.startUs ?? frame.mediaTimeUs,
      endUs: frame.words.at(-1)?.endUs ?? frame.mediaTimeUs,
    });
  }

  clause(frame: ClauseFrame): void {
    const { id, text, startUs, endUs, confidence } = frame;
    this.#text({ kind: 'clause', clauseId: id, text, startUs, endUs, confidence });
  }

  translation(frame: TranslationFrame): void {
    const { clause, language, text } = frame;
    const { id, startUs, endUs } = clause;
    this.#text({ kind: 'translation', clauseId: id, language, text, startUs, endUs });
  }

  utterance(placed: PlacedUtterance): void {
    const { clauseId, language, mode, outcome, startUs, endUs, rate } = placed;
    // What is interpreted is heard a little later than it is placed.
    const heardMs = startUs / 1000 + (mode === 'interpret' ? INTERPRET_DELAY_MS : 0);
    const afterClauseMs = heardMs - placed.clauseEndUs / 1000;
    this.#text({
      kind: 'utterance',
      clauseId,
      language,
      mode,
      outcome,
      startUs,
      endUs,
      rate,
      afterClauseMs,
    });
  }

  lag({ language, mode, lagMs }: { language: string; mode: Mode; lagMs: number }): void {
    this.#options.send({ kind: 'lag', channelId: this.#options.channelId, language, mode, lagMs });
  }

  skippedSpeech({ reason, startUs, endUs }: SkippedSpeech): void {
    const { channelId, send } = this.#options;
    send({ kind: 'left-original', channelId, reason, startUs, endUs });
  }

  degraded(stage: string, thrown: Error): void {
    const error = problemOf(toLivedubError(thrown));
    const key = `${stage} ${error.code}`;
    const nowMs = performance.now();
    if (nowMs - (this.#complained.get(key) ?? Number.NEGATIVE_INFINITY) < COMPLAIN_EVERY_MS) return;
    this.#complained.set(key, nowMs);
    this.#options.send({ kind: 'degraded', channelId: this.#options.channelId, stage, error });
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  #text(event: Extract<FromLiveWorker, { kind: 'text' }>['event']): void {
    this.#options.send({ kind: 'text', channelId: this.#options.channelId, event });
  }

  #takeLevel(): number {
    const meanSquare = this.#samples === 0 ? 0 : this.#squares / this.#samples;
    this.#squares = 0;
    this.#samples = 0;
    return Math.max(-120, 10 * Math.log10(meanSquare + 1e-12));
  }
}
