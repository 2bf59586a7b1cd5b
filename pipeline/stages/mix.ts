import { CODEC_HEADROOM_DB, Limiter } from '../audio/limiter.ts';
import { LoudnessMeter } from '../audio/loudness.ts';
import type { AudioRing } from '../audio/ring.ts';
import { trimPauses } from '../audio/silence.ts';
import { stretch } from '../audio/stretch.ts';
import type { PlayoutClock } from '../clock.ts';
import type { AudioFrame, UtteranceFrame, WatermarkFrame } from '../frames.ts';
import type { UtteranceOutcome } from '../observer.ts';
import type { ClauseLog } from '../ports/clause-log.ts';
import type { LanguageCode } from '../ports/engine.ts';
import type { Stage, StageContext } from '../stage.ts';
import { Ducker, type DuckerOptions } from '../timeline/duck.ts';
import { Fitter, type FitterOptions } from '../timeline/fit.ts';
import { BedLeveller, MasterTrim } from '../timeline/level.ts';

export interface MixStageOptions {
  language: LanguageCode;
  mode: 'synced' | 'interpret';
  /** `duck`: the original under the dub; `none`: the dub alone. */
  bed: 'duck' | 'none';
  /** Original sound by media time, 48 kHz; written before the watermark that covers it. */
  ring: AudioRing;
  /** How far playout runs behind, ms: room to look ahead. */
  delayMs: number;
  clock: PlayoutClock;
  clauseLog: ClauseLog;
  /** Told after everything before this media time was worked off. */
  onWatermark?: (mediaTimeUs: number) => void;
  /** Default: 2. */
  channels?: 1 | 2;
  /** Default: −16. */
  targetLufs?: number;
  fit?: FitterOptions;
  duck?: DuckerOptions;
}

const RATE_HZ = 48_000;
const FRAME_SAMPLES = 960;
const FRAME_US = 20_000;
/** Any clause that starts this far before "now" was committed by now: longest clause plus the pause that closes it, µs. */
const COMMIT_HORIZON_US = 7_500_000;
const UNKNOWN_PAUSE_US = 300_000;

interface Placed {
  readonly startSample: number;
  readonly pcm: Float32Array;
}

/**
 * Fits utterances onto the timeline and mixes them with the bed, 20 ms at a time, at one loudness.
 *
 * Playout runs `delayMs` behind "now", so every utterance is placed as late as possible, when what follows it is known.
 * The clause log is written before a sample of the utterance goes out.
 */
export class MixStage implements Stage<UtteranceFrame | WatermarkFrame, AudioFrame> {
  readonly name: string;
  readonly #o: MixStageOptions;
  readonly #channels: 1 | 2;
  readonly #fitter: Fitter;
  readonly #ducker: Ducker;
  readonly #limiter: Limiter;
  readonly #bed: BedLeveller;
  readonly #master: MasterTrim;
  #pending: UtteranceFrame[] = [];
  #playing: Placed[] = [];
  /** Next sample to mix, counted from the origin; undefined until the first sound. */
  #head = 0;
  #originUs: number | undefined;
  #nowUs = Number.NEGATIVE_INFINITY;

  constructor(options: MixStageOptions) {
    this.#o = options;
    this.name = `mix:${options.language}`;
    this.#channels = options.channels ?? 2;
    this.#fitter = new Fitter(options.fit);
    this.#ducker = new Ducker(options.duck);
    this.#limiter = new Limiter({ channels: this.#channels, ceilingDbtp: -1 - CODEC_HEADROOM_DB });
    this.#toDrop = this.#limiter.delaySamples;
    const targetLufs = options.targetLufs ?? -16;
    this.#bed = new BedLeveller({
      targetLufs,
      channels: this.#channels,
      meter: new LoudnessMeter({ sampleRateHz: RATE_HZ, channels: this.#channels }),
    });
    this.#master = new MasterTrim({
      targetLufs,
      channels: this.#channels,
      meter: new LoudnessMeter({ sampleRateHz: RATE_HZ, channels: this.#channels }),
    });
  }

