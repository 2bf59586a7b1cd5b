import { describe, expect, it } from 'vitest';
import type { AudioFrame, EncodedFrame } from '../frames.ts';
import { OpusDecoder, OpusEncoder } from './opus.ts';

const RATE = 48_000;

function frame(mediaTimeUs: number, ...planes: Float32Array[]): AudioFrame {
  return { kind: 'audio', mediaTimeUs, sampleRateHz: RATE, planes };
}

function tone(samples: number, hz = 300): Float32Array {
  return Float32Array.from({ length: samples }, (_, i) => 0.4 * Math.sin((2 * Math.PI * hz * i) / RATE));
}

/** Decoded sound laid out by media time. */
function decodeAll(packets: readonly EncodedFrame[], channels: 1 | 2, samples: number): Float32Array[] {
  const decoder = new OpusDecoder({ channels });
  const out = Array.from({ length: channels }, () => new Float32Array(samples));
  for (const packet of packets) {
    const at = Math.round((packet.mediaTimeUs * RATE) / 1e6);
    decoder.decode(packet).planes.forEach((plane, channel) => {
      out[channel]!.set(plane.subarray(0, Math.max(0, samples - at)), at);
    });
  }
  return out;
}

describe('OpusEncoder and OpusDecoder', () => {
  it('give the sound back at its own media time', () => {
    const sound = new Float32Array(RATE);
    sound.set(tone(4800, 1000), 24_000);
    const encoder = new OpusEncoder({ channels: 1 });
    const packets: EncodedFrame[] = [];
    for (let at = 0; at < RATE; at += 700)
      packets.push(...encoder.encode(frame((at * 1e6) / RATE, sound.subarray(at, at + 700))));
    packets.push(...encoder.flush());
    expect(packets.map((p) => p.mediaTimeUs)).toEqual(Array.from({ length: 50 }, (_, i) => i * 20_000));
    const got = decodeAll(packets, 1, RATE)[0]!;
    let bestLag = 0;
    let best = 0;
    for (let lag = -20; lag <= 20; lag++) {
      let sum = 0;
      for (let i = 24_000; i < 28_800; i++) sum += sound[i]! * got[i + lag]!;
      if (sum > best) {
        best = sum;
        bestLag = lag;
      }
    }
    expect(Math.abs(bestLag)).toBeLessThanOrEqual(1);
  });

  it('keep two channels apart', () => {
    const encoder = new OpusEncoder({ channels: 2 });
    const packets = [...encoder.encode(frame(0, tone(RATE), new Float32Array(RATE))), ...encoder.flush()];
    const [left, right] = decodeAll(packets, 2, RATE);
    const energy = (plane: Float32Array) => plane.subarray(4800).reduce((sum, x) => sum + x * x, 0);
    expect(energy(left!)).toBeGreaterThan(100 * energy(right!));
  });

  it('fill a short gap with silence and start anew after a long one', () => {
    const encoder = new OpusEncoder({ channels: 1 });
    const packets = [
      ...encoder.encode(frame(0, tone(960))),
      ...encoder.encode(frame(100_000, tone(960))),
      ...encoder.encode(frame(60_000_000, tone(960))),
      ...encoder.flush(),
    ];
    expect(packets.map((p) => p.mediaTimeUs)).toEqual([
      0, 20_000, 40_000, 60_000, 80_000, 100_000, 60_000_000,
    ]);
  });

  it('conceal a lost packet with sound of the same length that goes on', () => {
    const encoder = new OpusEncoder({ channels: 1 });
    const packets = encoder.encode(frame(0, tone(RATE)));
    const decoder = new OpusDecoder({ channels: 1 });
    for (const packet of packets.slice(0, 20)) decoder.decode(packet);
    const made = decoder.conceal(400_000).planes[0]!;
    expect(made.length).toBe(960);
    expect(Math.max(...made)).toBeGreaterThan(0.2);
    expect(decoder.concealed).toBe(1);
    expect(decoder.decode(packets[21]!).planes[0]!.length).toBe(960);
  });

  it('conceal a damaged packet and count it', () => {
    const decoder = new OpusDecoder();
    const junk: EncodedFrame = {
      kind: 'encoded',
      codec: 'opus',
      mediaTimeUs: 0,
      durationUs: 20_000,
      keyframe: true,
      data: Uint8Array.of(0xff, 0xff, 0xff),
    };
    const got = decoder.decode(junk);
    expect(got.planes.map((p) => p.length)).toEqual([960, 960]);
    expect(decoder.damaged).toBe(1);
  });

  it('give the same bytes for the same sound', () => {
    const run = () =>
      new OpusEncoder({ channels: 1 })
        .encode(frame(0, tone(RATE)))
        .map((p) => Buffer.from(p.data).toString('hex'));
    expect(run()).toEqual(run());
  });

  it('refuse another sample rate', () => {
    expect(() =>
      new OpusEncoder().encode({ kind: 'audio', mediaTimeUs: 0, sampleRateHz: 44_100, planes: [tone(10)] }),
    ).toThrow(/44100/);
  });
});
