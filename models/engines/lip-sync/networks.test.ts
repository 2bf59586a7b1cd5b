import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { EngineCall } from '../../../pipeline/ports/engine.ts';
import { SessionPool } from '../../session-pool.ts';
import type { LipSyncNetwork } from './lip-sync-network.ts';
import { MuseTalk } from './musetalk.ts';
import { type TinyMuseTalkOptions, writeTinyMuseTalk, writeTinyWav2Lip } from './tiny-models.ts';
import { VoiceTimeline } from './voice-timeline.ts';
import { Wav2Lip } from './wav2lip.ts';
import { wav2lipMel } from './wav2lip-mel.ts';

const call = (): EngineCall => ({ signal: new AbortController().signal, priority: 'live' });
const pool = new SessionPool();
const open: LipSyncNetwork[] = [];
const dirs: string[] = [];
afterEach(async () => {
  for (const network of open.splice(0)) await network.close();
});
afterAll(async () => {
  await pool.close();
  for (const dir of dirs) await rm(dir, { recursive: true, force: true });
});

async function wav2lip(batch: number | string = 'batch'): Promise<Wav2Lip> {
  const modelPath = await writeTinyWav2Lip(batch);
  dirs.push(path.dirname(modelPath));
  const network = await Wav2Lip.load({ modelPath, pool });
  open.push(network);
  return network;
}

async function musetalk(options: TinyMuseTalkOptions = {}): Promise<MuseTalk> {
  const paths = await writeTinyMuseTalk(options);
  dirs.push(path.dirname(paths.unet));
  const network = await MuseTalk.load({ paths, pool });
  open.push(network);
  return network;
}

/** One colour above, another below the middle: [3][size][size]. */
function face(size: number, above: readonly number[], below: readonly number[]): Float32Array {
  const area = size * size;
  return Float32Array.from({ length: 3 * area }, (_, i) => {
    const channel = Math.floor(i / area);
    return (i % area < area / 2 ? above : below)[channel]!;
  });
}

/** Means of the upper and the lower half of each channel. */
function halves(made: Float32Array): { above: number[]; below: number[] } {
  const half = made.length / 6;
  const means = Array.from({ length: 6 }, (_, i) => {
    const part = made.subarray(i * half, (i + 1) * half);
    return part.reduce((sum, value) => sum + value, 0) / half;
  });
  return { above: [means[0]!, means[2]!, means[4]!], below: [means[1]!, means[3]!, means[5]!] };
}

/** A voice that says something from 1 s to 2 s. */
function voice(): VoiceTimeline {
  const timeline = new VoiceTimeline();
  const pcm = Float32Array.from({ length: 48_000 }, (_, i) => 0.4 * Math.sin(i / 9) * Math.sin(i / 900));
  timeline.update({ kind: 'utterance', startUs: 1e6, endUs: 2e6, phonemes: [], pcm });
  return timeline;
}

describe('Wav2Lip', () => {
  it('gets blue first, the lower half masked, then the whole face, and gives red first', async () => {
    const network = await wav2lip();
    const sound = new Float32Array(80 * 16).fill(1.6);
    const made = await network.animate({ face: face(96, [0.8, 0.4, 0.2], [0.6, 0.4, 0]), sound }, call());
    const { above, below } = halves(made);
    // 0.25 of the masked face, half of the whole one, 1.6/16 from the sound.
    expect(above).toEqual([0.7, 0.4, 0.25].map((value) => expect.closeTo(value, 4)));
    expect(below).toEqual([0.4, 0.3, 0.1].map((value) => expect.closeTo(value, 4)));
  });

  it('hears 200 ms of the voice, from a picture of 25 fps before its own on', async () => {
    const network = await wav2lip();
    const timeline = voice();
    const mel = wav2lipMel(timeline.read(0, 48_000));
    const heard = await network.soundAt(timeline, 1.44e6);
    // 1.4 s is mel frame 112.
    for (const [band, frame] of [
      [10, 0],
      [40, 7],
      [70, 15],
    ] as const)
      expect(heard[band * 16 + frame]).toBeCloseTo(mel[(112 + frame) * 80 + band]!, 3);
    expect((await network.soundAt(timeline, 5e6)).every((value) => value === -4)).toBe(true);
  });

  it.each(['batch', 1, 3] as const)(
    'answers several channels together, whatever the batch is (%s)',
    async (batch) => {
      const network = await wav2lip(batch);
      const before = pool.stats().completed;
      const made = await Promise.all(
        Array.from({ length: 7 }, (_, i) =>
          network.animate(
            { face: face(96, [i / 10, 0, 0], [0, 0, 0]), sound: new Float32Array(1280) },
            { ...call(), priority: i % 2 ? 'live' : 'upload' },
          ),
        ),
      );
      made.forEach((one, i) => {
        expect(halves(one).above[0]).toBeCloseTo(0.075 * i, 4);
      });
      expect(pool.stats().completed - before).toBe(1);
    },
  );

  it('gives up only what was aborted', async () => {
    const network = await wav2lip();
    const stop = new AbortController();
    const job = { face: face(96, [1, 1, 1], [1, 1, 1]), sound: new Float32Array(1280) };
    const stopped = network.animate(job, { ...call(), signal: stop.signal });
    const other = network.animate(job, call());
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    expect(halves(await other).above[0]).toBeCloseTo(0.75, 4);
  });

  it('refuses one face too many, and everything once closed', async () => {
    const network = await wav2lip();
    const job = { face: face(96, [1, 1, 1], [1, 1, 1]), sound: new Float32Array(1280) };
    const asked = await Promise.allSettled(Array.from({ length: 65 }, () => network.animate(job, call())));
    expect(asked.at(-1)).toMatchObject({ reason: { code: 'LIVEDUB_E_CHANNEL_OVERFLOW' } });
    expect(asked.filter(({ status }) => status === 'fulfilled').length).toBe(64);
    const late = expect(network.animate(job, call())).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
    await network.close();
    await network.close();
    await late;
    await expect(network.animate(job, call())).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });

  it('says of a file that is no such network what it is', async () => {
    const { vae_decoder: modelPath } = await writeTinyMuseTalk();
    dirs.push(path.dirname(modelPath));
    await expect(Wav2Lip.load({ modelPath, pool })).rejects.toMatchObject({
      code: 'LIVEDUB_E_MODEL_CORRUPT',
    });
    const broken = path.join(path.dirname(modelPath), 'broken.onnx');
    await writeFile(broken, 'no model');
    await expect(Wav2Lip.load({ modelPath: broken, pool })).rejects.toMatchObject({
      code: 'LIVEDUB_E_MODEL_CORRUPT',
    });
    await expect(Wav2Lip.load({ modelPath: `${broken}.not`, pool })).rejects.toMatchObject({
      code: 'LIVEDUB_E_MODEL_MISSING',
    });
  });
});

