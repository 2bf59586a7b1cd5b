import { LoudnessMeter } from '../audio/loudness.ts';
import type { AudioRing } from '../audio/ring.ts';
import type { Mode, OutputKind } from '../demand.ts';
import type { AudioFrame, DubbedSpanFrame, PlacedFrame, PlayoutFrame } from '../frames.ts';
import type { RenditionState } from '../rendition-state.ts';
import type { Stage, StageContext } from '../stage.ts';
import { Ducker, type DuckerOptions } from '../timeline/duck.ts';
import { BedLeveller, MasterTrim } from '../timeline/level.ts';

export interface MixStageOptions {
  state: RenditionState;
  mode: Mode;
  /** `mix`: the original under the dub; `voice`: the dub alone. */
  kind: OutputKind;
  /** Original sound by media time, 48 kHz; written before playout reaches it. */
  ring: AudioRing;
  /** Told after everything that a playout frame allowed was rendered. */
  onPlayout?: (frame: PlayoutFrame) => void;
  /** Default: 2. */
  channels?: 1 | 2;
  /** Default: −16. */
  targetLufs?: number;
  /** Live: what playout is behind by more than this is left out instead of rendered in one go, ms. Default: never. */
  maxCatchUpMs?: number;
  duck?: DuckerOptions;
}

type In = PlacedFrame | DubbedSpanFrame | PlayoutFrame;

const RATE_HZ = 48_000;
const FRAME_SAMPLES = 960;
const FRAME_US = 20_000;

/**
 * Renders one output: placed utterances, alone or with the ducked original, 20 ms at a time, at one loudness, up to where
 * playout may go. Nobody wants it: nothing is rendered, and it goes on later from where playout is then. Peaks are left to the
 * stage after it, which marks the sound and so may raise them.
 */
export class MixStage implements Stage<In, AudioFrame> {
  readonly name: string;
  readonly #o: MixStageOptions;
  readonly #channels: 1 | 2;
  readonly #ducker: Ducker;
  readonly #bed: BedLeveller;
  readonly #master: MasterTrim;
  #playing: { readonly startUs: number; readonly pcm: Float32Array }[] = [];
  /** Media time of sample 0 of the running stretch; undefined while nothing is rendered. */
  #originUs: number | undefined;
  /** Next sample to render, counted from there. */
  #head = 0;
  /** 1: the voice is heard; 0: muted. */
  #voiceLevel = 1;

