import { LivedubError } from '../errors.ts';
import type { AudioFrame } from '../frames.ts';

export interface AudioRingOptions {
  /** Planes kept; frames written must have as many. */
  readonly channels: number;
  /** How much of the newest sound is kept, ms of media time. Default 30 000. */
  readonly capacityMs?: number;
  /** Default 48 000. */
  readonly sampleRateHz?: number;
}

/**
 * The newest sound of a channel by media time: one writer, any number of readers. Reading does not remove anything.
 * Gaps between frames read as silence; sound before what was already written is left out (media time never runs back).
 */
export class AudioRing {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly capacitySamples: number;
  readonly #planes: Float32Array[];
  /** Absolute sample numbers (media time × rate): what is kept is first…end. */
  #first = 0;
  #end = 0;
  #started = false;
  #closed = false;
  readonly #waiting = new Set<() => void>();

  constructor(options: AudioRingOptions) {
    const { channels, capacityMs = 30_000, sampleRateHz = 48_000 } = options;
    this.sampleRateHz = sampleRateHz;
    this.channels = channels;
    this.capacitySamples = Math.ceil((capacityMs * sampleRateHz) / 1000);
    this.#planes = Array.from({ length: channels }, () => new Float32Array(this.capacitySamples));
  }

  /** Whether anything was written yet. */
  get started(): boolean {
    return this.#started;
  }

  /** Media time of the oldest sound kept. */
  get startUs(): number {
    return this.#toUs(this.#first);
  }

  /** Media time up to which sound was written. */
  get endUs(): number {
    return this.#toUs(this.#end);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @throws LIVEDUB_E_BAD_REQUEST for another rate or channel count, LIVEDUB_E_CLOSED after close */
  write(frame: AudioFrame): void {
    if (this.#closed) throw new LivedubError('LIVEDUB_E_CLOSED', 'The audio ring is closed.');
    if (frame.sampleRateHz !== this.sampleRateHz || frame.planes.length !== this.channels) {
      const got = `${frame.planes.length} × ${frame.sampleRateHz} Hz`;
      throw new LivedubError(
        'LIVEDUB_E_BAD_REQUEST',
        `The ring keeps ${this.channels} × ${this.sampleRateHz} Hz, not ${got}.`,
      );
    }
    const length = frame.planes[0]?.length ?? 0;
    const start = this.#toSamples(frame.mediaTimeUs);
    if (!this.#started) {
      this.#started = true;
      this.#first = start;
      this.#end = start;
    }
    // Rounding to whole µs may move a frame by a sample; that is neither a gap nor an overlap.
    const from = Math.abs(start - this.#end) <= 1 ? this.#end : start;
    this.#put(undefined, 0, from - this.#end);
    const late = Math.max(0, this.#end - from);
    this.#put(frame.planes, late, length - late);
    for (const wake of this.#waiting) wake();
  }

  /**
   * Copies `samples` from media time `fromUs`; what lies beyond the end, or before the first sound ever written, is silence.
   * @throws LIVEDUB_E_RING_LAPPED when that sound was already overwritten
   */
  read(fromUs: number, samples: number): AudioFrame {
    return this.#copy(this.#toSamples(fromUs), samples);
  }

  /** A reader with a place of its own, from `fromUs` (default: the oldest sound kept when it first reads). */
  reader(fromUs?: number): AudioRingReader {
    let next = fromUs === undefined ? undefined : this.#toSamples(fromUs);
    return {
      read: async (samples, signal) => {
        while (!this.#closed && (!this.#started || this.#end < (next ?? this.#first) + samples))
          await this.#changed(signal);
        signal.throwIfAborted();
        next ??= this.#first;
        const available = Math.min(samples, this.#end - next);
        if (available <= 0) return undefined;
        const frame = this.#copy(next, available);
        next += available;
        return frame;
      },
      lagUs: () => Math.max(0, this.#toUs(this.#end - (next ?? this.#first))),
    };
  }

  /** No more sound comes: waiting readers get the rest, then undefined. */
  close(): void {
    this.#closed = true;
    for (const wake of this.#waiting) wake();
  }

  #put(planes: readonly Float32Array[] | undefined, from: number, count: number): void {
    if (count <= 0) return;
    const capacity = this.capacitySamples;
    // Of more than a whole ring only the newest part stays.
    const skip = Math.max(0, count - capacity);
    for (let channel = 0; channel < this.channels; channel++) {
      const target = this.#planes[channel]!;
      for (let done = skip; done < count; ) {
        const at = wrap(this.#end + done, capacity);
        const part = Math.min(count - done, capacity - at);
        if (planes === undefined) target.fill(0, at, at + part);
        else target.set(planes[channel]!.subarray(from + done, from + done + part), at);
        done += part;
      }
    }
    this.#end += count;
    this.#first = Math.max(this.#first, this.#end - capacity);
  }

  #copy(from: number, samples: number): AudioFrame {
    const lapped = this.#end - this.#first === this.capacitySamples && from < this.#first;
    if (lapped) {
      const behindMs = Math.round((this.#first - from) / (this.sampleRateHz / 1000));
      throw new LivedubError(
        'LIVEDUB_E_RING_LAPPED',
        `Sound ${behindMs} ms before the oldest kept was asked for.`,
      );
    }
    const planes = this.#planes.map((source) => {
      const out = new Float32Array(samples);
      const start = Math.max(from, this.#first);
      const end = Math.min(from + samples, this.#end);
      for (let at = start; at < end; ) {
        const place = wrap(at, this.capacitySamples);
        const part = Math.min(end - at, this.capacitySamples - place);
        out.set(source.subarray(place, place + part), at - from);
        at += part;
      }
      return out;
    });
    return { kind: 'audio', mediaTimeUs: this.#toUs(from), sampleRateHz: this.sampleRateHz, planes };
  }

  #changed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  #toSamples(us: number): number {
    return Math.round((us * this.sampleRateHz) / 1e6);
  }

  #toUs(samples: number): number {
    return Math.round((samples * 1e6) / this.sampleRateHz);
  }
}

export interface AudioRingReader {
  /**
   * Waits until `samples` are there and gives them; after the ring was closed gives what is left, then undefined.
   * @throws LIVEDUB_E_RING_LAPPED when the reader was too slow
   */
  read(samples: number, signal: AbortSignal): Promise<AudioFrame | undefined>;
  /** How far the reader is behind the writer, µs of media time. */
  lagUs(): number;
}

function wrap(sample: number, capacity: number): number {
  return ((sample % capacity) + capacity) % capacity;
}
