import { resample } from '../../../pipeline/audio/resample.ts';
import type { SpeechUpdate } from '../../../pipeline/face/dubbed-speech.ts';

/** What the networks listen to. */
export const VOICE_RATE_HZ = 16_000;
const SPEECH_RATE_HZ = 48_000;

export interface HeardUtterance {
  readonly startUs: number;
  readonly endUs: number;
  /** 16 kHz mono. */
  readonly pcm: Float32Array;
}

export interface VoiceTimelineOptions {
  /** Utterances, and dubbed spans, kept at a time; of more the oldest are dropped. Default 64. */
  readonly limit?: number;
}

/** One rendition's voice as it is laid on the channel's timeline: silence but for its utterances. */
export class VoiceTimeline {
  readonly #limit: number;
  readonly #utterances: HeardUtterance[] = [];
  readonly #dubbed: { readonly startUs: number; readonly endUs: number }[] = [];
  #knownUntilUs = Number.NEGATIVE_INFINITY;

  constructor(options: VoiceTimelineOptions = {}) {
    this.#limit = options.limit ?? 64;
  }

  /** Every utterance that starts before this was told. */
  get knownUntilUs(): number {
    return this.#knownUntilUs;
  }

  update(update: SpeechUpdate): void {
    switch (update.kind) {
      case 'utterance': {
        const { startUs, endUs, pcm } = update;
        this.#utterances.push({ startUs, endUs, pcm: resample(pcm, SPEECH_RATE_HZ, VOICE_RATE_HZ) });
        if (this.#utterances.length > this.#limit) this.#utterances.shift();
        return;
      }
      case 'dubbed-span': {
        this.#dubbed.push({ startUs: update.startUs, endUs: update.endUs });
        if (this.#dubbed.length > this.#limit) this.#dubbed.shift();
        return;
      }
      case 'known':
        this.#knownUntilUs = Math.max(this.#knownUntilUs, update.untilUs);
    }
  }

  /** Whether the dub speaks, or the original does in whose place it is heard. */
  isDubbed(fromUs: number, toUs: number): boolean {
    const touches = ({ startUs, endUs }: { startUs: number; endUs: number }): boolean =>
      startUs < toUs && endUs > fromUs;
    return this.#utterances.some(touches) || this.#dubbed.some(touches);
  }

  /** Those heard between two times, in the order in which they were told. */
  between(fromUs: number, toUs: number): readonly HeardUtterance[] {
    return this.#utterances.filter(({ startUs, endUs }) => startUs < toUs && endUs > fromUs);
  }

  /** @returns so many samples from a time on, 16 kHz mono */
  read(fromUs: number, samples: number): Float32Array {
    const out = new Float32Array(samples);
    const first = sampleAt(fromUs);
    for (const { startUs, pcm } of this.#utterances) {
      const at = sampleAt(startUs) - first;
      const from = Math.max(0, at);
      const to = Math.min(samples, at + pcm.length);
      for (let i = from; i < to; i++) out[i]! += pcm[i - at]!;
    }
    return out;
  }

  /** Drops what ended before a time. */
  forget(beforeUs: number): void {
    for (const list of [this.#utterances, this.#dubbed]) {
      let kept = 0;
      for (const item of list) if (item.endUs >= beforeUs) list[kept++] = item as never;
      list.length = kept;
    }
  }
}

const sampleAt = (us: number): number => Math.round((us * VOICE_RATE_HZ) / 1e6);
