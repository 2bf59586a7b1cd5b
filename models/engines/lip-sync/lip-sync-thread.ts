import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { LivedubError } from '../../../pipeline/errors.ts';
import { serveEngineThread } from '../../engine-thread-serve.ts';
import { openNativeSession } from '../../ort-native.ts';
import { fromHalves, toHalves } from './half.ts';
import type { LoadBody, ModelSignature, RunBody, TensorSignature } from './onnx-models.ts';

/** Thread side of OnnxModels: several models, one run at a time. */
const sessions = new Map<string, InferenceSession>();

serveEngineThread({
  load: async ({ paths, threads, gpu }: LoadBody) => {
    const result: Record<string, ModelSignature> = {};
    for (const [name, path] of Object.entries(paths)) {
      const session = await openNativeSession(path, { threads, gpu });
      sessions.set(name, session);
      result[name] = { inputs: tensors(session.inputMetadata), outputs: tensors(session.outputMetadata) };
    }
    return { result };
  },
  run: async ({ model, feeds }: RunBody) => {
    const session = sessions.get(model);
    if (!session) throw new LivedubError('LIVEDUB_E_INTERNAL', `${model} was not loaded.`);
    const given: Record<string, Tensor> = {};
    for (const { name, type } of tensors(session.inputMetadata)) {
      const feed = feeds[name];
      if (feed !== undefined) given[name] = tensorOf(type, feed.data, feed.dims);
    }
    const result: Float32Array[] = [];
    const transfer: ArrayBuffer[] = [];
    const outputs = await session.run(given);
    for (const name of session.outputNames) {
      const data = floatsOf(outputs[name]!);
      result.push(data);
      transfer.push(data.buffer as ArrayBuffer);
    }
    return { result, transfer };
  },
});

function tensors(metadata: readonly InferenceSession.ValueMetadata[]): TensorSignature[] {
  return metadata.map((value) =>
    value.isTensor
      ? { name: value.name, type: value.type, dims: value.shape }
      : { name: value.name, type: 'none', dims: [] },
  );
}

function tensorOf(type: string, data: Float32Array, dims: readonly number[]): Tensor {
  switch (type) {
    case 'float16':
      return new Tensor('float16', toHalves(data) as never, dims);
    case 'int64':
      return new Tensor(
        'int64',
        BigInt64Array.from(data, (value) => BigInt(Math.round(value))),
        dims,
      );
    default:
      return new Tensor('float32', data, dims);
  }
}

function floatsOf({ type, data }: Tensor): Float32Array {
  // Copied: the native side owns the memory behind an output and would refuse to let it move.
  return type === 'float16' ? fromHalves(data as unknown as Uint16Array) : (data as Float32Array).slice();
}
