import { createRequire } from 'node:module';
import { LivedubError } from '../errors.ts';
import type { AudioFrame, EncodedFrame } from '../frames.ts';

// The package computes its exports at run time, so a static named import of it fails under ESM.
type Codec = import('@discordjs/opus').OpusEncoder;
let codecClass: (new (rateHz: number, channels: number) => Codec) | undefined;

function newCodec(channels: number): Codec {
  try {
    codecClass ??= createRequire(import.meta.url)('@discordjs/opus').OpusEncoder as NonNullable<
      typeof codecClass
    >;
  } catch (cause) {
    throw new LivedubError(
      'LIVEDUB_E_DEPENDENCY_MISSING',
      'The Opus codec (npm package @discordjs/opus) does not load.',
      { cause },
    );
  }
  return new codecClass(OPUS_RATE_HZ, channels);
}

export const OPUS_RATE_HZ = 48_000;
export const OPUS_FRAME_SAMPLES = 960;
export const OPUS_FRAME_US = 20_000;
/** What libopus holds back in its "audio" mode: 6.5 ms (RFC 6716 §2.1.4: look-ahead plus delay compensation). */
const LOOKAHEAD_SAMPLES = 312;
/** A pause in the input up to this long is encoded as silence; after a longer one the timeline starts anew. */
const MAX_FILL_SAMPLES = OPUS_RATE_HZ;

// Request numbers of opus_defines.h.
const SET_BITRATE = 4002;
const SET_COMPLEXITY = 4010;
const SET_INBAND_FEC = 4012;
const SET_PACKET_LOSS_PERCENT = 4014;

export interface OpusEncoderOptions {
  /** 1 or 2. Default 2. Frames with another count are mixed down or doubled. */
  readonly channels?: 1 | 2;
  /** Default 48 000 for mono, 96 000 for stereo. */
  readonly bitrateBps?: number;
  /** 0…10. Default 3: see the measurements in docs/decisions/0005-audio-costs.md. */
  readonly complexity?: number;
  /** Expected packet loss on the way to listeners, %. Above 0 the encoder adds in-band FEC where the bit rate allows. Default 0. */
  readonly expectedLossPercent?: number;
}

/**
 * Encodes 48 kHz sound into 20 ms Opus packets. A packet's media time is that of the sound a decoder plays for it: the
 * codec's own delay is taken out here by encoding 6.5 ms ahead, so no reader has to know of it.
 */
export class OpusEncoder {
  readonly channels: 1 | 2;
  readonly #options: OpusEncoderOptions;
  #codec: Codec;
  /** Interleaved 16-bit sound of the packet being filled. */
  #block: Int16Array;
  #filled = 0;
  /** Samples still to be left out before the next block, to encode ahead. */
  #skip = LOOKAHEAD_SAMPLES;
  #startUs: number | undefined;
  #inputSamples = 0;
  #packets = 0;

  constructor(options: OpusEncoderOptions = {}) {
    this.channels = options.channels ?? 2;
    this.#options = options;
    this.#block = new Int16Array(OPUS_FRAME_SAMPLES * this.channels);
    this.#codec = this.#open();
  }

  /**
   * @param frame 48 kHz, any length, following on the last one
   * @returns the packets that are complete now
   */
  encode(frame: AudioFrame): EncodedFrame[] {
    if (frame.sampleRateHz !== OPUS_RATE_HZ) {
      throw new LivedubError(
        'LIVEDUB_E_BAD_REQUEST',
        `Opus is encoded from 48000 Hz, not ${frame.sampleRateHz} Hz.`,
      );
    }
    const out: EncodedFrame[] = [];
    this.#startUs ??= frame.mediaTimeUs;
    const expectedUs = this.#startUs + samplesToUs(this.#inputSamples);
    const gap = Math.round(((frame.mediaTimeUs - expectedUs) * OPUS_RATE_HZ) / 1e6);
    if (gap > MAX_FILL_SAMPLES) {
      out.push(...this.flush());
      this.#startUs = frame.mediaTimeUs;
    } else if (gap > 1) {
      const silence = new Float32Array(gap);
      this.#take([silence], silence.length, out);
    }
    this.#take(frame.planes, frame.planes[0]?.length ?? 0, out);
    return out;
  }

  /** Encodes what is left, filled up with silence. The encoder then starts anew. */
  flush(): EncodedFrame[] {
    const out: EncodedFrame[] = [];
    const missing = this.#inputSamples - this.#packets * OPUS_FRAME_SAMPLES;
    if (missing > 0) {
      const silence = new Float32Array(LOOKAHEAD_SAMPLES + OPUS_FRAME_SAMPLES);
      const before = this.#packets + Math.ceil(missing / OPUS_FRAME_SAMPLES);
      this.#take([silence, silence], silence.length, out);
      while (out.length > 0 && this.#packets > before) {
        out.pop();
        this.#packets--;
      }
    }
    this.#codec = this.#open();
    this.#filled = 0;
    this.#skip = LOOKAHEAD_SAMPLES;
    this.#startUs = undefined;
    this.#inputSamples = 0;
    this.#packets = 0;
    return out;
  }

