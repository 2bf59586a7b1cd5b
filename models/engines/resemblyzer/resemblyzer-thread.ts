import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { LivedubError } from '../../../pipeline/errors.ts';
import { serveEngineThread } from '../../engine-thread-serve.ts';
import { openNativeSession } from '../../ort-native.ts';
import { PARTIAL_FRAMES, SPEAKER_BANDS, speakerMels } from './speaker-mels.ts';

/** Thread side of ResemblyzerSpeakerId. */
let session: InferenceSession | undefined;

serveEngineThread({
  load: async (modelPath: string) => {
    session = await openNativeSession(modelPath);
    return { result: undefined };
  },
  embed: async (pcm: Float32Array, { throwIfAborted }) => {
    if (!session) throw new LivedubError('LIVEDUB_E_INTERNAL', 'embed came before load.');
    const { pieces, data } = speakerMels(pcm);
    let mean: Float32Array | undefined;
    for (let piece = 0; piece < pieces; piece++) {
      throwIfAborted();
      const length = PARTIAL_FRAMES * SPEAKER_BANDS;
      const mels = new Tensor('float32', data.subarray(piece * length, (piece + 1) * length), [
        1,
        PARTIAL_FRAMES,
        SPEAKER_BANDS,
      ]);
      const embeds = (await session.run({ mels })).embeds!.data as Float32Array;
      mean ??= new Float32Array(embeds.length);
      for (let i = 0; i < embeds.length; i++) mean[i]! += embeds[i]!;
    }
    const length = Math.hypot(...mean!) || 1;
    return { result: mean!.map((value) => value / length) };
  },
});
