import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { HandlerResult } from './engine-thread-serve.ts';
import type { OrtRunBody, TensorData } from './ort-session.ts';

/** Runs a model inside an engine thread and makes the outputs ready to move to the caller. */
export async function answerRun(session: InferenceSession, body: OrtRunBody): Promise<HandlerResult> {
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
}
