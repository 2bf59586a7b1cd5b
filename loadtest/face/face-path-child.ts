import { once } from 'node:events';
import { shutdownSignal } from '../../cli/shutdown.ts';
import { type LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import { type FacePathFigures, type FacePathOptions, runFacePath } from './face-path.ts';

export type FacePathOrder = Omit<FacePathOptions, 'signal'>;
export type FacePathAnswer =
  | { readonly figures: FacePathFigures }
  | { readonly failed: Pick<LivedubError, 'code' | 'message'> };

/** Runs one path as a process of its own, so that memory and CPU are those of faces alone. */
const [order] = (await once(process, 'message')) as [FacePathOrder];
let answer: FacePathAnswer;
try {
  answer = { figures: await runFacePath({ ...order, signal: shutdownSignal() }) };
} catch (error) {
  const { code, message } = toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED');
  answer = { failed: { code, message } };
}
process.send!(answer, undefined, {}, () => process.disconnect());
