import type { InferenceSession } from 'onnxruntime-node';
import { LivedubError } from '../pipeline/errors.ts';
import { serveEngineThread } from './engine-thread-serve.ts';
import { answerRun } from './ort-answer.ts';
import { openNativeSession } from './ort-native.ts';
import type { OrtLoadBody, OrtRunBody } from './ort-session.ts';

/** Thread side of OrtSession: one model, one run at a time. */
let session: InferenceSession | undefined;

serveEngineThread({
  load: async (body: OrtLoadBody) => {
    session = await openNativeSession(body.path, body.options);
    return { result: { inputNames: session.inputNames, outputNames: session.outputNames } };
  },
  run: async (body: OrtRunBody) => {
    if (!session) throw new LivedubError('LIVEDUB_E_INTERNAL', 'run came before load.');
    return answerRun(session, body);
  },
});