describe('MuseTalk', () => {
  // What the positions of the features add to the mean of the tiny network.
  const atRest = async (network: MuseTalk): Promise<number> => {
    const made = await network.animate(
      { face: face(256, [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]), sound: new Float32Array(50 * 384) },
      call(),
    );
    return halves(made).above[0]! - 0.5;
  };

  it.each([
    ['32-bit floats, means and variances', {}],
    ['16-bit floats', { floats: 'float16' }],
    ['bare latents', { moments: false }],
    ['a fixed batch', { batch: 1 }],
  ] as const)('carries a face through latents and back: %s', async (_, options) => {
    const network = await musetalk(options);
    const shift = await atRest(network);
    const shown = [0.3, 0.5, 0.6];
    const made = await Promise.all(
      [0, 0.5].map((sound) =>
        network.animate(
          { face: face(256, shown, [0.2, 0.4, 0.1]), sound: new Float32Array(50 * 384).fill(sound) },
          call(),
        ),
      ),
    );
    const digits = 'floats' in options ? 2 : 4;
    const { above, below } = halves(made[0]!);
    expect(above).toEqual(shown.map((value) => expect.closeTo(value + shift, digits)));
    expect(below).toEqual([0.2, 0.4, 0.1].map((value) => expect.closeTo(Math.max(0, value + shift), digits)));
    // A tenth of 0.5 over the VAE's scale, half of it because pictures reach from −1 to 1.
    expect(halves(made[1]!).above[0]! - above[0]!).toBeCloseTo(0.05 / 0.18215 / 2, digits);
  });

  it.each([true, false])(
    'hears five layers of ten frames around a picture (stacked: %s)',
    async (stacked) => {
      const network = await musetalk({ stacked });
      const timeline = voice();
      const [silent, speaking, edge] = await Promise.all(
        [9e6, 1.5e6, 1.0e6].map((timeUs) => network.soundAt(timeline, timeUs, call())),
      );
      expect(silent!.length).toBe(50 * 384);
      const at = (heard: Float32Array, frame: number, layer: number): number =>
        heard[(frame * 5 + layer) * 384]!;
      for (const heard of [silent!, speaking!, edge!])
        for (const frame of [0, 9]) expect(at(heard, frame, 4)).toBeCloseTo(5 * at(heard, frame, 0), 3);
      expect(at(speaking!, 5, 0)).toBeGreaterThan(at(silent!, 5, 0) + 0.3);
      // The voice begins with the picture: four frames of silence before it.
      expect(at(edge!, 3, 0)).toBeCloseTo(at(silent!, 3, 0), 5);
      expect(at(edge!, 6, 0)).toBeGreaterThan(at(silent!, 6, 0) + 0.3);
    },
  );

  it('hears each utterance once', async () => {
    const network = await musetalk();
    const timeline = voice();
    await network.soundAt(timeline, 1.5e6, call());
    const before = pool.stats().completed;
    for (let k = 0; k < 10; k++) await network.soundAt(timeline, 1.5e6 + k * 40_000, call());
    expect(pool.stats().completed).toBe(before);
  });
});

describe('the voice', () => {
  it('is silence but for its utterances, and forgets the oldest', () => {
    const timeline = new VoiceTimeline({ limit: 2 });
    const pcm = new Float32Array(48_000).fill(0.5);
    for (const startUs of [0, 2e6, 4e6])
      timeline.update({ kind: 'utterance', startUs, endUs: startUs + 1e6, phonemes: [], pcm });
    expect(timeline.read(500_000, 1)[0]).toBe(0);
    expect(timeline.read(2.5e6, 1)[0]).toBeCloseTo(0.5, 2);
    expect(timeline.read(3.5e6, 1)[0]).toBe(0);
    expect(timeline.between(2.9e6, 4.1e6).map(({ startUs }) => startUs)).toEqual([2e6, 4e6]);
    timeline.forget(4.5e6);
    expect(timeline.between(0, 9e6).map(({ startUs }) => startUs)).toEqual([4e6]);
  });
});
