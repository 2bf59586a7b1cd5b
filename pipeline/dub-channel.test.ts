import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { truePeakDbtp } from './audio/limiter.ts';
import { integratedLoudness } from './audio/loudness.ts';
import { OpusEncoder } from './audio/opus.ts';
import { systemClock } from './clock.ts';
import { DubChannel, type DubChannelOptions } from './dub-channel.ts';
import type { AudioFrame } from './frames.ts';
import type { PlacedUtterance } from './observer.ts';
import {
  FAKE_VOICE,
  fakeRecogniser,
  fakeSynthesiser,
  fakeTranslator,
  fakeVad,
  framesOf,
  memoryClauseLog,
  spokenScript,
  TEST_MARK,
} from './ports/fakes.ts';

const SCRIPT =
  'We are here now. ~ ~ ~ This is what we came for, as you know, and it goes on for a while yet. ~ ~ ~ ~ Good.'.split(
    ' ',
  );

const noDelay = async () => undefined;
/** Engines that take their time, each call another. */
function unsteady(seed: number): () => Promise<void> {
  let state = seed;
  return async () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    await new Promise((resolve) => setTimeout(resolve, state % 7));
  };
}

function open(
  delay: () => Promise<void>,
  { kind = 'mix', ...overrides }: Partial<DubChannelOptions> & { kind?: 'mix' | 'voice' } = {},
) {
  const audio: AudioFrame[] = [];
  const placed: PlacedUtterance[] = [];
  const clauseLog = memoryClauseLog();
  const channel = new DubChannel({
    vad: fakeVad(),
    recogniser: fakeRecogniser(SCRIPT, delay),
    language: 'en',
    renditions: [
      {
        language: 'es',
        translator: fakeTranslator(delay),
        synthesiser: fakeSynthesiser(delay),
        voice: FAKE_VOICE,
        outputs: [{ mode: 'synced', kind, mark: TEST_MARK, onAudio: (frame) => void audio.push(frame) }],
      },
    ],
    pacing: { kind: 'replay', delayMs: 6000 },
    clock: systemClock,
    priority: 'upload',
    clauseLog,
    observers: [{ utterance: (utterance) => placed.push(utterance) }],
    signal: new AbortController().signal,
    ...overrides,
  });
  return { channel, audio, placed, clauseLog };
}

async function play(channel: DubChannel): Promise<void> {
  const encoder = new OpusEncoder();
  for (const frame of framesOf(spokenScript(SCRIPT, 48_000), 48_000)) {
    for (const packet of encoder.encode(frame)) {
      channel.push(packet);
      await channel.workedOff(packet.mediaTimeUs - 3_000_000);
    }
  }
  for (const packet of encoder.flush()) channel.push(packet);
  channel.end();
  await channel.done;
}

function digest(audio: readonly AudioFrame[]): string {
  const hash = createHash('sha256');
  for (const frame of audio)
    for (const plane of frame.planes)
      hash.update(new Uint8Array(plane.buffer, plane.byteOffset, plane.byteLength));
  return hash.digest('hex');
}

describe('DubChannel', () => {
  it('gives the same sound however fast the engines are', async () => {
    const quick = open(noDelay);
    await play(quick.channel);
    const slow = open(unsteady(42));
    await play(slow.channel);
    expect(quick.placed.length).toBeGreaterThan(0);
    expect(slow.placed).toEqual(quick.placed);
    expect(digest(slow.audio)).toBe(digest(quick.audio));
  });

  it('covers the whole source without gap, in frames of 20 ms', async () => {
    const { channel, audio } = open(noDelay);
    await play(channel);
    for (const [i, frame] of audio.entries()) expect(frame.mediaTimeUs).toBe(i * 20_000);
    expect(audio.length * 0.02).toBeGreaterThanOrEqual(SCRIPT.length * 0.4 - 0.02);
  });

  it('never speaks two utterances at once, nor before the clause log knows', async () => {
    const { channel, placed, clauseLog } = open(noDelay);
    await play(channel);
    for (let i = 1; i < placed.length; i += 1)
      expect(placed[i]!.startUs).toBeGreaterThanOrEqual(placed[i - 1]!.endUs);
    const spoken = clauseLog.entries.filter((entry) => entry.kind === 'utterance');
    expect(spoken).toHaveLength(placed.length);
  });

  it('comes out at −16 LUFS with peaks under −1 dBTP', async () => {
    const { channel, audio } = open(noDelay, { kind: 'voice' });
    await play(channel);
    const planes = [0, 1].map((c) => Float32Array.from(audio.flatMap((frame) => [...frame.planes[c]!])));
    expect(Math.abs(integratedLoudness(planes) + 16)).toBeLessThanOrEqual(1);
    expect(truePeakDbtp(planes)).toBeLessThanOrEqual(-1);
  });

  it('leaves a clause original when its voice fails, and goes on', async () => {
    const good = fakeSynthesiser();
    let calls = 0;
    const synthesiser = {
      ...good,
      synthesise: async (request: Parameters<typeof good.synthesise>[0]) => {
        calls += 1;
        if (calls === 1) throw new Error('voice stumbled');
        return good.synthesise(request);
      },
    };
    const degraded: string[] = [];
    const { channel, placed, clauseLog } = open(noDelay, {
      renditions: [
        {
          language: 'es',
          translator: fakeTranslator(),
          synthesiser,
          voice: FAKE_VOICE,
          outputs: [{ mode: 'synced', kind: 'mix', mark: TEST_MARK, onAudio: noDelay }],
        },
      ],
      observers: [
        { degraded: (stage) => degraded.push(stage), utterance: (utterance) => placed.push(utterance) },
      ],
    });
    await play(channel);
    expect(degraded).toEqual(['synthesise:es']);
    expect(placed.map(({ outcome }) => outcome).sort()).toEqual(
      ['failed', ...placed.slice(1).map(() => 'spoken')].sort(),
    );
    expect(clauseLog.entries).toContainEqual(
      expect.objectContaining({ kind: 'skipped', clauseId: 0, language: 'es', reason: 'failed' }),
    );
    expect(calls).toBeGreaterThan(1);
  });

  it('stops at once on abort and on close, and close may be called twice', async () => {
    const abort = new AbortController();
    const { channel } = open(unsteady(1), { signal: abort.signal });
    const playing = play(channel);
    setTimeout(() => abort.abort(new Error('enough')), 20);
    await expect(playing).rejects.toThrow('enough');
    await channel.close();
    await channel.close();
  });

  it('ends with the error of a listener that fails', async () => {
    const { channel } = open(noDelay, {
      renditions: [
        {
          language: 'es',
          translator: fakeTranslator(),
          synthesiser: fakeSynthesiser(),
          voice: FAKE_VOICE,
          outputs: [
            {
              mode: 'synced',
              kind: 'mix',
              mark: TEST_MARK,
              onAudio: () => {
                throw new Error('disk full');
              },
            },
          ],
        },
      ],
    });
    await expect(play(channel)).rejects.toThrow('disk full');
  });
});
