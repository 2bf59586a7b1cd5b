import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { LivedubError } from '../../../pipeline/errors.ts';
import { serveEngineThread } from '../../engine-thread-serve.ts';
import { editGraph } from '../../onnx-file/graph-edits.ts';
import { openNativeSession } from '../../ort-native.ts';
import type { OrtRunBody, TensorData } from '../../ort-session.ts';
import type { VoiceLoadBody } from './voice-session.ts';

/** Thread side of VoiceSession. */
let session: InferenceSession | undefined;

serveEngineThread({
  load: async ({ path, edits }: VoiceLoadBody) => {
    session = await openNativeSession(path, { edit: (file) => editGraph(file, edits) });
    return { result: undefined };
  },
  run: async ({ feeds }: OrtRunBody) => {
    if (!session) throw new LivedubError('LIVEDUB_E_INTERNAL', 'run came before load.');
    const outputs = await session.run(
      Object.fromEntries(
        Object.entries(feeds).map(([name, { type, dims, data }]) => [
          name,
          new Tensor(type, data as Float32Array, dims),
        ]),
      ),
    );
    const result: Record<string, TensorData> = {};
    const transfer: ArrayBuffer[] = [];
    for (const [name, tensor] of Object.entries(outputs)) {
      const data = (tensor.data as Float32Array).slice();
      result[name] = { type: tensor.type as TensorData['type'], dims: tensor.dims, data };
      transfer.push(data.buffer);
    }
    return { result, transfer };
  },
});