  constructor(options: MixStageOptions) {
    this.#o = options;
    this.name = `mix:${options.state.language}:${options.mode}:${options.kind}`;
    this.#channels = options.channels ?? 2;
    this.#ducker = new Ducker(options.duck);
    const level = () => ({
      targetLufs: options.targetLufs ?? -16,
      channels: this.#channels,
      meter: new LoudnessMeter({ sampleRateHz: RATE_HZ, channels: this.#channels }),
    });
    this.#bed = new BedLeveller(level());
    this.#master = new MasterTrim(level());
  }

  async process(frame: In, ctx: StageContext<AudioFrame>): Promise<void> {
    switch (frame.kind) {
      case 'dubbed-span':
        this.#ducker.add(frame.startUs, frame.endUs);
        return;
      case 'placed':
        this.#add(frame);
        return;
      case 'playout':
        await this.#play(frame, ctx);
        this.#o.onPlayout?.(frame);
    }
  }

  async flush(ctx: StageContext<AudioFrame>): Promise<void> {
    if (this.#originUs === undefined || this.#o.maxCatchUpMs !== undefined) return;
    // What is still being said may run past the end of the source.
    while (this.#playing.length > 0) await this.#sendFrame(ctx);
  }

  close(): void {
    this.#playing = [];
  }

  #add(frame: PlacedFrame): void {
    let { startUs } = frame;
    if (this.#o.maxCatchUpMs !== undefined && this.#originUs !== undefined) {
      // A disk that was slow to log it must not cost the beginning of an utterance.
      const lastEndUs = Math.max(...this.#playing.map(endOf), this.#headUs);
      startUs = Math.max(startUs, lastEndUs);
    }
    const placed = { startUs, pcm: frame.pcm };
    this.#playing.push(placed);
    this.#ducker.add(startUs, endOf(placed));
  }

  async #play(frame: PlayoutFrame, ctx: StageContext<AudioFrame>): Promise<void> {
    if (!this.#o.state.wantsOutput(this.#o.mode, this.#o.kind)) {
      this.#originUs = undefined;
      this.#forget(frame.untilUs);
      return;
    }
    const { maxCatchUpMs } = this.#o;
    if (frame.jumpToUs !== undefined) this.#jumpTo(frame.jumpToUs);
    else if (this.#originUs === undefined) this.#jumpTo(lastFrameBefore(frame.untilUs));
    else if (maxCatchUpMs !== undefined && frame.untilUs - this.#headUs > maxCatchUpMs * 1000)
      this.#jumpTo(lastFrameBefore(frame.untilUs));
    while (this.#headUs + FRAME_US <= frame.untilUs) await this.#sendFrame(ctx);
  }

  /** Starts a new stretch of output. */
  #jumpTo(us: number): void {
    this.#originUs = us;
    this.#head = 0;
    this.#forget(us);
  }

  #forget(beforeUs: number): void {
    this.#playing = this.#playing.filter((placed) => endOf(placed) > beforeUs);
    this.#ducker.forget(beforeUs - 1_000_000);
  }

  get #headUs(): number {
    return this.#originUs! + Math.round((this.#head * 1_000_000) / RATE_HZ);
  }

  async #sendFrame(ctx: StageContext<AudioFrame>): Promise<void> {
    const mediaTimeUs = this.#headUs;
    await ctx.emit({ kind: 'audio', mediaTimeUs, sampleRateHz: RATE_HZ, planes: this.#mixFrame() });
  }

  #mixFrame(): Float32Array[] {
    const from = this.#voiceLevel;
    const to = this.#o.state.silent ? 0 : 1;
    this.#voiceLevel = to;
    const levelAt = (i: number) => from + ((to - from) * i) / FRAME_SAMPLES;
    const planes = this.#o.kind === 'voice' ? silence(this.#channels) : this.#bedFrame(levelAt);
    for (const { startUs, pcm } of this.#playing) {
      const offset = this.#head - Math.round(((startUs - this.#originUs!) * RATE_HZ) / 1_000_000);
      for (const plane of planes) {
        for (let i = Math.max(0, -offset); i < FRAME_SAMPLES && offset + i < pcm.length; i += 1)
          plane[i]! += pcm[offset + i]! * levelAt(i);
      }
    }
    this.#head += FRAME_SAMPLES;
    this.#forget(this.#headUs);
    return this.#master.process(planes);
  }

  #bedFrame(levelAt: (i: number) => number): Float32Array[] {
    const headUs = this.#headUs;
    const { ring } = this.#o;
    // Live sound may jump far ahead and leave what playout asks for behind: that is silence then.
    const source =
      headUs < ring.startUs && this.#o.maxCatchUpMs !== undefined
        ? silence(this.#channels)
        : channelsOf(ring.read(headUs, FRAME_SAMPLES).planes, this.#channels);
    const planes = this.#bed.process(source);
    // One gain per millisecond: ramps are 50 ms long, and a step of a fiftieth of one is not heard.
    for (let i = 0; i < FRAME_SAMPLES; i += 48) {
      const ducked = this.#ducker.gainAt(headUs + Math.round((i * 1_000_000) / RATE_HZ));
      const gain = 1 + (ducked - 1) * levelAt(i);
      if (gain === 1) continue;
      for (const plane of planes) for (let j = i; j < i + 48; j += 1) plane[j]! *= gain;
    }
    return planes;
  }
}

function endOf({ startUs, pcm }: { readonly startUs: number; readonly pcm: Float32Array }): number {
  return startUs + Math.round((pcm.length * 1_000_000) / RATE_HZ);
}

/** Start of the last whole frame before a moment; frames of all outputs lie on one grid of 20 ms. */
function lastFrameBefore(us: number): number {
  return Math.floor(us / FRAME_US - 1) * FRAME_US;
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
