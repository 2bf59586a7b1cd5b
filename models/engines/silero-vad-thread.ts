import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { LivedubError } from '../../pipeline/errors.ts';
import { serveEngineThread } from '../engine-thread-serve.ts';
import { openNativeSession } from '../ort-native.ts';
import {
  SILERO_CONTEXT_SAMPLES,
  SILERO_WINDOW_SAMPLES,
  type SileroProcessBody,
  type SileroProcessResult,
} from './silero-vad.ts';

/** Thread side of SileroVad: the tensors are made once and refilled, the state goes round inside a call. */
let session: InferenceSession | undefined;
const inputSamples = new Float32Array(SILERO_CONTEXT_SAMPLES + SILERO_WINDOW_SAMPLES);
const input = new Tensor('float32', inputSamples, [1, inputSamples.length]);
const sampleRate = new Tensor('int64', BigInt64Array.from([16_000n]), [1]);

serveEngineThread({
  load: async (modelPath: string) => {
    session = await openNativeSession(modelPath);
    return { result: undefined };
  },
  process: async ({ pcm, state, context }: SileroProcessBody, { throwIfAborted }) => {
    if (!session) throw new LivedubError('LIVEDUB_E_INTERNAL', 'process came before load.');
    const windows = pcm.length / SILERO_WINDOW_SAMPLES;
    const probabilities = new Float32Array(windows);
    let stateTensor = new Tensor('float32', state, [2, 1, 128]);
    inputSamples.set(context);
    for (let w = 0; w < windows; w++) {
      throwIfAborted();
      const at = w * SILERO_WINDOW_SAMPLES;
      inputSamples.set(pcm.subarray(at, at + SILERO_WINDOW_SAMPLES), SILERO_CONTEXT_SAMPLES);
      const { output, stateN } = await session.run({ input, state: stateTensor, sr: sampleRate });
      probabilities[w] = (output!.data as Float32Array)[0]!;
      stateTensor = stateN as Tensor & typeof stateTensor;
      inputSamples.copyWithin(0, SILERO_WINDOW_SAMPLES);
    }
    const result: SileroProcessResult = {
      probabilities,
      state: (stateTensor.data as Float32Array).slice(),
      context: inputSamples.slice(0, SILERO_CONTEXT_SAMPLES),
    };
    return { result };
  },
});
