import { withDeadline } from '../deadline.ts';
import { toLivedubError } from '../errors.ts';
import type { AudioFrame, SegmentFrame, WatermarkFrame } from '../frames.ts';
import type { Vad, VadSession } from '../ports/vad.ts';
import type { Stage, StageContext } from '../stage.ts';
import { Segmenter, type SegmenterOptions, type SegmentSpan } from './segmenter.ts';

export interface SegmentStageOptions {
  vad: Vad;
  /** Windows handed to the VAD at once: more is cheaper, less is quicker. Default: 3 (96 ms). */
  windowsPerCall?: number;
  segmenter?: Omit<SegmenterOptions, 'windowSamples'>;
  /** Send watermarks. Live playout has no use for them. Default: true. */
  watermarks?: boolean;
  /** Live: a VAD that takes longer, or fails, heard no speech, ms. Default: it must answer. */
  vadMs?: number;
}

const RATE_HZ = 16_000;
/** Sound this far off the count of samples comes after a hole. */
const JUMP_US = 50_000;

/**
 * Finds speech in 16 kHz mono sound and hands on one segment after another, partial first, with a watermark after every
 * call of the VAD. A jump of media time ends the segment that is open.
 */
export class SegmentStage implements Stage<AudioFrame, SegmentFrame | WatermarkFrame> {
  readonly name = 'segment';
  readonly #vad: VadSession;
  readonly #options: SegmentStageOptions;
  #segmenter: Segmenter;
  readonly #callSamples: number;
  readonly #windowSamples: number;
  /** Sound not yet dropped; `#keptFrom` is the stream position of its first sample. */
  #kept = new Float32Array(RATE_HZ * 16);
  #keptFrom = 0;
  #written = 0;
  #originUs: number | undefined;
  #closed = false;

  constructor(options: SegmentStageOptions) {
    this.#vad = options.vad.open();
    this.#windowSamples = options.vad.windowSamples;
    this.#callSamples = this.#windowSamples * (options.windowsPerCall ?? 3);
    this.#options = options;
    this.#segmenter = this.#newSegmenter(0);
  }

  async process(frame: AudioFrame, ctx: StageContext<SegmentFrame | WatermarkFrame>): Promise<void> {
    if (this.#originUs !== undefined && frame.mediaTimeUs - this.#timeUs(this.#written) > JUMP_US) {
      await this.flush(ctx);
      this.#startAnew();
    }
    this.#originUs ??= frame.mediaTimeUs;
    this.#append(frame.planes[0]!);
    while (this.#written - this.#segmenter.position >= this.#callSamples)
      await this.#detect(this.#callSamples, ctx);
  }

  async flush(ctx: StageContext<SegmentFrame | WatermarkFrame>): Promise<void> {
    if (this.#originUs === undefined) return;
    const rest = this.#written - this.#segmenter.position;
    const padded = Math.ceil(rest / this.#windowSamples) * this.#windowSamples;
    if (padded > 0) {
      this.#append(new Float32Array(padded - rest));
      await this.#detect(padded, ctx);
    }
    for (const span of this.#segmenter.flush()) await ctx.emit(this.#frame(span));
    await this.#mark(this.#written, ctx);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#vad.close();
  }

  #newSegmenter(firstId: number): Segmenter {
    return new Segmenter({ windowSamples: this.#windowSamples, firstId, ...this.#options.segmenter });
  }

  #startAnew(): void {
    this.#segmenter = this.#newSegmenter(this.#segmenter.nextId);
    this.#keptFrom = 0;
    this.#written = 0;
    this.#originUs = undefined;
  }

  async #detect(count: number, ctx: StageContext<SegmentFrame | WatermarkFrame>): Promise<void> {
    const from = this.#segmenter.position - this.#keptFrom;
    const probabilities = await this.#probabilities(this.#kept.slice(from, from + count), ctx);
    for (const probability of probabilities) {
      for (const span of this.#segmenter.push(probability)) await ctx.emit(this.#frame(span));
    }
    await this.#mark(this.#segmenter.position, ctx);
  }

  async #probabilities(
    pcm: Float32Array,
    ctx: StageContext<SegmentFrame | WatermarkFrame>,
  ): Promise<Float32Array> {
    const { vadMs } = this.#options;
    try {
      return await withDeadline('The VAD', vadMs, ctx.signal, (signal) => this.#vad.process(pcm, signal));
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (vadMs === undefined) throw error;
      ctx.observer.degraded(this.name, toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED'));
      return new Float32Array(pcm.length / this.#windowSamples);
    }
  }

  async #mark(sample: number, ctx: StageContext<SegmentFrame | WatermarkFrame>): Promise<void> {
    if (this.#options.watermarks === false) return;
    await ctx.emit({ kind: 'watermark', mediaTimeUs: this.#timeUs(sample) });
  }

  #frame(span: SegmentSpan): SegmentFrame {
    return {
      kind: 'segment',
      id: span.id,
      startUs: this.#timeUs(span.start),
      speechStartUs: this.#timeUs(span.speechStart),
      endUs: this.#timeUs(span.end),
      final: span.final,
      ...(span.paused ? { paused: true } : {}),
      pcm: this.#kept.slice(span.start - this.#keptFrom, span.end - this.#keptFrom),
      mediaTimeUs: this.#timeUs(this.#segmenter.position),
    };
  }

  #append(pcm: Float32Array): void {
    const used = this.#written - this.#keptFrom;
    if (used + pcm.length > this.#kept.length) {
      const drop = this.#segmenter.keepFrom - this.#keptFrom;
      const live = this.#kept.subarray(drop, used);
      const target =
        live.length + pcm.length > this.#kept.length / 2
          ? new Float32Array(this.#kept.length * 2)
          : this.#kept;
      target.set(live);
      this.#kept = target;
      this.#keptFrom += drop;
    }
    this.#kept.set(pcm, this.#written - this.#keptFrom);
    this.#written += pcm.length;
  }

  #timeUs(sample: number): number {
    return this.#originUs! + Math.round((sample * 1_000_000) / RATE_HZ);
  }
}
