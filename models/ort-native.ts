import { access, constants, readFile } from 'node:fs/promises';
import { InferenceSession } from 'onnxruntime-node';
import { LivedubError } from '../pipeline/errors.ts';

export interface NativeSessionOptions {
  /** Threads inside one operator. Default 1: for models of this size more threads cost more than they bring. */
  readonly threads?: number;
  /** Computes on the GPU, through WebGPU; what it cannot do there it does on the processor. Default false. */
  readonly gpu?: boolean;
  /** Default `all`. `basic` keeps the order of float operations closer to the file's. */
  readonly optimise?: 'all' | 'extended' | 'basic';
  /** Put behind the file's bytes: nodes that GraphBuilder.addition() made. */
  readonly addition?: Uint8Array;
  /** Changes the file's bytes before they are loaded, e.g. with models/onnx-file. */
  readonly edit?: (file: Uint8Array) => Uint8Array;
}

/**
 * Opens a model on the calling thread. Only for code that already runs in an engine thread: `run` computes on the
 * thread that calls it.
 * @param path a file the model store has verified
 * @throws LIVEDUB_E_MODEL_MISSING when it is not there, LIVEDUB_E_MODEL_CORRUPT when it is no model
 */
export async function openNativeSession(
  path: string,
  options: NativeSessionOptions = {},
): Promise<InferenceSession> {
  try {
    await access(path, constants.R_OK);
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MODEL_MISSING', `No model file at ${path}.`, { cause });
  }
  try {
    let model: string | Uint8Array = path;
    if (options.edit) model = options.edit(await readFile(path));
    if (options.addition) {
      model = Buffer.concat([typeof model === 'string' ? await readFile(model) : model, options.addition]);
    }
    return await InferenceSession.create(model as string, {
      executionProviders: options.gpu ? ['webgpu', 'cpu'] : ['cpu'],
      intraOpNumThreads: options.threads ?? 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: options.optimise ?? 'all',
      // A spinning thread would burn the core that the next stage needs.
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
      logSeverityLevel: 3,
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${path} is not a model this build can run: ${why}`, {
      cause,
    });
  }
}
