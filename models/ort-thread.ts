import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { LivedubError } from '../pipeline/errors.ts';
import { serveEngineThread } from './engine-thread-serve.ts';
import { openNativeSession } from './ort-native.ts';
import type { OrtLoadBody, OrtRunBody, TensorData } from './ort-session.ts';

/** Thread side of OrtSession: one model, one run at a time. */
let session: InferenceSession | undefined;

serveEngineThread({
  load: async (body: OrtLoadBody) => {
    session = await openNativeSession(body.path, body.options);
    return { result: { inputNames: session.inputNames, outputNames: session.outputNames } };
  },
  run: async (body: OrtRunBody) => {
    if (!session) throw new LivedubError('LIVEDUB_E_INTERNAL', 'run came before load.');
    const feeds = Object.fromEntries(
      Object.entries(body.feeds).map(([name, { type, dims, data }]) => [
        name,
        new Tensor(type, data as Float32Array, dims),
      ]),
    );
    const outputs = await session.run(feeds, body.fetches ?? session.outputNames);
    const result: Record<string, TensorData> = {};
    const transfer: ArrayBuffer[] = [];
    for (const [name, tensor] of Object.entries(outputs)) {
      // Copied: the native side owns the memory behind an output and would refuse to let it move.
      const data = (tensor.data as Float32Array).slice();
      result[name] = { type: tensor.type as TensorData['type'], dims: tensor.dims, data };
      transfer.push(data.buffer);
    }
    return { result, transfer };
  },
});