  #open(): Codec {
    const { bitrateBps = this.channels * 48_000, complexity = 3, expectedLossPercent = 0 } = this.#options;
    const codec = newCodec(this.channels);
    codec.applyEncoderCTL(SET_BITRATE, bitrateBps);
    codec.applyEncoderCTL(SET_COMPLEXITY, complexity);
    codec.applyEncoderCTL(SET_INBAND_FEC, expectedLossPercent > 0 ? 1 : 0);
    codec.applyEncoderCTL(SET_PACKET_LOSS_PERCENT, expectedLossPercent);
    return codec;
  }

  #take(planes: readonly Float32Array[], length: number, out: EncodedFrame[]): void {
    this.#inputSamples += length;
    const skipped = Math.min(this.#skip, length);
    this.#skip -= skipped;
    for (let at = skipped; at < length; ) {
      const count = Math.min(length - at, OPUS_FRAME_SAMPLES - this.#filled);
      writeInterleaved(this.#block, this.#filled, this.channels, planes, at, count);
      this.#filled += count;
      at += count;
      if (this.#filled < OPUS_FRAME_SAMPLES) continue;
      this.#filled = 0;
      const data = this.#codec.encode(Buffer.from(this.#block.buffer));
      const mediaTimeUs = this.#startUs! + this.#packets * OPUS_FRAME_US;
      this.#packets++;
      out.push({
        kind: 'encoded',
        codec: 'opus',
        mediaTimeUs,
        durationUs: OPUS_FRAME_US,
        keyframe: true,
        data,
      });
    }
  }
}

export interface OpusDecoderOptions {
  /** 1 or 2. Default 2. A stream with another count is converted. */
  readonly channels?: 1 | 2;
}

/**
 * Decodes Opus packets into 48 kHz sound and conceals lost ones. Damaged packets are concealed and counted, never
 * thrown. In-band FEC of a following packet is not read: the binding does not offer it.
 */
export class OpusDecoder {
  readonly channels: 1 | 2;
  /** Packets that could not be decoded. */
  damaged = 0;
  /** Packets made up because none came. */
  concealed = 0;
  readonly #codec: Codec;
  /** First byte of the last packet: mode, bandwidth and frame size (RFC 6716 §3.1), with the frame count set to one. */
  #configuration: number | undefined;

  constructor(options: OpusDecoderOptions = {}) {
    this.channels = options.channels ?? 2;
    this.#codec = newCodec(this.channels);
  }

  decode(frame: EncodedFrame): AudioFrame {
    if (frame.data.length > 0) {
      try {
        const sound = this.#codec.decode(asBuffer(frame.data));
        this.#configuration = frame.data[0]! & 0xfc;
        return this.#frame(sound, frame.mediaTimeUs);
      } catch {
        this.damaged++;
      }
    }
    return this.conceal(frame.mediaTimeUs, frame.durationUs);
  }

  /** Sound for packets that never came: fades from what was heard last. `durationUs` default one packet, at most 120 ms. */
  conceal(mediaTimeUs: number, durationUs = OPUS_FRAME_US): AudioFrame {
    const wanted = Math.min(5760, Math.round((durationUs * OPUS_RATE_HZ) / 1e6));
    const planes = Array.from({ length: this.channels }, () => new Float32Array(wanted));
    // A packet of nothing but its first byte stands for one lost frame of that length (RFC 6716 §3.2.1: "DTX").
    for (let at = 0; at < wanted && this.#configuration !== undefined; this.concealed++) {
      const part = this.#frame(this.#codec.decode(Buffer.of(this.#configuration)), mediaTimeUs).planes;
      const count = Math.min(part[0]!.length, wanted - at);
      planes.forEach((plane, channel) => {
        plane.set(part[channel]!.subarray(0, count), at);
      });
      at += count;
    }
    return { kind: 'audio', mediaTimeUs, sampleRateHz: OPUS_RATE_HZ, planes };
  }

  #frame(sound: Buffer, mediaTimeUs: number): AudioFrame {
    const samples = new Int16Array(sound.buffer, sound.byteOffset, sound.length >> 1);
    const length = samples.length / this.channels;
    const planes: Float32Array[] = [];
    for (let channel = 0; channel < this.channels; channel++) {
      const plane = new Float32Array(length);
      for (let i = 0, from = channel; i < length; i++, from += this.channels)
        plane[i] = samples[from]! / 32_768;
      planes.push(plane);
    }
    return { kind: 'audio', mediaTimeUs, sampleRateHz: OPUS_RATE_HZ, planes };
  }
}

function samplesToUs(samples: number): number {
  return Math.round((samples * 1e6) / OPUS_RATE_HZ);
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Planar −1…1 to interleaved 16 bit, clipped; mono is doubled, stereo averaged where the counts differ. */
function writeInterleaved(
  target: Int16Array,
  atSample: number,
  channels: number,
  planes: readonly Float32Array[],
  from: number,
  count: number,
): void {
  const left = planes[0]!;
  const right = planes[1];
  if (channels === 1) {
    for (let i = 0; i < count; i++) {
      const x = right === undefined ? left[from + i]! : (left[from + i]! + right[from + i]!) / 2;
      target[atSample + i] = toInt16(x);
    }
    return;
  }
  const second = right ?? left;
  for (let i = 0, to = atSample * 2; i < count; i++, to += 2) {
    target[to] = toInt16(left[from + i]!);
    target[to + 1] = toInt16(second[from + i]!);
  }
}

function toInt16(x: number): number {
  const scaled = x * 32_768;
  if (scaled >= 32_767) return 32_767;
  if (scaled <= -32_768) return -32_768;
  return scaled < 0 ? (scaled - 0.5) | 0 : (scaled + 0.5) | 0;
}
