import type { InferenceSession } from 'onnxruntime-node';
import { LivedubError } from '../../../pipeline/errors.ts';
import { serveEngineThread } from '../../engine-thread-serve.ts';
import { editGraph } from '../../onnx-file/graph-edits.ts';
import { answerRun } from '../../ort-answer.ts';
import { openNativeSession } from '../../ort-native.ts';
import type { OrtRunBody } from '../../ort-session.ts';
import type { VoiceLoadBody } from './voice-session.ts';

/** Thread side of VoiceSession. */
let session: InferenceSession | undefined;

serveEngineThread({
  load: async ({ path, edits }: VoiceLoadBody) => {
    session = await openNativeSession(path, { edit: (file) => editGraph(file, edits) });
    return { result: undefined };
  },
  run: async (body: OrtRunBody) => {
    if (!session) throw new LivedubError('LIVEDUB_E_INTERNAL', 'run came before load.');
    return answerRun(session, body);
  },
});
