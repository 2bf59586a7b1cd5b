import { CODEC_HEADROOM_DB, Limiter } from '../audio/limiter.ts';
import type { AudioFrame } from '../frames.ts';
import { AudioMarkEmbedder } from '../mark/audio/embedder.ts';
import { AudioMarkLayout } from '../mark/audio/layout.ts';
import type { MarkKey } from '../mark/mark-key.ts';
import type { Stage, StageContext } from '../stage.ts';

/** What an output is marked with, so that whoever hears it can find out where it comes from. */
export interface OutputMark {
  readonly key: MarkKey;
  /** As the registry issued it for this output alone. */
  readonly rendition: number;
  /** Default: `discreet`. */
  readonly strength?: 'discreet' | 'firm';
}

export interface MarkStageOptions {
  /** Names the output, e.g. `es:synced:mix`. */
  output: string;
  mark: OutputMark;
  /** Default: 2. */
  channels?: 1 | 2;
}

const RATE_HZ = 48_000;
const FRAME_SAMPLES = 960;

/**
 * The last stage of every output: marks the sound, then limits its true peaks, which the mark may raise. Media time stays: what
 * goes out is what came in, about 40 ms later. The mark's phase follows from media time alone, so another process that goes on
 * with the output, and one that begins again after a pause, goes on with its mark.
 */
export class MarkStage implements Stage<AudioFrame, AudioFrame> {
  readonly name: string;
  readonly #limiter: Limiter;
  readonly #embedder: Promise<AudioMarkEmbedder>;
  /** Media time of the first sample to go out of the running stretch; undefined before the first. */
  #originUs: number | undefined;
  /** Sample of media time that comes next unless there is a jump. */
  #nextSample = Number.NaN;
  /** Samples still to drop: embedder and limiter answer later than they are asked. */
  #toDrop = 0;
  #sentSamples = 0;
  #partial: Float32Array[] = [];
  #partialSamples = 0;

  constructor(options: MarkStageOptions) {
    const { output, mark, channels = 2 } = options;
    this.name = `mark:${output}`;
    this.#limiter = new Limiter({ channels, ceilingDbtp: -1 - CODEC_HEADROOM_DB });
    // Made at once: the first sound must not wait for it.
    this.#embedder = createEmbedder(mark, channels);
    // Told when there is something to mark.
    this.#embedder.catch(() => undefined);
  }

  async process(frame: AudioFrame, ctx: StageContext<AudioFrame>): Promise<void> {
    const embedder = await this.#embedder;
    const startSample = Math.round((frame.mediaTimeUs * RATE_HZ) / 1_000_000);
    if (startSample !== this.#nextSample) this.#jumpTo(frame.mediaTimeUs, startSample, embedder);
    this.#nextSample = startSample + frame.planes[0]!.length;
    await this.#send(embedder.process(frame.planes), ctx);
  }

  async flush(ctx: StageContext<AudioFrame>): Promise<void> {
    if (this.#originUs === undefined) return;
    await this.#send((await this.#embedder).flush(), ctx);
    await this.#sendLimited(this.#limiter.flush(), ctx);
    if (this.#partialSamples > 0) await this.#sendFrame(ctx);
  }

  close(): void {
    this.#partial = [];
  }

  /** Begins a new stretch. What the former one had under way goes: its last 35 ms, where sound is missing anyway. */
  #jumpTo(us: number, startSample: number, embedder: AudioMarkEmbedder): void {
    embedder.restart(startSample);
    this.#limiter.flush();
    this.#originUs = us;
    this.#toDrop = AudioMarkEmbedder.latencySamples + this.#limiter.delaySamples;
    this.#sentSamples = 0;
    this.#partialSamples = 0;
  }

  async #send(marked: readonly Float32Array[], ctx: StageContext<AudioFrame>): Promise<void> {
    await this.#sendLimited(this.#limiter.process(marked), ctx);
  }

  /** Sends sound in whole frames; media time is counted on what goes out. */
  async #sendLimited(planes: readonly Float32Array[], ctx: StageContext<AudioFrame>): Promise<void> {
    const length = planes[0]!.length;
    let at = Math.min(this.#toDrop, length);
    this.#toDrop -= at;
    while (at < length) {
      if (this.#partialSamples === 0) this.#partial = planes.map(() => new Float32Array(FRAME_SAMPLES));
      const count = Math.min(FRAME_SAMPLES - this.#partialSamples, length - at);
      for (const [c, plane] of this.#partial.entries())
        plane.set(planes[c]!.subarray(at, at + count), this.#partialSamples);
      this.#partialSamples += count;
      at += count;
      if (this.#partialSamples === FRAME_SAMPLES) await this.#sendFrame(ctx);
    }
  }

  async #sendFrame(ctx: StageContext<AudioFrame>): Promise<void> {
    const mediaTimeUs = this.#originUs! + Math.round((this.#sentSamples * 1_000_000) / RATE_HZ);
    this.#sentSamples += FRAME_SAMPLES;
    this.#partialSamples = 0;
    await ctx.emit({ kind: 'audio', mediaTimeUs, sampleRateHz: RATE_HZ, planes: this.#partial });
  }
}

async function createEmbedder(mark: OutputMark, channels: 1 | 2): Promise<AudioMarkEmbedder> {
  const { key, rendition, strength } = mark;
  const layout = await AudioMarkLayout.create(key);
  return AudioMarkEmbedder.create({
    layout,
    keyId: key.keyId,
    rendition,
    channels,
    ...(strength === undefined ? {} : { strength }),
  });
}