  async process(frame: UtteranceFrame | WatermarkFrame, ctx: StageContext<AudioFrame>): Promise<void> {
    if (frame.kind === 'utterance') {
      this.#pending.push(frame);
      this.#ducker.add(frame.clauseStartUs, frame.clauseEndUs);
      return;
    }
    this.#nowUs = this.#o.clock.nowUs(frame.mediaTimeUs);
    await this.#mixUntil(this.#nowUs - this.#o.delayMs * 1000, ctx);
    this.#o.onWatermark?.(frame.mediaTimeUs);
    ctx.observer.progress(this.#o.language, frame.mediaTimeUs);
  }

  async flush(ctx: StageContext<AudioFrame>): Promise<void> {
    this.#nowUs = Number.POSITIVE_INFINITY;
    if (!this.#o.ring.started) return;
    await this.#mixUntil(this.#o.ring.endUs, ctx);
    // What is still being said may run past the end of the source.
    while (this.#pending.length > 0 || this.#playing.length > 0)
      await this.#mixUntil(this.#headUs + FRAME_US, ctx);
    await this.#send(this.#limiter.flush(), ctx, true);
  }

  close(): void {
    this.#pending = [];
    this.#playing = [];
  }

  get #headUs(): number {
    return this.#originUs! + Math.round((this.#head * 1_000_000) / RATE_HZ);
  }

  async #mixUntil(untilUs: number, ctx: StageContext<AudioFrame>): Promise<void> {
    if (!this.#o.ring.started) return;
    this.#originUs ??= this.#o.ring.startUs;
    while (this.#headUs + FRAME_US <= untilUs) {
      await this.#placeDue(ctx);
      await this.#send(this.#limiter.process(this.#mixFrame()), ctx);
    }
  }

  /** Places every utterance whose turn comes within the next frame. */
  async #placeDue(ctx: StageContext<AudioFrame>): Promise<void> {
    for (;;) {
      const next = this.#pending[0];
      if (!next) return;
      const earliestUs = this.#earliest(next);
      if (this.#fitter.startFor(earliestUs) >= this.#headUs + FRAME_US) return;
      this.#pending.shift();
      await this.#place(next, earliestUs, ctx);
    }
  }

  #earliest(utterance: UtteranceFrame): number {
    return this.#o.mode === 'synced'
      ? utterance.clauseStartUs
      : Math.max(utterance.clauseStartUs, utterance.mediaTimeUs);
  }

  async #place(utterance: UtteranceFrame, earliestUs: number, ctx: StageContext<AudioFrame>): Promise<void> {
    const lengthUs = (utterance.pcm.length * 1_000_000) / RATE_HZ;
    const trimmed = trimPauses(utterance.pcm);
    const fit = this.#fitter.place({
      clauseStartUs: utterance.clauseStartUs,
      clauseEndUs: utterance.clauseEndUs,
      earliestUs,
      playoutUs: this.#headUs,
      lengthUs,
      pausesUs: ((utterance.pcm.length - trimmed.pcm.length) * 1_000_000) / RATE_HZ,
      nextStartUs: this.#nextStart(utterance),
    });
    if (fit.outcome === 'skipped-lag') {
      this.#report(utterance, 'skipped-lag', utterance.clauseStartUs, utterance.clauseStartUs, 1, ctx);
      return;
    }
    const source = fit.trimPauses ? trimmed.pcm : utterance.pcm;
    const pcm = Math.abs(fit.rate - 1) < 0.005 ? source : stretch(source, fit.rate);
    const endUs = fit.startUs + Math.round((pcm.length * 1_000_000) / RATE_HZ);
    this.#fitter.spoken(endUs);
    this.#ducker.add(fit.startUs, endUs);
    const { pcm: _pcm, phonemes: _phonemes, ...logged } = utterance;
    await this.#o.clauseLog.append({ kind: 'utterance', utterance: logged, startUs: fit.startUs });
    this.#playing.push({
      startSample: Math.round(((fit.startUs - this.#originUs!) * RATE_HZ) / 1_000_000),
      pcm,
    });
    this.#report(utterance, 'spoken', fit.startUs, endUs, fit.rate, ctx);
  }

  /** Start of what is said next: a known clause, or the earliest moment at which an unknown one can start. */
  #nextStart(utterance: UtteranceFrame): number {
    const next = this.#pending[0];
    if (next) return this.#earliest(next);
    // After the last clause the end of the source is where the voice should be done.
    if (this.#nowUs === Number.POSITIVE_INFINITY) return this.#o.ring.endUs;
    return Math.max(utterance.clauseEndUs + UNKNOWN_PAUSE_US, this.#nowUs - COMMIT_HORIZON_US);
  }

  #report(
    utterance: UtteranceFrame,
    outcome: UtteranceOutcome,
    startUs: number,
    endUs: number,
    rate: number,
    ctx: StageContext<AudioFrame>,
  ): void {
    ctx.observer.utterance({
      clauseId: utterance.clauseId,
      language: utterance.language,
      text: utterance.text,
      outcome,
      startUs,
      endUs,
      rate,
      latenessMs: Math.max(0, (startUs - utterance.clauseStartUs) / 1000),
      synthesiser: utterance.synthesiser,
      voiceId: utterance.voiceId,
    });
  }

  #mixFrame(): Float32Array[] {
    const planes = this.#o.bed === 'none' ? silence(this.#channels) : this.#bedFrame();
    for (const { startSample, pcm } of this.#playing) {
      const offset = this.#head - startSample;
      for (const plane of planes) {
        for (let i = Math.max(0, -offset); i < FRAME_SAMPLES && offset + i < pcm.length; i += 1)
          plane[i]! += pcm[offset + i]!;
      }
    }
    this.#head += FRAME_SAMPLES;
    this.#playing = this.#playing.filter(({ startSample, pcm }) => startSample + pcm.length > this.#head);
    this.#ducker.forget(this.#headUs - 1_000_000);
    return this.#master.process(planes);
  }

  #bedFrame(): Float32Array[] {
    const headUs = this.#headUs;
    const source = this.#o.ring.read(headUs, FRAME_SAMPLES);
    const planes = this.#bed.process(channelsOf(source.planes, this.#channels));
    // One gain per millisecond: ramps are 50 ms long, and a step of a fiftieth of one is not heard.
    for (let i = 0; i < FRAME_SAMPLES; i += 48) {
      const gain = this.#ducker.gainAt(headUs + Math.round((i * 1_000_000) / RATE_HZ));
      if (gain === 1) continue;
      for (const plane of planes) for (let j = i; j < i + 48; j += 1) plane[j]! *= gain;
    }
    return planes;
  }

  /** Samples still to drop: the limiter answers a little later than it is asked. */
  #toDrop = 0;
  #sentSamples = 0;
  #partial: Float32Array[] | undefined;
  #partialSamples = 0;

  /** Sends limited sound in whole frames; media time is counted on what comes out. */
  async #send(planes: readonly Float32Array[], ctx: StageContext<AudioFrame>, last = false): Promise<void> {
    const length = planes[0]?.length ?? 0;
    let at = Math.min(this.#toDrop, length);
    this.#toDrop -= at;
    while (at < length) {
      this.#partial ??= silence(this.#channels);
      const count = Math.min(FRAME_SAMPLES - this.#partialSamples, length - at);
      for (const [c, plane] of this.#partial.entries())
        plane.set(planes[c]!.subarray(at, at + count), this.#partialSamples);
      this.#partialSamples += count;
      at += count;
      if (this.#partialSamples === FRAME_SAMPLES) await this.#sendFrame(ctx);
    }
    if (last && this.#partialSamples > 0) await this.#sendFrame(ctx);
  }

  async #sendFrame(ctx: StageContext<AudioFrame>): Promise<void> {
    const planes = this.#partial!;
    this.#partial = undefined;
    this.#partialSamples = 0;
    const mediaTimeUs = this.#originUs! + Math.round((this.#sentSamples * 1_000_000) / RATE_HZ);
    this.#sentSamples += FRAME_SAMPLES;
    await ctx.emit({ kind: 'audio', mediaTimeUs, sampleRateHz: RATE_HZ, planes });
  }
}

function silence(channels: number): Float32Array[] {
  return Array.from({ length: channels }, () => new Float32Array(FRAME_SAMPLES));
}

function channelsOf(planes: readonly Float32Array[], channels: 1 | 2): Float32Array[] {
  if (planes.length === channels) return planes.map((plane) => plane.slice());
  const mono = planes[0]!.map(
    (_sample, i) => planes.reduce((sum, plane) => sum + plane[i]!, 0) / planes.length,
  );
  return channels === 1 ? [mono] : [mono, mono.slice()];
}
